/* sqlite_rows.c - vectors by id, many at once: what a search fetches for its last stage, what a segment is made of, and what is compared
 * in full.
 *
 * Rows of a model lie by id, seven to a page. Ids that follow each other are read by one walk along the table, which passes over what was
 * not asked for; single ones each by a look-up of their own (4 us against 1 us a row of a walk). */
#include <string.h>

#include "store/sqlite.h"

enum { GAP = 8, RUN = 4 }; /* ids so near are one walk, if they are so many */

static int64_t key_of(int64_t model, int64_t picture)
{
    return (model << STORE_MODEL_SHIFT) | picture;
}

static int64_t picture_of(int64_t key)
{
    return key & ((INT64_C(1) << STORE_MODEL_SHIFT) - 1);
}

/* As vector_row_length knows it, without the length: this runs for each row that a search fetches. */
static bool is_finite(const uint16_t *row, size_t dim)
{
    unsigned carried = 0;
    for (size_t i = 0; i < dim; i++)
        carried |= (row[i] & 0x7c00u) + 0x0400u;
    return !(carried & 0x8000u);
}

/* Column `col` as a row [dim]. SQLite promises no alignment for blobs. */
static int copy_row(struct query *q, int col, int64_t picture, int dim, uint16_t *out,
                    struct eye_err *err)
{
    size_t len;
    const void *bytes = query_get_bytes(q, col, &len);
    if (len != (size_t)dim * sizeof *out)
        return eye_fail(err, EYE_EFORMAT, "%s is damaged: the vector of picture %lld has %zu bytes",
                        q->s->path, (long long)picture, len);
    memcpy(out, bytes, len);
    if (is_finite(out, (size_t)dim))
        return 0;
    return eye_fail(err, EYE_EFORMAT, "%s is damaged: the vector of picture %lld is not finite",
                    q->s->path, (long long)picture);
}

static int read_one(struct store *s, int64_t model, int dim, int64_t id, uint16_t *out, bool *there,
                    struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "SELECT vector FROM embedding WHERE id = ?");
    query_int(&q, key_of(model, id));
    int rc = query_step(&q, err);
    *there = rc == 1;
    if (rc == 1) {
        rc = copy_row(&q, 0, id, dim, out, err);
        query_done(&q);
    }
    return rc;
}

/* ids [n] near each other */
static int read_run(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                    uint16_t *out, bool *there, struct eye_err *err)
{
    struct query q;
    int rc;
    size_t i = 0;
    memset(there, 0, n * sizeof *there);
    query_open(&q, s, "SELECT id, vector FROM embedding WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    query_int(&q, key_of(model, ids[0]));
    query_int(&q, key_of(model, ids[n - 1]));
    while ((rc = query_step(&q, err)) == 1) {
        int64_t picture = picture_of(query_get_int(&q, 0));
        while (i < n && ids[i] < picture)
            i++;
        if (i == n || ids[i] != picture)
            continue;
        there[i] = true;
        if ((rc = copy_row(&q, 1, picture, dim, out + i * (size_t)dim, err)) != 0)
            break;
    }
    query_done(&q);
    return rc;
}

int sqlite_vector_rows(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                       uint16_t *out, bool *there, struct eye_err *err)
{
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && ids[i + run] - ids[i + run - 1] <= GAP)
            run++;
        if (run < RUN)
            run = 1;
        uint16_t *to = out + i * (size_t)dim;
        int rc = run == 1 ? read_one(s, model, dim, ids[i], to, there + i, err)
                          : read_run(s, model, dim, ids + i, run, to, there + i, err);
        if (rc)
            return rc;
        i += run;
    }
    return 0;
}

int sqlite_vectors_after(struct store *s, int64_t model, int dim, int64_t after, int64_t *ids,
                         uint16_t *rows, size_t max, size_t *n, struct eye_err *err)
{
    struct query q;
    int rc = 0;
    *n = 0;
    query_open(&q, s,
               "SELECT id, vector FROM embedding WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3");
    query_int(&q, key_of(model, after));
    query_int(&q, key_of(model + 1, 0));
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1) {
        ids[*n] = picture_of(query_get_int(&q, 0));
        rc = copy_row(&q, 1, ids[*n], dim, rows + *n * (size_t)dim, err);
        if (rc)
            break;
        ++*n;
    }
    query_done(&q);
    return rc;
}

int sqlite_vector_ids(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err)
{
    struct query q;
    int rc;
    *n = 0;
    query_open(&q, s, "SELECT id FROM embedding WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3");
    query_int(&q, key_of(model, after));
    query_int(&q, key_of(model + 1, 0));
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1)
        ids[(*n)++] = picture_of(query_get_int(&q, 0));
    return rc;
}
