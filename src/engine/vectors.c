/* vectors.c - the vectors of the model in use: snapshots that follow the store.
 *
 * A mark in the store tells when a snapshot is stale. A search holds a reference to the one it began with, so whoever makes the next
 * never disturbs it. While a library is being indexed each commit makes it stale; then only the log since is read, and the next snapshot
 * shares segments and rows with the last one. Everything is loaded anew only when the log does not reach back, when segments were exchanged,
 * or when half of the tail is dead.
 *
 * Exchanged segments alone change no result, so then one thread loads them and the others go on with what they have. */
#include "engine/index.h"

enum { DEAD_TAIL = 4096 };

void eng_vectors_put(eye_lib *lib, struct eng_vectors *v)
{
    if (!v) {
        return;
    }
    pthread_mutex_lock(&lib->lock);
    int left = --v->refs;
    pthread_mutex_unlock(&lib->lock);
    if (left == 0) {
        vector_index_free(v->ix);
        free(v->segments);
        free(v);
    }
}

static bool is_of(const struct eng_vectors *v, int64_t model, const struct store_mark *mark)
{
    return v && v->model == model && v->mark.changes == mark->changes &&
           v->mark.vectors == mark->vectors;
}

static struct eng_vectors *fresh(eye_lib *lib, int64_t model, const struct store_mark *mark)
{
    struct eng_vectors *v = NULL;
    pthread_mutex_lock(&lib->lock);
    if (is_of(lib->vectors, model, mark)) {
        v = lib->vectors;
        v->refs++;
    }
    pthread_mutex_unlock(&lib->lock);
    return v;
}

/* ---- rows into the tail ---- */

struct feed {
    struct store *store;
    int64_t model;
    struct vector_index *ix;
    int64_t *ids;   /* [ENG_PAGE_ROWS] */
    uint16_t *rows; /* [ENG_PAGE_ROWS, dim] */
    bool *there;    /* [ENG_PAGE_ROWS] */
};

static void feed_release(struct feed *f)
{
    free(f->ids);
    free(f->rows);
    free(f->there);
}

static int feed_init(struct feed *f, struct store *s, int64_t model, struct vector_index *ix,
                     struct eye_err *err)
{
    size_t dim = (size_t)vector_index_dim(ix);
    *f = (struct feed){.store = s, .model = model, .ix = ix};
    f->ids = mem_calloc(ENG_PAGE_ROWS, sizeof *f->ids, err);
    f->rows = f->ids ? mem_calloc(ENG_PAGE_ROWS, dim * sizeof *f->rows, err) : NULL;
    f->there = f->rows ? mem_calloc(ENG_PAGE_ROWS, sizeof *f->there, err) : NULL;
    return f->there ? 0 : EYE_ENOMEM;
}

static int put_page(struct feed *f, const int64_t *ids, size_t n, struct eye_err *err)
{
    size_t dim = (size_t)vector_index_dim(f->ix);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (f->there[i]) {
            rc = vector_index_put(f->ix, ids[i], f->rows + i * dim, err);
        }
    }
    return rc;
}

static int feed_ids(struct feed *f, const int64_t *ids, size_t n, struct eye_err *err)
{
    int rc = 0, dim = vector_index_dim(f->ix);
    for (size_t at = 0; rc == 0 && at < n; at += ENG_PAGE_ROWS) {
        size_t some = n - at < ENG_PAGE_ROWS ? n - at : ENG_PAGE_ROWS;
        rc = store_vector_rows(f->store, f->model, dim, ids + at, some, f->rows, f->there, err);
        rc = rc < 0 ? rc : put_page(f, ids + at, some, err);
    }
    return rc;
}

static int feed_all(struct feed *f, struct eye_err *err)
{
    int rc = 0, dim = vector_index_dim(f->ix);
    size_t n = ENG_PAGE_ROWS;
    int64_t after = 0;
    memset(f->there, true, ENG_PAGE_ROWS * sizeof *f->there);
    while (rc == 0 && n == ENG_PAGE_ROWS) {
        rc = store_vectors_after(f->store, f->model, dim, after, f->ids, f->rows, ENG_PAGE_ROWS, &n,
                                 err);
        rc = rc < 0 ? rc : put_page(f, f->ids, n, err);
        after = n ? f->ids[n - 1] : after;
    }
    return rc;
}

