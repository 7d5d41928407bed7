/* index_make.c - makes segments: one file after the other, until the plan asks for no more.
 *
 * A file is written under a name that was never used, made durable, and counts from when a row of the store names it; the same transaction
 * takes away the rows of those that it replaces. Their files go afterwards. So a kill at any point leaves files without a row,
 * which the next one to build removes, and nothing else. build.lock keeps two from doing the same work; that they do no harm is seen
 * to by the store (sqlite_segments.c).
 *
 * Rows are read a page at a time, in no transaction that lasts: one that changes meanwhile is in the log after the change that
 * the segment is said to be of, and whoever loads it is told. */
#include "engine/index.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

enum { ROUNDS_MAX = 64 };

struct make {
    eye_lib *lib;
    struct store *store;
    int64_t model;
    const struct vector_spec *spec;
    const struct eng_making *how;
    char *folder; /* LIBRARY/index */
    struct eng_state state;
    struct eng_plan plan;
    struct vector_writer *writer;
    bool switched;  /* the store knows of what was made */
    uint16_t *rows; /* [ENG_PAGE_ROWS, dim] */
    int64_t *ids;   /* [ENG_PAGE_ROWS] */
    bool *there;    /* [ENG_PAGE_ROWS] */
};

static int step(const struct make *m, enum eng_make_step what, struct eye_err *err)
{
    const struct eng_index_knobs *knobs = m->lib->knobs;
    int rc = knobs->step ? knobs->step(knobs->ctx, what) : 0;
    if (rc < 0) {
        return eye_fail(err, rc, "stopped by a test");
    }
    if (m->how->stop && m->how->stop(m->how->ctx)) {
        return eye_fail(err, EYE_ECANCELLED, "the index was not made to the end");
    }
    return 0;
}

/* ---- rows into the file ---- */

static int write_page(struct make *m, const int64_t *ids, size_t n, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (m->there[i]) {
            rc = vector_writer_add(m->writer, ids[i], m->rows + i * (size_t)m->spec->dim, err);
        }
    }
    return rc < 0 ? rc : step(m, ENG_MAKE_ROWS, err);
}

static int write_ids(struct make *m, const int64_t *ids, size_t n, struct eye_err *err)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < n; at += ENG_PAGE_ROWS) {
        size_t some = n - at < ENG_PAGE_ROWS ? n - at : ENG_PAGE_ROWS;
        rc = store_vector_rows(m->store, m->model, m->spec->dim, ids + at, some, m->rows, m->there,
                               err);
        rc = rc < 0 ? rc : write_page(m, ids + at, some, err);
    }
    return rc;
}

static int write_all(struct make *m, struct eye_err *err)
{
    int rc = 0;
    size_t n = ENG_PAGE_ROWS;
    int64_t after = 0;
    memset(m->there, true, ENG_PAGE_ROWS * sizeof *m->there);
    while (rc == 0 && n == ENG_PAGE_ROWS) {
        rc = store_vectors_after(m->store, m->model, m->spec->dim, after, m->ids, m->rows,
                                 ENG_PAGE_ROWS, &n, err);
        rc = rc < 0 ? rc : write_page(m, m->ids, n, err);
        after = n ? m->ids[n - 1] : after;
    }
    return rc;
}

/* Both ascend and have nothing in common; a and b are freed. NULL: out of memory. */
static int64_t *merge(int64_t *a, size_t na, int64_t *b, size_t nb, struct eye_err *err)
{
    int64_t *out = mem_calloc(na + nb, sizeof *out, err);
    for (size_t i = 0, j = 0; out && i + j < na + nb;) {
        bool from_a = j == nb || (i < na && a[i] < b[j]);
        out[i + j] = from_a ? a[i] : b[j];
        i += from_a;
        j += !from_a;
    }
    free(a);
    free(b);
    return out;
}

