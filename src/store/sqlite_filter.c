/* sqlite_filter.c - which pictures pass a filter, or a tree of filters, as ascending ids.
 *
 * Every condition can be answered in three ways: by its index, by looking at the rows of the few pictures that are left, by reading the whole
 * table. A filter takes the first of its conditions that lets few pass and looks at their rows for the rest; only when none does
 * (a search that lets half of the library pass) a table is read, once. Which one it is is tried, not estimated: an
 * index is read until it gave more than a few, and statistics cannot be out of date.
 *
 * In a tree each part of an ALL_OF is asked only of what the parts before let pass, the cheap ones first, so that "not X" mostly needs
 * no list of all pictures. What is unknown of a picture passes no condition, so it passes its negation: there is no third answer.
 *
 * All of it is read in one snapshot, whose generation says for how long the answer is true. */
#include <sqlite3.h>
#include <string.h>

#include "base/buf.h"
#include "store/sqlite_filter.h"

struct eval {
    struct store *s;
    size_t few;             /* so many rows are quickly looked at */
    struct store_ids every; /* v NULL: not needed so far */
};

/* ---- all pictures ---- */

/* Ids that were never deleted are all the numbers from the first to the last. */
static int every_dense(struct eval *e, bool *dense, struct eye_err *err)
{
    struct query q;
    query_open(&q, e->s,
               "SELECT (SELECT count(*) FROM picture), (SELECT min(id) FROM picture),"
               " (SELECT max(id) FROM picture)");
    int rc = query_step(&q, err);
    if (rc < 0)
        return rc;
    size_t n = (size_t)query_get_int(&q, 0);
    int64_t first = query_get_int(&q, 1), last = query_get_int(&q, 2);
    query_done(&q);
    *dense = n == 0 || (first > 0 && (size_t)(last - first) == n - 1);
    if (!*dense)
        return 0;
    e->every = (struct store_ids){mem_calloc(n, sizeof(int64_t), err), n, n};
    for (size_t i = 0; e->every.v && i < n; i++)
        e->every.v[i] = first + (int64_t)i;
    return e->every.v ? 0 : EYE_ENOMEM;
}

static int every_read(struct eval *e, struct eye_err *err)
{
    struct store_collect c = {.out = &e->every};
    struct query q;
    store_cache_small(e->s, true);
    query_open(&q, e->s,
               e->s->version >= 3 ? "SELECT collect(id) FROM picture INDEXED BY picture_added"
                                  : "SELECT collect(id) FROM picture");
    int rc = store_collect_run(&q, &c, err);
    store_cache_small(e->s, false);
    return rc ? rc : store_ids_settle(&e->every, err);
}

static int every(struct eval *e, struct eye_err *err)
{
    bool dense = false;
    if (e->every.v)
        return 0;
    int rc = every_dense(e, &dense, err);
    return rc || dense ? rc : every_read(e, err);
}

/* within, or all when it is NULL, less what is in `out`. */
static int complement(struct eval *e, const struct store_ids *within, struct store_ids *out,
                      struct eye_err *err)
{
    struct store_ids rest;
    int rc = within ? 0 : every(e, err);
    rc = rc ? rc : store_ids_copy(&rest, within ? within : &e->every, err);
    if (rc)
        return rc;
    store_ids_subtract(&rest, out);
    store_ids_free(out);
    *out = rest;
    return 0;
}

/* ---- one filter ---- */

struct leaf {
    const struct store_filter *f;
    unsigned facets;
    struct match_files *paths; /* NULL: nothing is asked of files */
};

/* At most `few` by one facet, or by files (FACETS): *found. */
static int try_one(struct eval *e, const struct leaf *l, enum match_facet facet, size_t few,
                   struct store_ids *out, bool *found, struct eye_err *err)
{
    struct store_collect c = {.out = out, .most = few, .walk = e->few};
    out->n = 0;
    int rc = facet == FACETS ? store_paths_collect(e->s, l->paths, &c, err)
                             : store_facet_collect(e->s, l->f, facet, &c, err);
    *found = !rc && !c.stopped;
    return rc || c.stopped ? rc : store_ids_settle(out, err);
}

