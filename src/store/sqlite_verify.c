/* sqlite_verify.c - is everything as it should be, and how much of it is there.
 *
 * verify reads every page once (integrity_check) and every vector once. It goes on after a finding, also when
 * a part cannot be read at all: that is a finding too. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

struct verify {
    struct store *s;
    void (*report)(void *ctx, const char *finding);
    void *ctx;
    size_t findings;
    struct buf line;
};

#define RESTORE ": restore a backup, or index into a new library"

static void found(struct verify *v)
{
    v->findings++;
    if (v->report)
        v->report(v->ctx, v->line.data);
}

#define FOUND(v, ...)                                                                              \
    do {                                                                                           \
        buf_clear(&(v)->line);                                                                     \
        if (buf_printf(&(v)->line, NULL, __VA_ARGS__) == 0)                                        \
            found(v);                                                                              \
    } while (0)

/* Damage is a finding; anything else (out of memory, busy) ends the check. */
static int part_failed(struct verify *v, int rc, struct eye_err *err)
{
    if (rc != EYE_EFORMAT)
        return rc;
    FOUND(v, "%s", err->msg);
    return 0;
}

/* Every row's first column is a finding, between `what` and `advice`. skip: a value that means all is well. */
static int check_rows(struct verify *v, const char *sql, const char *what, const char *advice,
                      const char *skip, struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, v->s, sql);
    while ((rc = query_step(&q, err)) == 1) {
        char *text = query_dup(&q, 0, err);
        if (!text) {
            query_done(&q);
            return EYE_ENOMEM;
        }
        if (!skip || strcmp(text, skip) != 0)
            FOUND(v, "%s%s%s", what, text, advice);
        free(text);
    }
    return rc ? part_failed(v, rc, err) : 0;
}

/* How a wrong vector is made anew. */
#define AGAIN ": 'eyeshine remove --id %lld', then index again"

static void check_vector(struct verify *v, struct query *q)
{
    size_t len;
    double length = 0;
    uint16_t row[4096];
    long long id = query_get_int(q, 0), picture = id & ((INT64_C(1) << STORE_MODEL_SHIFT) - 1);
    long long model = id >> STORE_MODEL_SHIFT;
    if (query_is_null(q, 2)) {
        FOUND(v, "picture %lld has a vector of model %lld, which is not known: it does no harm",
              picture, model);
        return;
    }
    if (query_is_null(q, 3))
        FOUND(v,
              "a vector of model %lld belongs to picture %lld, which is not there: it does no harm",
              model, picture);
    const void *bytes = query_get_bytes(q, 1, &len);
    size_t dim = (size_t)query_get_int(q, 2);
    if (len != dim * sizeof *row || len > sizeof row) {
        FOUND(v, "picture %lld: its vector of model %lld has %zu bytes, not %zu" AGAIN, picture,
              model, len, dim * sizeof *row, picture);
        return;
    }
    memcpy(row, bytes, len);
    if (vector_row_length(row, dim, &length, NULL))
        FOUND(v, "picture %lld: its vector of model %lld is not finite" AGAIN, picture, model,
              picture);
    else if (fabs(length - 1) > 1e-2)
        FOUND(v, "picture %lld: its vector of model %lld has length %.4f, not 1" AGAIN, picture,
              model, length, picture);
}

static int check_vectors(struct verify *v, struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, v->s,
               "SELECT e.id, e.vector, model.dim, picture.id FROM embedding AS e"
               " LEFT JOIN model ON model.id = e.id >> 40"
               " LEFT JOIN picture ON picture.id = e.id & 1099511627775");
    while ((rc = query_step(&q, err)) == 1)
        check_vector(v, &q);
    return rc ? part_failed(v, rc, err) : 0;
}

int sqlite_verify(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                  size_t *findings, struct eye_err *err)
{
    static const struct {
        const char *sql, *what, *advice, *skip;
    } checks[] = {
        {"PRAGMA integrity_check", "database: ", RESTORE, "ok"},
        {"SELECT \"table\" || ' points to a missing ' || parent FROM pragma_foreign_key_check",
         "database: ", RESTORE, NULL},
        {"SELECT id FROM picture AS p WHERE NOT EXISTS(SELECT 1 FROM file WHERE picture = p.id)",
         "no file shows picture ", RESTORE, NULL},
        {"SELECT rel FROM file WHERE picture IS NULL AND reason IS NULL",
         "neither a picture nor a reason for file ", ": 'eyeshine failures --retry'", NULL},
        {"SELECT id || ': ' || vectors || ' counted, ' || n || ' there' FROM (SELECT id, vectors,"
         " (SELECT count(*) FROM embedding WHERE embedding.id >= model.id << 40"
         "  AND embedding.id < (model.id + 1) << 40) AS n FROM model) WHERE vectors <> n",
         "vectors of model ", RESTORE, NULL},
    };
    struct eye_err local = {0};
    struct verify v = {.s = s, .report = report, .ctx = ctx};
    int rc = 0;
    err = err ? err : &local;
    buf_init(&v.line, 65536);
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !rc; i++)
        rc = check_rows(&v, checks[i].sql, checks[i].what, checks[i].advice, checks[i].skip, err);
    if (!rc)
        rc = check_vectors(&v, err);
    buf_release(&v.line);
    if (findings)
        *findings = v.findings;
    return rc;
}

/* ---- counting ---- */

int sqlite_stats(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT (SELECT count(*) FROM picture),"
               " (SELECT count(picture) FROM file), (SELECT count(*) FROM file),"
               " (SELECT count(*) FROM root),"
               " (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),"
               " coalesce((SELECT vectors FROM model WHERE id = ?), 0)");
    query_int(&q, model);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : eye_fail(err, EYE_EINTERNAL, "%s: nothing to count", s->path);
    uint64_t good = (uint64_t)query_get_int(&q, 1);
    *out = (struct store_stats){.pictures = (uint64_t)query_get_int(&q, 0),
                                .files = good,
                                .failures = (uint64_t)query_get_int(&q, 2) - good,
                                .roots = (uint64_t)query_get_int(&q, 3),
                                .bytes = (uint64_t)query_get_int(&q, 4),
                                .embedded = (uint64_t)query_get_int(&q, 5)};
    query_done(&q);
    return 0;
}