/* The ids of what the plan marks, ascending; yours. */
static int planned_ids(struct make *m, int64_t **out, size_t *nout, struct eye_err *err)
{
    size_t n = m->plan.tail ? m->state.ntail : 0;
    int64_t *ids = mem_calloc(n, sizeof *ids, err);
    if (ids && n) {
        memcpy(ids, m->state.tail, n * sizeof *ids);
    }
    for (size_t i = 0; ids && i < vector_index_segments(m->state.ix) && i < 64; i++) {
        int64_t *more;
        size_t nmore;
        if (!(m->plan.take >> i & 1)) {
            continue;
        }
        if (vector_index_ids(m->state.ix, i, &more, &nmore, err) < 0) {
            free(ids);
            return EYE_ENOMEM;
        }
        ids = merge(ids, n, more, nmore, err);
        n += nmore;
    }
    *out = ids;
    *nout = n;
    return ids ? 0 : EYE_ENOMEM;
}

static int write_rows(struct make *m, struct eye_err *err)
{
    int64_t *ids = NULL;
    size_t n = 0;
    if (m->plan.tail && m->state.all) {
        return write_all(m, err);
    }
    int rc = planned_ids(m, &ids, &n, err);
    rc = rc < 0 ? rc : write_ids(m, ids, n, err);
    free(ids);
    return rc;
}

/* ---- the file ---- */

static int name_segment(struct make *m, struct store_segment *made, struct eye_err *err)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        return eye_fail_errno(err, errno, "cannot get random bytes");
    }
    snprintf(made->name, sizeof made->name, "%lld-%lld-%016" PRIx64 ".seg", (long long)m->model,
             (long long)made->upto, random);
    return 0;
}

static int write_file(struct make *m, const char *path, struct store_segment *made,
                      struct eye_err *err)
{
    const struct eng_index_knobs *knobs = m->lib->knobs;
    int rc = step(m, ENG_MAKE_BEGIN, err);
    if (rc < 0) {
        return rc;
    }
    m->writer = vector_writer_new(path, m->spec, NULL, m->how->pool, err);
    if (!m->writer) {
        return eng_code(err);
    }
    if (knobs->writer) {
        knobs->writer(knobs->ctx, m->writer);
    }
    rc = write_rows(m, err);
    if (rc < 0) {
        vector_writer_abort(m->writer);
    } else {
        rc = vector_writer_finish(m->writer, &made->rows, &made->bytes, err);
    }
    m->writer = NULL;
    return rc;
}

/* The newest change that what the plan marks is of. */
static int64_t planned_upto(const struct make *m)
{
    int64_t upto = 0;
    if (m->plan.tail) {
        return m->state.mark.changes;
    }
    for (size_t i = 0; i < vector_index_segments(m->state.ix) && i < 64; i++) {
        if (m->plan.take >> i & 1 && m->state.segments[i].upto > upto) {
            upto = m->state.segments[i].upto;
        }
    }
    return upto;
}

static void remove_file(const struct make *m, const char *name)
{
    char *path = fs_join(m->folder, name, NULL);
    if (path) {
        unlink(path);
    }
    free(path);
}

/* made NULL: none takes their place. all: every segment, not those of the plan alone. */
static int exchange(struct make *m, const struct store_segment *made, bool all, struct eye_err *err)
{
    size_t n = vector_index_segments(m->state.ix), ngone = 0;
    const char **gone = mem_calloc(n + m->state.nbad, sizeof(char *), err);
    if (!gone) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (all || (i < 64 && m->plan.take >> i & 1)) {
            gone[ngone++] = m->state.segments[i].name;
        }
    }
    for (size_t i = 0; i < m->state.nbad; i++) {
        gone[ngone++] = m->state.bad[i].name;
    }
    struct store_switch sw = {.switches = m->state.mark.switches,
                              .log_from = all || m->plan.tail ? m->state.mark.changes : 0,
                              .made = made,
                              .gone = gone,
                              .ngone = ngone};
    int rc = store_segment_switch(m->store, m->model, &sw, err);
    m->switched = rc == 0;
    rc = rc < 0 ? rc : step(m, ENG_MAKE_SWITCHED, err);
    for (size_t i = 0; rc == 0 && i < ngone; i++) {
        remove_file(m, gone[i]);
    }
    free(gone);
    return rc;
}

