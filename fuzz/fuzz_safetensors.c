/* fuzz_safetensors.c - the tensor directory of a model file: what it finds lies inside the file. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clip/safetensors.h"

/* Every number of a tensor that was found must be there: AddressSanitizer and the end of the mapping watch. */
static void touch(const struct safetensors *st, const char *name)
{
    struct tensor t;
    if (safetensors_find(st, name, &t, NULL) != 0)
        return;
    size_t bytes = tensor_count(&t) * dtype_size(t.dtype);
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i += 64)
        sum = (uint8_t)(sum + ((const uint8_t *)t.data)[i]);
    if (bytes > 0)
        sum = (uint8_t)(sum + ((const uint8_t *)t.data)[bytes - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    PROMISE(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct eye_err err = {0, ""};
    struct safetensors *st = safetensors_open(path, &err);
    if (st) {
        touch(st, "a");
        touch(st, "weight");
        touch(st, "visual.proj");
        PROMISE(!safetensors_has(st, "there is no such tensor"));
        PROMISE(safetensors_bytes(st) == len);
        safetensors_dtype(st);
        safetensors_close(st);
    } else {
        PROMISE(err.code < 0 && err.msg[0] != '\0');
    }
    close(fd);
    return 0;
}
