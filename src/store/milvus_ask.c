/* milvus_ask.c - filters, searches and the newest as ops.h asks for them: a handle's server, roots and index made ready for milvus_find.h; and what an
 * index run leaves for the server to do. */
#include <stdlib.h>
#include <string.h>

#include "store/milvus_find.h"
#include "store/milvus_ops.h"
#include "store/milvus_store.h"
#include "store/originals.h"
#include "store/sqlite.h"

enum { INDEX_KNOWN_MS = 10000 };

struct asked {
    struct milvus_finder f;
    struct store_root *roots; /* [n] paths as they are here */
    bool there;
};

/* ---- made ready ---- */

/* Which index there is changes when a library has grown, so it is asked for now and then. */
static int find_index(struct milvus_part *p, struct milvus_index *out, struct eye_err *err)
{
    struct store_remote *r = p->r;
    struct milvus_index_state state;
    int64_t now = milvus_now_ms();
    pthread_mutex_lock(&r->lock);
    bool known = r->index_at && now - r->index_at < INDEX_KNOWN_MS;
    *out = r->index;
    pthread_mutex_unlock(&r->lock);
    int rc = known ? 0 : milvus_index_look(milvus_of(p), MILVUS_PICTURES, &state, err);
    if (rc || known)
        return rc;
    struct milvus_index wanted; /* for its setting of searches */
    rc = milvus_index_choose(r->index_type, r->index_params, r->search_params, 0, false, &wanted,
                             err);
    memcpy(state.index.search, wanted.search, sizeof wanted.search);
    *out = state.index;
    pthread_mutex_lock(&r->lock);
    r->index = state.index;
    r->index_at = rc ? 0 : now;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static int find_roots(struct milvus_part *p, struct asked *a, struct eye_err *err)
{
    const struct store_root *roots;
    size_t n = 0;
    int rc = milvus_roots_of(p, &roots, &n, err);
    a->roots = rc ? NULL : mem_calloc(n, sizeof *a->roots, err);
    rc = rc || a->roots ? rc : EYE_ENOMEM;
    for (size_t i = 0; i < n && !rc; i++) {
        a->roots[i].id = roots[i].id;
        a->roots[i].path = store_root_shown(p->s, roots[i].path, err);
        rc = a->roots[i].path ? 0 : EYE_ENOMEM;
        a->f.nroots += !rc;
    }
    a->f.roots = a->roots;
    return rc;
}

/* Release it also after a failure. a->there false: there is nothing to be found. */
static int ready(struct milvus_part *p, const struct store_where *where, bool search,
                 struct asked *a, struct eye_err *err)
{
    *a = (struct asked){.there = false};
    bool files = true;
    int rc = milvus_need(p, MILVUS_PICTURES, &a->there, err);
    if (rc || !a->there)
        return rc;
    a->f.m = milvus_of(p);
    a->f.dim = milvus_dim(p);
    if (where) {
        rc = milvus_need(p, MILVUS_FILES, &files, err);
        rc = rc || !files ? rc : find_roots(p, a, err);
        a->f.no_files = !files;
    }
    return rc || !search ? rc : find_index(p, &a->f.index, err);
}

static int done(struct milvus_part *p, struct asked *a, int rc)
{
    for (size_t i = 0; i < a->f.nroots; i++)
        free(a->roots[i].path);
    free(a->roots);
    milvus_doubt(p, MILVUS_PICTURES, rc);
    milvus_doubt(p, MILVUS_FILES, rc);
    return rc;
}

/* ---- questions ---- */

int milvus_where(struct store *s, const struct store_where *w, int64_t *generation, int64_t **ids,
                 size_t *n, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct store_ids out = {NULL, 0, 0};
    struct asked a;
    *generation = 0;
    int rc = ready(p, w, false, &a, err);
    if (!rc && a.there)
        rc = milvus_find_ids(&a.f, w, &out, err);
    if (!rc && !out.v && !(out.v = mem_calloc(1, sizeof *out.v, err)))
        rc = EYE_ENOMEM;
    if (rc)
        store_ids_free(&out);
    *ids = out.v;
    *n = out.n;
    return done(p, &a, rc);
}

int milvus_where_count(struct store *s, const struct store_where *where, uint64_t *n,
                       struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct asked a;
    *n = 0;
    int rc = ready(p, where, false, &a, err);
    if (!rc && a.there)
        rc = milvus_find_count(&a.f, where, n, err);
    return done(p, &a, rc);
}

int milvus_newest_where(struct store *s, const struct store_where *where, int64_t before_at,
                        int64_t before_id, int64_t *ids, int64_t *ats, size_t max, size_t *n,
                        struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct asked a;
    *n = 0;
    int rc = ready(p, where, false, &a, err);
    if (!rc && a.there)
        rc = milvus_find_newest(&a.f, where, before_at, before_id, ids, ats, max, n, err);
    return done(p, &a, rc);
}

/* The order is that of newest_where; where `before` stands in it is in its row. */
int milvus_newest(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err)
{
    struct store_picture p = {.added_at = INT64_MAX};
    *n = 0;
    int rc = before == INT64_MAX ? 0 : store_picture_get(s, before, &p, err);
    return rc ? rc : milvus_newest_where(s, NULL, p.added_at, before, ids, NULL, max, n, err);
}

int milvus_search(struct store *s, int64_t model, const struct store_where *where, bool exact,
                  struct vector_ask *asks, size_t n, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct asked a;
    for (size_t i = 0; i < n; i++)
        asks[i].count = 0;
    int rc = ready(p, where, true, &a, err);
    if (!rc && a.there && model == 1)
        rc = milvus_find_best(&a.f, where, exact, asks, n, err);
    return done(p, &a, rc);
}

/* ---- after an index run ---- */

int milvus_settle(struct store *s, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct store_remote *r = p->r;
    struct milvus *m = milvus_of(p);
    struct milvus_index wanted;
    bool there = false, lite = false,
         chosen = !*r->index_type || !strcasecmp(r->index_type, "auto");
    uint64_t rows = 0;
    int major = 0, minor = 0;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (rc || !there)
        return rc;
    rc = milvus_flush(m, MILVUS_PICTURES, err);
    rc = rc ? rc : milvus_count(m, MILVUS_PICTURES, "", false, &rows, err);
    rc = rc ? rc : milvus_version(m, &major, &minor, &lite, err);
    bool rabitq = !lite && (major > 2 || (major == 2 && minor >= 6));
    rc = rc ? rc
            : milvus_index_choose(r->index_type, r->index_params, r->search_params, rows, rabitq,
                                  &wanted, err);
    rc = rc ? rc : milvus_index_replace(m, &wanted, chosen, err);
    pthread_mutex_lock(&r->lock);
    r->index_at = 0;
    pthread_mutex_unlock(&r->lock);
    milvus_doubt(p, MILVUS_PICTURES, rc);
    return rc;
}