/* One more set of what may pass: both that there are so far. */
static void narrow(struct store_ids *out, struct store_ids *more, bool begun)
{
    struct store_ids swap = *out;
    if (begun) {
        store_ids_intersect(out, more);
    } else {
        *out = *more;
        *more = swap;
    }
}

/* What passes all conditions that let few pass each, in the order of what an attempt may cost in vain: ranges, files in a range, values
 * that are walked. *left: the conditions that are still to be asked (FACETS: files). */
static int find_few(struct eval *e, const struct leaf *l, struct store_ids *out, bool *found,
                    unsigned *left, struct eye_err *err)
{
    enum { SO_FEW = 256 }; /* that more conditions are not worth their attempt */
    static const enum match_facet order[] = {FACET_TAKEN, FACET_ADDED,  FACET_PLACE, FACET_FORMAT,
                                             FACET_WIDTH, FACET_HEIGHT, FACET_AREA,  FACET_SHAPE,
                                             FACETS,      FACET_CAMERA};
    struct store_ids more = {NULL, 0, 0};
    int rc = 0;
    *found = false;
    *left = l->facets | (l->paths ? 1u << FACETS : 0);
    for (size_t i = 0; i < sizeof order / sizeof *order && !rc; i++) {
        enum match_facet at = order[i];
        bool asked = at == FACETS ? l->paths && store_paths_narrow(l->paths)
                                  : (*left >> at & 1) && !store_facet_is_rest(l->f, at);
        bool whole = false;
        if (!asked || (*found && out->n <= SO_FEW))
            continue;
        rc = try_one(e, l, at, e->few, &more, &whole, err);
        if (!whole)
            continue;
        narrow(out, &more, *found);
        *found = true;
        *left &= ~(1u << at);
    }
    store_ids_free(&more);
    return rc;
}

/* The rows of those few, for the conditions that are left. */
static int keep(struct eval *e, const struct leaf *l, unsigned left, struct store_ids *ids,
                struct eye_err *err)
{
    int rc = left & l->facets ? store_facets_keep(e->s, l->f, ids, err) : 0;
    return rc || !(left >> FACETS & 1) ? rc : store_paths_keep(e->s, l->paths, ids, err);
}

static int scan_pictures(struct eval *e, const struct leaf *l, struct store_ids *out,
                         struct eye_err *err)
{
    struct store_collect c = {.out = out};
    out->n = 0;
    int rc = store_facets_scan(e->s, l->f, &c, err);
    return rc ? rc : store_ids_settle(out, err);
}

/* Files first: when few of them pass, the pictures' rows are looked at. */
static int scan_both(struct eval *e, const struct leaf *l, struct store_ids *out,
                     struct eye_err *err)
{
    bool found;
    struct store_ids pictures = {NULL, 0, 0};
    int rc = try_one(e, l, FACETS, 0, out, &found, err);
    if (rc || !l->facets)
        return rc;
    if (out->n <= e->few)
        return store_facets_keep(e->s, l->f, out, err);
    rc = scan_pictures(e, l, &pictures, err);
    if (!rc)
        store_ids_intersect(out, &pictures);
    store_ids_free(&pictures);
    return rc;
}

/* The only condition of a filter: all that its index holds. */
static int single(struct eval *e, const struct leaf *l, const struct store_ids *within,
                  struct store_ids *out, struct eye_err *err)
{
    bool found;
    enum match_facet facet = FACET_TAKEN;
    while (!l->paths && !(l->facets >> facet & 1))
        facet++;
    int rc = try_one(e, l, l->paths ? FACETS : facet, 0, out, &found, err);
    if (!rc && !l->paths && store_facet_is_rest(l->f, facet))
        rc = complement(e, within, out, err);
    return rc;
}

