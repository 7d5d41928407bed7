/* hash.c - SHA-256 by libnettle: about 2 GB/s with the processor's SHA instructions, so the disk
 * is what hashing waits for. Nettle is small, and every Debian has it already. */
#include "base/hash.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

enum { CHUNK = 64 * 1024 };

void hash_bytes(const void *data, size_t len, struct hash *out)
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, len, data);
    sha256_digest(&ctx, HASH_LEN, out->bytes);
}

struct hash_stream {
    struct sha256_ctx ctx;
};

struct hash_stream *hash_begin(struct eye_err *err)
{
    struct hash_stream *h = mem_calloc(1, sizeof *h, err);
    if (h)
        sha256_init(&h->ctx);
    return h;
}

void hash_add(struct hash_stream *h, const void *data, size_t len)
{
    sha256_update(&h->ctx, len, data);
}

void hash_end(struct hash_stream *h, struct hash *out)
{
    if (h && out)
        sha256_digest(&h->ctx, HASH_LEN, out->bytes);
    free(h);
}

static int too_large(uint64_t max, struct eye_err *err)
{
    return eye_fail(err, EYE_ELIMIT, "larger than the %llu bytes that are allowed",
                    (unsigned long long)max);
}

int hash_fd(int fd, uint64_t max, struct hash *out, uint64_t *size, struct eye_err *err)
{
    uint8_t chunk[CHUNK];
    uint64_t done = 0;
    struct sha256_ctx ctx;
    struct stat st;
    /* A film of 50 GB should not be read for half a minute first. */
    if (fstat(fd, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size > max)
        return too_large(max, err);
    sha256_init(&ctx);
    for (;;) {
        ssize_t n = pread(fd, chunk, sizeof chunk, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return eye_fail_errno(err, errno, "cannot read the file");
        if (n == 0)
            break;
        if ((uint64_t)n > max - done)
            return too_large(max, err);
        sha256_update(&ctx, (size_t)n, chunk);
        done += (uint64_t)n;
    }
    sha256_digest(&ctx, HASH_LEN, out->bytes);
    if (size)
        *size = done;
    return 0;
}

int hash_file(const char *path, struct hash *out, uint64_t *size, struct eye_err *err)
{
    struct stat st;
    int fd = fs_open_follow(path, &st, err);
    if (fd < 0)
        return fd;
    int rc = hash_fd(fd, UINT64_MAX, out, size, err);
    if (rc)
        eye_fail_prefix(err, "%s", path);
    close(fd);
    return rc;
}

void hash_to_hex(const struct hash *h, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HASH_LEN; i++) {
        hex[2 * i] = digits[h->bytes[i] >> 4];
        hex[2 * i + 1] = digits[h->bytes[i] & 15];
    }
    hex[HASH_HEX_LEN] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hash_from_hex(const char *hex, struct hash *out, struct eye_err *err)
{
    struct hash h;
    size_t len = strnlen(hex, HASH_HEX_LEN + 1);
    for (size_t i = 0; len == HASH_HEX_LEN && i < HASH_LEN; i++) {
        int hi = hex_digit(hex[2 * i]), lo = hex_digit(hex[2 * i + 1]);
        if (hi < 0 || lo < 0)
            len = 0;
        h.bytes[i] = (uint8_t)((hi & 15) << 4 | (lo & 15));
    }
    if (len != HASH_HEX_LEN)
        return eye_fail(err, EYE_EFORMAT, "\"%.80s\" is not a SHA-256 of 64 hex digits", hex);
    *out = h;
    return 0;
}

int hash_cmp(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_LEN);
}
