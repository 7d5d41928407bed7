/* originals.h - roots below the place where originals lie, which each machine may have somewhere else.
 *
 * Such a root is stored as "originals:" (all of the place) or "originals:/sub/folder"; what is shown, and taken, is the place's own
 * path on this machine: /mnt/pictures/sub/folder, s3://bucket/prefix/sub/folder. store.c translates at the door. */
#ifndef STORE_ORIGINALS_H
#define STORE_ORIGINALS_H

#include "store/store.h"

#define STORE_ORIGINALS "originals:"

/* Is it stored as one below the place? */
bool store_is_original(const char *stored);
/* What people see of a stored path: itself, unless it lies below the place and this handle knows where that is. One with an empty, "." or
 * ".." part, which nobody here writes, stays as it is: it leads nowhere. Yours. */
char *store_root_shown(const struct store *s, const char *stored, struct eye_err *err);
/* What is stored for it: itself, unless it lies below the place. Yours. */
char *store_root_kept(const struct store *s, const char *path, struct eye_err *err);
/* In place. */
int store_roots_show(const struct store *s, struct store_root *roots, size_t n,
                     struct eye_err *err);
int store_paths_show(const struct store *s, char **paths, size_t n, struct eye_err *err);
int store_places_show(const struct store *s, struct store_place *places, size_t n,
                      struct eye_err *err);

#endif
