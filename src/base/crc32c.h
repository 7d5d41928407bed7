/* crc32c.h - CRC-32C (Castagnoli; RFC 3720), which the processor computes: has these bytes changed by accident? Thread-safe. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/* Of what `crc` was the sum of (0: of nothing) followed by `data`. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

typedef uint32_t crc32c_fn(uint32_t crc, const void *data, size_t len);
/* That of a level; for many short pieces, so that the level is asked for once. */
crc32c_fn *crc32c_kernel(enum cpu_level level);

#endif