static int leaf_ids(struct eval *e, const struct leaf *l, const struct store_ids *within,
                    struct store_ids *out, struct eye_err *err)
{
    bool found = false, only = l->paths ? !l->facets : !(l->facets & (l->facets - 1));
    unsigned left = l->facets | (l->paths ? 1u << FACETS : 0);
    if (within && within->n <= e->few) {
        int rc = store_ids_copy(out, within, err);
        return rc ? rc : keep(e, l, left, out, err);
    }
    bool indexed = e->s->version >= 3;
    int rc = 0;
    if (only && (indexed || l->paths))
        rc = single(e, l, within, out, err);
    else if (indexed)
        rc = find_few(e, l, out, &found, &left, err);
    if (!rc && found)
        rc = keep(e, l, left, out, err);
    else if (!rc && !(only && (indexed || l->paths)))
        rc = l->paths ? scan_both(e, l, out, err) : scan_pictures(e, l, out, err);
    if (!rc && within)
        store_ids_intersect(out, within);
    return rc;
}

static int is_ids(struct eval *e, const struct store_filter *f, const struct store_ids *within,
                  struct store_ids *out, struct eye_err *err)
{
    struct leaf l = {.f = f, .facets = match_facets(f)};
    if (match_asks_files(f) && !(l.paths = store_paths_new(e->s, f, err)))
        return EYE_ENOMEM;
    int rc =
        l.facets || l.paths ? leaf_ids(e, &l, within, out, err) : complement(e, within, out, err);
    match_files_free(l.paths);
    return rc;
}

/* ---- trees ---- */

static int where_ids(struct eval *e, const struct store_where *w, const struct store_ids *within,
                     struct store_ids *out, struct eye_err *err);

/* What is cheap and lets few pass comes first. */
static int rank_of(const struct store_where *w)
{
    switch (w->kind) {
    case STORE_IS: return match_asks_files(w->filter) ? 1 : 0;
    case STORE_ALL_OF:
    case STORE_ANY_OF: return 2;
    case STORE_NOT: break;
    }
    return 3;
}

static int all_of_ids(struct eval *e, const struct store_where *w, const struct store_ids *within,
                      struct store_ids *out, struct eye_err *err)
{
    bool begun = false;
    int rc = 0;
    for (int rank = 0; rank <= 3 && !rc; rank++)
        for (size_t i = 0; i < w->nparts && !rc; i++) {
            struct store_ids next = {NULL, 0, 0};
            if (rank_of(w->parts[i]) != rank || (begun && !out->n))
                continue;
            rc = where_ids(e, w->parts[i], begun ? out : within, &next, err);
            store_ids_free(out);
            *out = next;
            begun = true;
        }
    return rc || begun ? rc : complement(e, within, out, err);
}

static int any_of_ids(struct eval *e, const struct store_where *w, const struct store_ids *within,
                      struct store_ids *out, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < w->nparts && !rc; i++) {
        struct store_ids part = {NULL, 0, 0};
        rc = where_ids(e, w->parts[i], within, &part, err);
        rc = rc ? rc : store_ids_unite(out, &part, err);
        store_ids_free(&part);
    }
    return rc;
}

/* `out` is empty, and gets those of `within` (NULL: all) that pass. At most 32 deep: the engine sees to it. */
static int where_ids(struct eval *e, const struct store_where *w, const struct store_ids *within,
                     struct store_ids *out, struct eye_err *err)
{
    int rc = 0;
    switch (w->kind) {
    case STORE_IS: return is_ids(e, w->filter, within, out, err);
    case STORE_ALL_OF: return all_of_ids(e, w, within, out, err);
    case STORE_ANY_OF: return any_of_ids(e, w, within, out, err);
    case STORE_NOT:
        rc = where_ids(e, w->parts[0], within, out, err);
        return rc ? rc : complement(e, within, out, err);
    }
    return rc;
}

/* ---- a snapshot ---- */

