/* fs_at.h - paths longer than the system takes in one call, for fs.c and fs_walk.c. */
#ifndef BASE_FS_AT_H
#define BASE_FS_AT_H

#include <stdbool.h>

/* `path` as a folder's descriptor and a rest short enough for the ..at() calls. */
struct fs_at {
    int dir; /* AT_FDCWD unless the path was overlong */
    const char *rest;
};

/* False with errno set. To be closed on success. */
bool fs_at_open(const char *path, struct fs_at *at);
void fs_at_close(struct fs_at *at);

#endif
