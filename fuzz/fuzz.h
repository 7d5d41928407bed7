/* fuzz.h - what a target is: one function on bytes, for libFuzzer (make fuzz) and for replay_main.c (make fuzz-replay). */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A promise of the code under test; breaking it is a finding like a crash. */
#define PROMISE(what)                                                                              \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

#endif
