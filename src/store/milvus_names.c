/* milvus_names.c - ids and keys of rows.
 *
 * A server has no ids to give out: what is known of a picture must say which row is its own, on every machine and at every try, or two machines
 * that index the same bytes at once make two pictures of them. So an id is the first 53 bits of the content's hash (ids are JSON numbers, which
 * are whole up to 2^53). Among a hundred million pictures two share these bits with a probability of one half, so there are four places to
 * look: bytes 0-6, 7-13, 14-20 and 21-27 of the hash. The row holds the whole hash, and who looks compares it. */
#include "store/milvus_names.h"

#include <stdio.h>
#include <string.h>

enum { STEP = 7, BITS = 53 };

static int64_t first_bits(const uint8_t *bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < STEP; i++)
        v = v << 8 | bytes[i];
    v >>= STEP * 8 - BITS;
    return v ? (int64_t)v : 1; /* 0 says "none" everywhere */
}

int64_t milvus_picture_id(const struct hash *hash, int which)
{
    return first_bits(hash->bytes + (size_t)which * STEP);
}

int64_t milvus_root_id(const char *path)
{
    struct hash h;
    hash_bytes(path, strlen(path), &h);
    return first_bits(h.bytes);
}

/* Half of the hash of "KIND ROOT", a NUL and the hash of rel: nothing to allocate, whatever rel's length. */
static void key_of(char kind, int64_t root, const char *rel, char *key)
{
    char hex[HASH_HEX_LEN + 1], text[32 + HASH_LEN];
    struct hash h;
    int n = snprintf(text, sizeof text - HASH_LEN, "%c%lld", kind, (long long)root);
    size_t head = (size_t)n + 1;
    hash_bytes(rel, strlen(rel), &h);
    memcpy(text + head, h.bytes, HASH_LEN);
    hash_bytes(text, head + HASH_LEN, &h);
    hash_to_hex(&h, hex);
    memcpy(key, hex, MILVUS_KEY);
    key[MILVUS_KEY] = '\0';
}

void milvus_file_key(int64_t root, const char *rel, char *key)
{
    key_of('f', root, rel, key);
}

void milvus_mount_key(int64_t root, const char *rel, char *key)
{
    key_of('m', root, rel, key);
}

void milvus_root_key(int64_t root, char *key)
{
    snprintf(key, MILVUS_KEY + 1, "%032llx", (unsigned long long)root);
}