/* ---- loading ---- */

static size_t tail_most(const eye_lib *lib)
{
    return lib->knobs->tail_bytes ? lib->knobs->tail_bytes : ENG_TAIL_BYTES;
}

/* What is in no segment, unless it is too much for memory: then the snapshot has no index. */
static int fill_tail(eye_lib *lib, struct store *s, struct eng_vectors *v,
                     const struct eng_state *state, struct eye_err *err)
{
    struct feed f;
    size_t row = (size_t)v->spec.dim * sizeof(uint16_t);
    if (state->ntail > tail_most(lib) / row) {
        eng_log(lib, EYE_LOG_DEBUG, "%zu vectors are in no segment: too many for memory",
                state->ntail);
        vector_index_free(v->ix);
        v->ix = NULL;
        return 0;
    }
    int rc = feed_init(&f, s, v->model, v->ix, err);
    rc = rc < 0       ? rc
         : state->all ? (v->model ? feed_all(&f, err) : 0)
                      : feed_ids(&f, state->tail, state->ntail, err);
    feed_release(&f);
    return rc;
}

static int load(eye_lib *lib, struct store *s, struct eng_vectors *v, const struct eng_vectors *old,
                struct eye_err *err)
{
    struct eng_state state;
    int rc = eng_state_load(lib, s, v->model, &v->spec, old, &state, err);
    if (rc < 0) {
        return rc;
    }
    v->mark = state.mark;
    v->ix = state.ix;
    v->segments = state.segments;
    state.ix = NULL;
    state.segments = NULL;
    rc = fill_tail(lib, s, v, &state, err);
    store_read_end(s);
    bool bad = state.nbad != 0;
    eng_state_release(&state);
    if (rc == 0 && (bad || eng_plan_due(lib, v))) {
        eng_maker_poke(lib, v->model, &v->spec, false);
    }
    return rc;
}

/* ---- following ---- */

/* Does the log tell how to get from old to the store's mark? */
static bool can_follow(const struct eng_vectors *old, int64_t model, const struct store_mark *mark)
{
    return old && old->ix && old->model == model && old->mark.switches == mark->switches &&
           mark->log_from <= old->mark.changes && old->mark.changes <= mark->changes;
}

static int apply(struct store *s, struct eng_vectors *v, struct store_change *log, size_t n,
                 struct eye_err *err)
{
    struct feed f;
    int64_t *came = mem_calloc(n, sizeof *came, err);
    size_t ncame = 0;
    int rc = came ? 0 : EYE_ENOMEM;
    n = eng_log_last(log, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = vector_index_drop(v->ix, log[i].picture, err);
        if (!log[i].gone) {
            came[ncame++] = log[i].picture;
        }
    }
    if (rc == 0 && ncame) {
        rc = feed_init(&f, s, v->model, v->ix, err);
        rc = rc < 0 ? rc : feed_ids(&f, came, ncame, err);
        feed_release(&f);
    }
    free(came);
    return rc;
}

/* Dead rows of the tail stay in memory until all is loaded anew. */
static bool is_wasteful(const struct vector_index *ix)
{
    size_t rows = vector_index_rows(ix), live = vector_index_tail(ix);
    for (size_t i = 0; i < vector_index_segments(ix); i++) {
        rows -= vector_segment_rows(vector_index_segment(ix, i, NULL));
    }
    return rows - live > live + DEAD_TAIL;
}

static int copy_segments(struct eng_vectors *v, const struct eng_vectors *old, struct eye_err *err)
{
    size_t n = vector_index_segments(old->ix);
    v->segments = mem_calloc(n, sizeof *v->segments, err);
    if (!v->segments) {
        return EYE_ENOMEM;
    }
    if (n) {
        memcpy(v->segments, old->segments, n * sizeof *v->segments);
    }
    return 0;
}

