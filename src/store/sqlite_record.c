/* sqlite_record.c - all that is known of one picture, for those who take it elsewhere: three look-ups by key, so that an export of
 * millions holds one picture at a time. One join over all tables was the alternative: it repeats the vector once a file. */
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

enum { LAYOUT_WITH_LOOKS = 3 };

static int read_look(struct store *s, struct store_picture *p, struct eye_err *err)
{
    struct query q;
    size_t len;
    if (s->version < LAYOUT_WITH_LOOKS)
        return 0;
    query_open(&q, s, "SELECT phash, mosaic FROM picture WHERE id = ? AND phash IS NOT NULL");
    query_int(&q, p->id);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    const void *mosaic = query_get_bytes(&q, 1, &len);
    p->looked_at = len == STORE_MOSAIC;
    if (p->looked_at) {
        p->phash = (uint64_t)query_get_int(&q, 0);
        memcpy(p->mosaic, mosaic, STORE_MOSAIC);
    }
    query_done(&q);
    return 0;
}

static int read_vector(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                       bool *there, struct eye_err *err)
{
    struct query q;
    size_t len;
    query_open(&q, s, "SELECT vector FROM embedding WHERE id = (?1 << 40) | ?2");
    query_int(&q, model);
    query_int(&q, id);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    const void *bytes = query_get_bytes(&q, 0, &len);
    *there = len == (size_t)dim * sizeof *vector;
    if (*there)
        memcpy(vector, bytes, len);
    else
        rc = eye_fail(err, EYE_EFORMAT,
                      "%s is damaged: the vector of picture %lld has %zu bytes, not %zu", s->path,
                      (long long)id, len, (size_t)dim * sizeof *vector);
    query_done(&q);
    return *there ? 0 : rc;
}

static int read_files(struct store *s, int64_t id, struct store_record *r, struct eye_err *err)
{
    struct query q;
    size_t cap = 0;
    int rc;
    query_open(&q, s, "SELECT root, rel, mtime_ns FROM file WHERE picture = ? ORDER BY root, rel");
    query_int(&q, id);
    while ((rc = query_step(&q, err)) == 1) {
        if (r->nfiles == cap) {
            cap = cap ? 2 * cap : 2;
            struct store_record_file *more = mem_realloc(r->files, cap, sizeof *more, err);
            rc = more ? 0 : EYE_ENOMEM;
            if (rc)
                break;
            r->files = more;
        }
        struct store_record_file *f = &r->files[r->nfiles];
        *f = (struct store_record_file){query_get_int(&q, 0), query_dup(&q, 1, err),
                                        query_get_int(&q, 2)};
        rc = f->rel ? 0 : EYE_ENOMEM;
        if (rc)
            break;
        r->nfiles++;
    }
    query_done(&q);
    return rc;
}

int sqlite_record_get(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                      struct store_record *out, struct eye_err *err)
{
    *out = (struct store_record){.embedded = false};
    int rc = sqlite_picture_get(s, id, &out->picture, err);
    rc = rc ? rc : read_look(s, &out->picture, err);
    rc = rc ? rc : read_vector(s, id, model, vector, dim, &out->embedded, err);
    return rc ? rc : read_files(s, id, out, err);
}

int sqlite_file_known(struct store *s, int64_t root, const char *rel, bool *known,
                      struct eye_err *err)
{
    struct query q;
    int64_t found = 0;
    query_open(&q, s, "SELECT EXISTS(SELECT 1 FROM file WHERE root = ? AND rel = ?)");
    query_int(&q, root);
    query_path(&q, rel);
    int rc = query_one_int(&q, &found, err);
    *known = found != 0;
    return rc;
}
