/* milvus_names.h - ids and keys of rows, which follow from what a row is about, so that every machine finds the same. */
#ifndef STORE_MILVUS_NAMES_H
#define STORE_MILVUS_NAMES_H

#include <stdint.h>

#include "base/hash.h"

enum {
    MILVUS_CANDIDATES = 4, /* ids that a picture may have */
    MILVUS_KEY = 32        /* hex digits of a file row's key */
};

/* Candidate 0..3 for the id of a picture with these bytes: 1 <= id < 2^53. */
int64_t milvus_picture_id(const struct hash *hash, int which);
/* Id of the root at this path: 1 <= id < 2^53. */
int64_t milvus_root_id(const char *path);
/* Keys [MILVUS_KEY + 1]. A path has one, whether it is a file or a failure; a root's begins with 16 zeros. */
void milvus_file_key(int64_t root, const char *rel, char *key);
void milvus_root_key(int64_t root, char *key);
void milvus_mount_key(int64_t root, const char *rel, char *key);

#endif