static int read_one(struct store *s, const char *sql, int64_t *value, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, sql);
    return query_one_int(&q, value, err);
}

static int evaluate(struct store *s, const struct store_where *w, int64_t *generation,
                    struct store_ids *out, struct eye_err *err)
{
    enum { FEW = 1024, SHARE = 16 };
    struct eval e = {.s = s};
    int64_t last = 0;
    int rc = store_collect_ready(s, err);
    if (!rc && s->version >= 3 && !s->in_txn)
        rc = read_one(s, "SELECT generation FROM state", generation, err);
    if (!rc)
        rc = read_one(s, "SELECT max(id) FROM picture", &last, err);
    e.few = last / SHARE > FEW ? (size_t)(last / SHARE) : FEW;
    e.few = s->few ? s->few : e.few;
    if (!rc)
        rc = where_ids(&e, w, NULL, out, err);
    store_ids_free(&e.every);
    return rc;
}

int sqlite_where(struct store *s, const struct store_where *w, int64_t *generation, int64_t **ids,
                 size_t *n, struct eye_err *err)
{
    struct store_ids out = {NULL, 0, 0};
    bool own = sqlite3_get_autocommit(s->db);
    *generation = 0;
    int rc = own ? store_exec(s, "BEGIN", err) : 0;
    if (rc)
        return rc;
    rc = evaluate(s, w, generation, &out, err);
    if (own)
        store_exec_raw(s, "COMMIT"); /* nothing was written: it ends the snapshot */
    if (!rc && !out.v && !(out.v = mem_calloc(1, sizeof *out.v, err)))
        rc = EYE_ENOMEM;
    if (rc) {
        store_ids_free(&out);
        return rc;
    }
    *ids = out.v;
    *n = out.n;
    return 0;
}

int sqlite_generation(struct store *s, int64_t *generation, struct eye_err *err)
{
    *generation = 0;
    return s->version >= 3 && !s->in_txn
               ? read_one(s, "SELECT generation FROM state", generation, err)
               : 0;
}

/* ---- pictures counted, and the newest ---- */

/* A table read once from end to end is not read again from the cache: many connections that each kept 16 MiB of it would
 * be what a busy server's memory goes to. */
void store_cache_small(struct store *s, bool small)
{
    store_exec_raw(s, small ? "PRAGMA cache_size = -1024" : "PRAGMA cache_size = -16384");
}

/* Counting reads an index from end to end, and each page of results tells the count: so it is kept while nobody, on this
 * connection or another, has changed anything. */
int sqlite_count(struct store *s, uint64_t *n, struct eye_err *err)
{
    struct query q;
    int64_t version = 0, value = 0, changes = sqlite3_total_changes64(s->db);
    *n = 0;
    query_open(&q, s, "PRAGMA data_version");
    int rc = query_one_int(&q, &version, err);
    if (rc)
        return rc;
    if (!s->in_txn && s->counted && version == s->count_version && changes == s->count_changes) {
        *n = s->count;
        return 0;
    }
    store_cache_small(s, true);
    query_open(&q, s, "SELECT count(*) FROM picture");
    rc = query_one_int(&q, &value, err);
    store_cache_small(s, false);
    if (rc)
        return rc;
    *n = s->count = (uint64_t)value;
    s->counted = !s->in_txn;
    s->count_version = version;
    s->count_changes = changes;
    return 0;
}

int sqlite_newest(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err)
{
    struct query q;
    int rc;
    *n = 0;
    query_open(&q, s, "SELECT id FROM picture WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    query_int(&q, before);
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1)
        ids[(*n)++] = query_get_int(&q, 0);
    return rc;
}

void sqlite_shrink(struct store *s, size_t bytes)
{
    int used = 0, most = 0;
    if (s->db &&
        sqlite3_db_status(s->db, SQLITE_DBSTATUS_CACHE_USED, &used, &most, 0) == SQLITE_OK &&
        used > 0 && (size_t)used > bytes)
        sqlite3_db_release_memory(s->db);
}
