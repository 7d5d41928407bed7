/* thumb.h - between thumb.c, thumb_cache.c and their tests; engine.h has what others need. */
#ifndef ENGINE_THUMB_H
#define ENGINE_THUMB_H

#include "engine/engine.h"

/* ---- thumb_cache.c: the files LIBRARY/thumbs/<2 hex>/<64 hex>-<size>.webp ---- */

struct thumb_cache {
    const char *dir;      /* of the library; borrowed */
    bool read_only;       /* nothing is kept */
    uint64_t limit;       /* bytes of all files */
    pthread_mutex_t lock; /* of what follows */
    int64_t total;        /* bytes in use as far as known; -1: not counted yet */
    bool counting;        /* a thread is at it */
    uint64_t serial;      /* for temporary names */
};

enum { THUMB_KEY = 80 }; /* room for "<64 hex>-<size>" */

void thumb_cache_init(struct thumb_cache *c, const char *dir, bool read_only);
void thumb_cache_release(struct thumb_cache *c);
/* Opened for reading, whole by its header; -1 if it is not there (a damaged one is removed). Counts as use. */
int thumb_cache_open(struct thumb_cache *c, const char *key);
/* Keep it; the longest unused go when there are too many. An errno value if that cannot be (read-only, disk full
 * ...): no harm done. */
int thumb_cache_keep(struct thumb_cache *c, const char *key, const struct buf *webp);
void thumb_cache_remove(struct thumb_cache *c, const char *key);

/* ---- thumb.c ---- */

/* The library's cache, made when first asked for; for tests. NULL: EYE_ENOMEM. */
struct thumb_cache *thumb_cache_of(eye_lib *lib, struct eye_err *err);

#endif
