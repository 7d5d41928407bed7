/* hash.h - SHA-256 (FIPS 180-4, by libnettle), the identity of pictures and model files. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { HASH_LEN = 32, HASH_HEX_LEN = 64 };

struct hash {
    uint8_t bytes[HASH_LEN];
};

void hash_bytes(const void *data, size_t len, struct hash *out);

/* Hash everything that can be read from `fd` from offset 0 (pread; the file offset
 * stays). *size gets the number of bytes, may be NULL. EYE_EIO; EYE_ELIMIT past `max` bytes. */
int hash_fd(int fd, uint64_t max, struct hash *out, uint64_t *size, struct eye_err *err);
int hash_file(const char *path, struct hash *out, uint64_t *size, struct eye_err *err);

/* A hash of bytes that come piece by piece. NULL: no memory. hash_end gives the hash (out NULL: nobody wants it) and frees. */
struct hash_stream;
struct hash_stream *hash_begin(struct eye_err *err);
void hash_add(struct hash_stream *h, const void *data, size_t len);
void hash_end(struct hash_stream *h, struct hash *out); /* h NULL: nothing happens */

/* hex: [HASH_HEX_LEN + 1], lower case. hash_from_hex: EYE_EFORMAT. */
void hash_to_hex(const struct hash *h, char *hex);
int hash_from_hex(const char *hex, struct hash *out, struct eye_err *err);
int hash_cmp(const struct hash *a, const struct hash *b);

#endif