/* 1: done; 0: it takes a load. */
static int follow(eye_lib *lib, struct store *s, struct eng_vectors *v,
                  const struct eng_vectors *old, struct eye_err *err)
{
    struct store_change *log = NULL;
    size_t n = 0;
    int rc = store_read_begin(s, err);
    if (rc < 0) {
        return rc;
    }
    rc = store_vectors_mark(s, v->model, &v->mark, err);
    bool can = rc == 0 && can_follow(old, v->model, &v->mark);
    if (can) {
        rc = store_log(s, v->model, old->mark.changes, &log, &n, err);
        v->ix = rc < 0 ? NULL : vector_index_fork(old->ix, err);
        rc = v->ix ? copy_segments(v, old, err) : eng_code(err);
        rc = rc < 0 ? rc : apply(s, v, log, n, err);
    }
    store_read_end(s);
    free(log);
    if (rc < 0 || !can) {
        return rc;
    }
    size_t row = (size_t)v->spec.dim * sizeof(uint16_t);
    if (vector_index_live(v->ix) == (size_t)v->mark.vectors && !is_wasteful(v->ix) &&
        vector_index_tail(v->ix) <= tail_most(lib) / row) {
        if (eng_plan_due(lib, v)) {
            eng_maker_poke(lib, v->model, &v->spec, false);
        }
        return 1;
    }
    vector_index_free(v->ix);
    free(v->segments);
    v->ix = NULL;
    v->segments = NULL;
    return 0;
}

/* Under load_lock: lib->vectors does not change meanwhile, and nobody else adds to a tail that shares its rows. */
static struct eng_vectors *next(eye_lib *lib, struct store *s, int64_t model,
                                const struct vector_spec *spec, struct eye_err *err)
{
    struct eng_vectors *v = mem_calloc(1, sizeof *v, err), *old = lib->vectors;
    if (!v) {
        return NULL;
    }
    v->model = model;
    v->spec = *spec;
    v->refs = 2; /* the library's and the caller's */
    atomic_init(&v->suspect, false);
    if (old && old->model != model) {
        old = NULL;
    }
    int rc = old && old->ix ? follow(lib, s, v, old, err) : 0;
    rc = rc == 0 ? load(lib, s, v, old, err) : rc;
    if (rc < 0) {
        vector_index_free(v->ix);
        free(v->segments);
        free(v);
        return NULL;
    }
    pthread_mutex_lock(&lib->lock);
    old = lib->vectors;
    lib->vectors = v;
    pthread_mutex_unlock(&lib->lock);
    eng_vectors_put(lib, old);
    return v;
}

/* A newer list of segments for v, which is right as it is. */
static struct eng_vectors *renew(eye_lib *lib, struct store *s, struct eng_vectors *v,
                                 const struct store_mark *mark)
{
    struct eye_err why = {0};
    if (pthread_mutex_trylock(&lib->load_lock) != 0) {
        return v;
    }
    struct eng_vectors *now = fresh(lib, v->model, mark);
    if (!now || now->mark.switches < mark->switches) {
        eng_vectors_put(lib, now);
        now = next(lib, s, v->model, &v->spec, &why);
    }
    pthread_mutex_unlock(&lib->load_lock);
    if (!now) {
        eng_log(lib, EYE_LOG_DEBUG, "%s", why.msg);
        return v;
    }
    eng_vectors_put(lib, v);
    return now;
}

struct eng_vectors *eng_vectors_get(eye_lib *lib, struct store *s, int64_t model,
                                    const struct vector_spec *spec, struct eye_err *err)
{
    struct store_mark mark;
    if (store_vectors_mark(s, model, &mark, err) < 0) {
        return NULL;
    }
    struct eng_vectors *v = fresh(lib, model, &mark);
    if (v) {
        return v->mark.switches < mark.switches ? renew(lib, s, v, &mark) : v;
    }
    pthread_mutex_lock(&lib->load_lock);
    v = fresh(lib, model, &mark);
    if (!v) {
        v = next(lib, s, model, spec, err);
    }
    pthread_mutex_unlock(&lib->load_lock);
    return v;
}
