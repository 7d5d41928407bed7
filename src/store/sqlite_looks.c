/* sqlite_looks.c - how pictures look (image/look.c), and what else they are compared by to find the same one twice.
 *
 * A look is stored with its picture (sqlite_pictures.c); here are those that come later, for pictures that an older program
 * indexed. Which ones these are is an index of its own (picture_unseen), empty in a library that was always indexed by this one.
 * Writing a look changes nothing that a filter asks for, so it does not move the library's generation. */
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

enum { LAYOUT_WITH_LOOKS = 3 };

int sqlite_look_set(struct store *s, int64_t picture, uint64_t phash,
                    const uint8_t mosaic[STORE_MOSAIC], struct eye_err *err)
{
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    struct query q;
    query_open(&q, s, "UPDATE picture SET phash = ?2, mosaic = ?3 WHERE id = ?1 AND phash IS NULL");
    query_int(&q, picture);
    query_int(&q, (int64_t)phash);
    query_bytes(&q, mosaic, STORE_MOSAIC);
    return store_write_end(s, own, query_run(&q, err), err);
}

int sqlite_mosaic(struct store *s, int64_t picture, uint8_t mosaic[STORE_MOSAIC],
                  struct eye_err *err)
{
    struct query q;
    size_t len = 0;
    int rc = EYE_ENOTFOUND;
    if (s->version >= LAYOUT_WITH_LOOKS) {
        query_open(&q, s, "SELECT mosaic FROM picture WHERE id = ?");
        query_int(&q, picture);
        rc = query_step(&q, err);
        if (rc < 0)
            return rc;
        const void *bytes = rc ? query_get_bytes(&q, 0, &len) : NULL;
        if (bytes && len == STORE_MOSAIC)
            memcpy(mosaic, bytes, len);
        query_done(&q);
    }
    return len == STORE_MOSAIC ? 0
                               : eye_fail(err, EYE_ENOTFOUND, "picture %lld was never looked at",
                                          (long long)picture);
}

int sqlite_unseen(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err)
{
    struct query q;
    int rc;
    *n = 0;
    if (s->version < LAYOUT_WITH_LOOKS)
        return sqlite_pictures_after(s, after, ids, max, n, err);
    query_open(&q, s,
               "SELECT id FROM picture INDEXED BY picture_unseen"
               " WHERE phash IS NULL AND id > ? ORDER BY id LIMIT ?");
    query_int(&q, after);
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1 && *n < max)
        ids[(*n)++] = query_get_int(&q, 0);
    query_done(&q);
    return rc < 0 ? rc : 0;
}

int sqlite_unseen_count(struct store *s, uint64_t *count, struct eye_err *err)
{
    struct query q;
    int64_t n = 0;
    if (s->version < LAYOUT_WITH_LOOKS)
        return sqlite_count(s, count, err);
    query_open(&q, s, "SELECT count(*) FROM picture INDEXED BY picture_unseen WHERE phash IS NULL");
    int rc = query_one_int(&q, &n, err);
    *count = (uint64_t)n;
    return rc;
}

/* The first bytes of the picture's SHA-256 as a number. */
static uint64_t tie_of(struct query *q, int col)
{
    size_t len;
    uint64_t tie = 0;
    const uint8_t *bytes = query_get_bytes(q, col, &len);
    for (size_t i = 0; i < sizeof tie && i < len; i++)
        tie = tie << 8 | bytes[i];
    return tie;
}

static struct store_look *grow(struct store_look **looks, size_t n, size_t *cap,
                               struct eye_err *err)
{
    if (n == *cap) {
        size_t more = *cap ? 2 * *cap : 1024;
        struct store_look *v = mem_realloc(*looks, more, sizeof *v, err);
        if (!v)
            return NULL;
        *looks = v;
        *cap = more;
    }
    return &(*looks)[n];
}

int sqlite_looks(struct store *s, struct store_look **looks, size_t *n, struct eye_err *err)
{
    struct query q;
    size_t cap = 0;
    int rc;
    *looks = NULL;
    *n = 0;
    store_cache_small(s, true);
    query_open(&q, s,
               s->version < LAYOUT_WITH_LOOKS
                   ? "SELECT id, hash, size, width, height, NULL FROM picture ORDER BY id"
                   : "SELECT id, hash, size, width, height, phash FROM picture ORDER BY id");
    while ((rc = query_step(&q, err)) == 1) {
        struct store_look *look = grow(looks, *n, &cap, err);
        if (!look) {
            rc = EYE_ENOMEM;
            break;
        }
        ++*n;
        *look = (struct store_look){.id = query_get_int(&q, 0),
                                    .tie = tie_of(&q, 1),
                                    .size = (uint64_t)query_get_int(&q, 2),
                                    .width = (int)query_get_int(&q, 3),
                                    .height = (int)query_get_int(&q, 4),
                                    .phash = (uint64_t)query_get_int(&q, 5)};
    }
    query_done(&q);
    store_cache_small(s, false);
    if (rc) {
        free(*looks);
        *looks = NULL;
        *n = 0;
    }
    return rc;
}

int sqlite_copied(struct store *s, int64_t **ids, size_t *n, struct eye_err *err)
{
    struct query q;
    size_t cap = 0;
    int rc;
    *ids = NULL;
    *n = 0;
    query_open(&q, s,
               "SELECT picture FROM file WHERE picture IS NOT NULL"
               " GROUP BY picture HAVING count(*) > 1 ORDER BY picture");
    while ((rc = query_step(&q, err)) == 1) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 256;
            int64_t *more = mem_realloc(*ids, cap, sizeof *more, err);
            if (!more) {
                rc = EYE_ENOMEM;
                break;
            }
            *ids = more;
        }
        (*ids)[(*n)++] = query_get_int(&q, 0);
    }
    query_done(&q);
    if (rc) {
        free(*ids);
        *ids = NULL;
        *n = 0;
    }
    return rc;
}