static int make_segment(struct make *m, struct eye_err *err)
{
    struct store_segment made = {.upto = planned_upto(m)};
    int rc = name_segment(m, &made, err);
    char *path = rc < 0 ? NULL : fs_join(m->folder, made.name, err);
    if (!path) {
        return rc < 0 ? rc : EYE_ENOMEM;
    }
    rc = write_file(m, path, &made, err);
    if (rc == 0) {
        bool empty = made.rows == 0; /* all of it is gone meanwhile */
        m->switched = false;
        rc = step(m, ENG_MAKE_WRITTEN, err);
        rc = rc < 0 ? rc : exchange(m, empty ? NULL : &made, false, err);
        if (!m->switched || empty) {
            unlink(path);
        }
    }
    free(path);
    return rc;
}

/* ---- looking through ---- */

/* What is damaged becomes one of the bad. */
static int check_files(struct make *m, struct eye_err *err)
{
    struct eng_state *state = &m->state;
    for (size_t i = 0; i < vector_index_segments(state->ix); i++) {
        struct eye_err why = {0};
        int rc = vector_segment_verify(vector_index_segment(state->ix, i, NULL), &why);
        if (rc == 0) {
            continue;
        }
        if (rc == EYE_ENOMEM) {
            return eye_fail(err, rc, "%s", why.msg);
        }
        struct store_segment *bad = mem_realloc(state->bad, state->nbad + 1, sizeof *bad, err);
        if (!bad) {
            return EYE_ENOMEM;
        }
        state->bad = bad;
        bad[state->nbad++] = state->segments[i];
        rc = step(m, ENG_MAKE_ROWS, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* ---- the log ---- */

/* A segment, and which of its rows a later deletion has told of already. */
struct told {
    int64_t upto;
    const int64_t *ids;
    size_t n;
    uint64_t *bits;
};

struct audience {
    struct told *v;
    size_t n;
};

static size_t find_id(const int64_t *ids, size_t n, int64_t id)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ids[mid] < id) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool is_needed(void *ctx, const struct store_change *gone)
{
    const struct audience *a = ctx;
    bool needed = false;
    for (size_t i = 0; i < a->n; i++) {
        struct told *t = &a->v[i];
        size_t row = t->upto < gone->change ? find_id(t->ids, t->n, gone->picture) : t->n;
        if (row < t->n && t->ids[row] == gone->picture && !(t->bits[row / 64] >> row % 64 & 1)) {
            t->bits[row / 64] |= UINT64_C(1) << row % 64;
            needed = true;
        }
    }
    return needed;
}

static int trim_log(struct make *m, struct eye_err *err)
{
    size_t n = vector_index_segments(m->state.ix);
    struct audience a = {.v = mem_calloc(n, sizeof *a.v, err), .n = n};
    int rc = a.v ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct vector_segment *seg = vector_index_segment(m->state.ix, i, NULL);
        a.v[i] = (struct told){m->state.segments[i].upto, vector_segment_ids(seg),
                               vector_segment_rows(seg), NULL};
        a.v[i].bits = mem_calloc(a.v[i].n / 64 + 1, sizeof *a.v[i].bits, err);
        rc = a.v[i].bits ? 0 : EYE_ENOMEM;
    }
    int64_t upto = m->state.mark.log_from;
    for (bool more = true; rc == 0 && more;) {
        rc = store_log_trim(m->store, m->model, &upto, is_needed, &a, &more, err);
        rc = rc < 0 ? rc : step(m, ENG_MAKE_TRIMMED, err);
    }
    for (size_t i = 0; a.v && i < n; i++) {
        free(a.v[i].bits);
    }
    free(a.v);
    return rc;
}

/* ---- litter ---- */

/* Under build.lock nobody else is about to name a file. */
static int sweep(struct make *m, struct eye_err *err)
{
    struct store_segment *rows = NULL;
    size_t n = 0;
    int rc = store_segments(m->store, 0, &rows, &n, err);
    DIR *dir = rc < 0 ? NULL : opendir(m->folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        bool named = e->d_type != DT_REG && e->d_type != DT_LNK;
        for (size_t i = 0; !named && i < n; i++) {
            named = strcmp(rows[i].name, e->d_name) == 0;
        }
        if (!named) {
            remove_file(m, e->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(rows);
    return rc < 0 ? rc : step(m, ENG_MAKE_SWEPT, err);
}

/* ---- all of it ---- */

static int look(struct make *m, struct eye_err *err)
{
    eng_state_release(&m->state);
    pthread_mutex_lock(&m->lib->lock);
    struct eng_vectors *old = m->lib->vectors; /* whose files are open */
    if (old) {
        old->refs++;
    }
    pthread_mutex_unlock(&m->lib->lock);
    bool same = old && old->model == m->model;
    int rc = eng_state_load(m->lib, m->store, m->model, m->spec, same ? old : NULL, &m->state, err);
    eng_vectors_put(m->lib, old);
    if (rc == 0) {
        store_read_end(m->store);
        m->plan = eng_plan_state(m->lib, &m->state);
    }
    return rc;
}

/* One thing that is to be done. 1: there may be more. */
static int make_one(struct make *m, bool check, struct eye_err *err)
{
    int rc = look(m, err);
    rc = rc < 0 || !check ? rc : check_files(m, err);
    if (rc < 0) {
        return rc;
    }
    if (m->state.nbad) { /* first of all others are spared to try them */
        m->plan = (struct eng_plan){.what = ENG_PLAN_NOTHING};
        rc = exchange(m, NULL, false, err);
        return rc < 0 ? rc : 1;
    }
    switch (m->plan.what) {
    case ENG_PLAN_NOTHING: return 0;
    case ENG_PLAN_MAKE: rc = make_segment(m, err); break;
    case ENG_PLAN_DISSOLVE:
    case ENG_PLAN_FORGET: rc = exchange(m, NULL, true, err); break;
    }
    return rc < 0 ? rc : 1;
}

static int make_all(struct make *m, struct eye_err *err)
{
    int rc = 1;
    for (int i = 0; rc == 1 && i < ROUNDS_MAX; i++) {
        rc = make_one(m, m->how->check && i == 0, err);
    }
    rc = rc < 0 ? rc : trim_log(m, err);
    return rc < 0 ? rc : sweep(m, err);
}

int eng_make(eye_lib *lib, struct store *s, int64_t model, const struct vector_spec *spec,
             const struct eng_making *how, struct eye_err *err)
{
    struct make m = {.lib = lib, .store = s, .model = model, .spec = spec, .how = how};
    size_t row = (size_t)spec->dim * sizeof(uint16_t);
    int lock = -1, rc = eng_writable(lib, err);
    rc = rc < 0
             ? rc
             : eng_lock_file(lib, "build.lock", "is making the index of this library", &lock, err);
    if (rc < 0) {
        return rc;
    }
    m.folder = fs_join(lib->dir, "index", err);
    m.rows = m.folder ? mem_calloc(ENG_PAGE_ROWS, row, err) : NULL;
    m.ids = m.rows ? mem_calloc(ENG_PAGE_ROWS, sizeof *m.ids, err) : NULL;
    m.there = m.ids ? mem_calloc(ENG_PAGE_ROWS, sizeof *m.there, err) : NULL;
    rc = m.there ? fs_mkdirs(m.folder, err) : EYE_ENOMEM;
    rc = rc < 0 ? rc : make_all(&m, err);
    eng_state_release(&m.state);
    free(m.rows);
    free(m.ids);
    free(m.there);
    free(m.folder);
    eng_unlock(lock);
    return rc;
}
