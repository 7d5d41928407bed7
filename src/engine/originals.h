/* originals.h - files of the library, which lie in folders or, as s3://bucket/key, in an object store.
 *
 * All that looks at a file of the library by its path goes through here. A path begins with a slash, or with s3:// (only below
 * lib->originals), or with "originals:" when nobody told where originals lie: such a file is away. */
#ifndef ENGINE_ORIGINALS_H
#define ENGINE_ORIGINALS_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "object/object.h"

struct eng_originals;

/* options->originals NULL: nothing happens. EYE_EINVAL: no folder's name, no s3:// address, or a login that makes no sense. */
int eng_originals_open(eye_lib *lib, const eye_options *options, struct eye_err *err);
void eng_originals_free(struct eng_originals *o);
const char *eng_originals_place(const eye_lib *lib); /* no slash at its end; NULL: none */
bool eng_originals_in_folder(const eye_lib *lib);    /* there are some, and not in a bucket */
bool eng_path_is_local(const char *path);

/* What `path`, given by a user, means: as eng_path_resolve, but below the place if there is one and that is meant. look: ask the object store what
 * kind it is (EYE_EREMOTE: away); else it is taken for a folder. Yours. */
char *eng_path_given(eye_lib *lib, const char *path, bool look, enum eng_path_kind *kind,
                     struct eye_err *err);

enum eng_presence { ENG_THERE, ENG_NOTHING, ENG_AWAY };
/* A root's folder just now: something is in it, nothing is, or nobody can say (then why not). Of an object store it is remembered for some seconds. */
enum eng_presence eng_root_look(eye_lib *lib, const char *path, struct eye_err *why);
enum eng_presence eng_root_ask(eye_lib *lib, const char *path,
                               struct eye_err *why); /* the same, never remembered */
bool eng_root_is_offline(eye_lib *lib, const struct store_root *root); /* just now */
/* Is a file there? In an object store each would be a request: there it is what the last scan of its root saw (`online`). */
bool eng_path_there(const char *path, bool online);

/* An object as a file in memory, or when it is large in the spool: with its size and time. hint: its size as far as known. EYE_ENOTFOUND, EYE_ELIMIT
 * (past the library's max_bytes), EYE_EREMOTE (away, nothing is known of it). */
int eng_object_file(eye_lib *lib, const char *path, uint64_t hint, struct stat *st,
                    struct eye_err *err);
int eng_object_stat(eye_lib *lib, const char *path, struct stat *st, struct eye_err *err);
/* Everything below a folder, in byte order of names; non-zero stops and is returned. */
typedef int eng_object_fn(void *ctx, const char *rel, const struct stat *st);
int eng_objects_below(eye_lib *lib, const char *folder, eng_object_fn *fn, void *ctx,
                      struct eye_err *err);
/* eng_open_file, wherever it lies. */
int eng_open_path(eye_lib *lib, const char *path, uint64_t hint, struct stat *st,
                  struct eye_err *err);
/* The same for a run that can wait: while the store is away, up to a minute and as long as *stop is false. */
int eng_open_patiently(eye_lib *lib, const char *path, uint64_t hint, const atomic_bool *stop,
                       struct stat *st, struct eye_err *err);

#endif
