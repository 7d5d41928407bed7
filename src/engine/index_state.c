/* index_state.c - what the store says of an index at one moment: which segments, which of their rows are dead, and what is in none.
 *
 * The log is gone through once, in order, and each segment is attached when the log has come to the change that it was made at: so
 * deletions are told to those that are older and to no others. What the log says of changes after the newest segment is the tail.
 *
 * It is counted in the end: vectors in segments and in the tail must be as many as the store has, and it must have some that are tried. If a file is missing or damaged, or the
 * log does not reach back to the newest segment that is good, the ids of all vectors are compared with those of the segments, and what is
 * in none is tail. If it still does not come out even, no segment is believed.
 *
 * A file may vanish between the list and its opening, because another process has just put one in place of several. Then the
 * list has changed too, and all begins anew. */
#include "engine/index.h"

enum { TRIES = 8, ID_PAGE = 8192 };

struct load {
    eye_lib *lib;
    struct store *store;
    int64_t model;
    const struct vector_spec *spec;
    const struct eng_vectors *old;
    struct eng_state *out;
    struct store_segment *listed;
    size_t nlisted;
    struct store_change *log;
    size_t nlog;
    bool vanished;
};

/* ---- the log's last words ---- */

static int by_picture(const void *a, const void *b)
{
    const struct store_change *x = a, *y = b;
    if (x->picture != y->picture) {
        return x->picture < y->picture ? -1 : 1;
    }
    return (x->change > y->change) - (x->change < y->change);
}

size_t eng_log_last(struct store_change *log, size_t n)
{
    size_t out = 0;
    if (n > 1) {
        qsort(log, n, sizeof *log, by_picture);
    }
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || log[i + 1].picture != log[i].picture) {
            log[out++] = log[i];
        }
    }
    return out;
}

/* ---- segments ---- */

/* The file that is open already; names are never used twice. */
static struct vector_segment *open_already(const struct load *l, const struct store_segment *row)
{
    const struct eng_vectors *old = l->old;
    for (size_t i = 0; old && old->ix && i < vector_index_segments(old->ix); i++) {
        if (!strcmp(old->segments[i].name, row->name)) {
            return vector_segment_ref(vector_index_segment(old->ix, i, NULL));
        }
    }
    return NULL;
}

static struct vector_segment *open_segment(const struct load *l, const struct store_segment *row,
                                           struct eye_err *err)
{
    struct vector_segment *seg = open_already(l, row);
    char *folder = seg ? NULL : fs_join(l->lib->dir, "index", err);
    char *path = folder ? fs_join(folder, row->name, err) : NULL;
    if (path) {
        seg = vector_segment_open(path, l->spec, row->rows, row->bytes, err);
    }
    free(path);
    free(folder);
    return seg;
}

static int add_row(struct store_segment **rows, size_t n, const struct store_segment *row,
                   struct eye_err *err)
{
    struct store_segment *grown = mem_realloc(*rows, n + 1, sizeof *grown, err);
    if (!grown) {
        return EYE_ENOMEM;
    }
    *rows = grown;
    grown[n] = *row;
    return 0;
}

/* Tell the attached segments what the log says up to `upto`; *at: how far it was. */
static int tell(const struct load *l, size_t *at, int64_t upto, struct eye_err *err)
{
    for (; *at < l->nlog && l->log[*at].change <= upto; ++*at) {
        if (l->log[*at].gone) {
            int rc = vector_index_drop(l->out->ix, l->log[*at].picture, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return 0;
}

static int attach(struct load *l, const struct store_segment *row, size_t *at, struct eye_err *err)
{
    struct eye_err why = {0};
    struct eng_state *out = l->out;
    struct vector_segment *seg = open_segment(l, row, &why);
    if (!seg) {
        if (why.code == EYE_ENOMEM) {
            return eye_fail(err, EYE_ENOMEM, "%s", why.msg);
        }
        l->vanished = l->vanished || why.code == EYE_ENOTFOUND;
        eng_log(l->lib, EYE_LOG_DEBUG, "%s", why.msg);
        int rc = add_row(&out->bad, out->nbad, row, err);
        out->nbad += rc == 0;
        return rc;
    }
    int rc = tell(l, at, row->upto, err);
    rc = rc < 0 ? rc : add_row(&out->segments, vector_index_segments(out->ix), row, err);
    rc = rc < 0 ? rc : vector_index_attach(out->ix, seg, err);
    vector_segment_unref(seg);
    return rc;
}

/* ---- the tail ---- */

/* What the log says after the newest segment. */
static int tail_of_log(struct load *l, size_t at, struct eye_err *err)
{
    struct eng_state *out = l->out;
    struct store_change *last = l->log ? l->log + at : NULL;
    size_t n = last ? eng_log_last(last, l->nlog - at) : 0;
    out->tail = mem_calloc(n, sizeof *out->tail, err);
    int rc = out->tail ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = vector_index_drop(out->ix, last[i].picture, err);
        if (rc == 0 && !last[i].gone) {
            out->tail[out->ntail++] = last[i].picture;
        }
    }
    return rc;
}

/* The ids that no segment has. */
static int tail_by_comparing(struct load *l, struct eye_err *err)
{
    struct eng_state *out = l->out;
    size_t room = (size_t)out->mark.vectors, n = 0;
    int64_t after = 0;
    int64_t *page = mem_calloc(ID_PAGE, sizeof *page, err);
    free(out->tail);
    out->tail = page ? mem_calloc(room, sizeof *out->tail, err) : NULL;
    out->ntail = 0;
    int rc = out->tail ? 0 : EYE_ENOMEM;
    do {
        rc = rc < 0 ? rc : store_vector_ids(l->store, l->model, after, page, ID_PAGE, &n, err);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            after = page[i];
            if (!vector_index_has(out->ix, page[i]) && out->ntail < room) {
                out->tail[out->ntail++] = page[i];
            }
        }
    } while (rc == 0 && n == ID_PAGE);
    free(page);
    return rc;
}

static bool is_even(const struct eng_state *state)
{
    return vector_index_live(state->ix) + state->ntail == (size_t)state->mark.vectors;
}

/* Some of each segment's live rows must be of vectors that there are: a whole file may still be of another library. */
static int try_some(struct load *l, bool *good, struct eye_err *err)
{
    enum { SAMPLES = 16 };
    struct vector_index *ix = l->out->ix;
    int rc = 0;
    *good = true;
    for (size_t i = 0; i < vector_index_segments(ix); i++) {
        const struct vector_segment *seg = vector_index_segment(ix, i, NULL);
        size_t rows = vector_segment_rows(seg), apart = rows / SAMPLES + 1;
        for (size_t row = 0; rc == 0 && *good && row < rows; row += apart) {
            int64_t id = vector_segment_ids(seg)[row];
            if (vector_index_has(ix, id)) {
                rc = store_has_vector(l->store, id, l->model, good, err);
            }
        }
    }
    return rc;
}

static int believe_none(struct load *l, struct eye_err *err)
{
    struct eng_state *out = l->out;
    size_t n = vector_index_segments(out->ix);
    eng_log(l->lib, EYE_LOG_WARN, "the index is not of what the library holds: it is made anew");
    for (size_t i = 0; i < n; i++) {
        int rc = add_row(&out->bad, out->nbad, &out->segments[i], err);
        if (rc < 0) {
            return rc;
        }
        out->nbad++;
    }
    vector_index_free(out->ix);
    out->ix = vector_index_new(l->spec, err);
    return out->ix ? 0 : EYE_ENOMEM;
}

static int find_tail(struct load *l, size_t at, struct eye_err *err)
{
    struct eng_state *out = l->out;
    size_t n = vector_index_segments(out->ix);
    int rc = n ? tail_of_log(l, at, err) : 0;
    bool behind = n && out->mark.log_from > out->segments[n - 1].upto, good = true;
    if (rc == 0 && n && (out->nbad || behind || !is_even(out))) {
        rc = tail_by_comparing(l, err);
    }
    rc = rc < 0 ? rc : try_some(l, &good, err);
    if (rc == 0 && n && !(good && is_even(out))) {
        rc = believe_none(l, err);
    }
    if (rc == 0 && vector_index_segments(out->ix) == 0) {
        free(out->tail);
        out->tail = NULL;
        out->all = true;
        out->ntail = (size_t)out->mark.vectors;
    }
    return rc;
}

/* ---- all of it ---- */

static int load(struct load *l, struct eye_err *err)
{
    size_t at = 0;
    int rc = store_vectors_mark(l->store, l->model, &l->out->mark, err);
    l->out->ix = rc < 0 ? NULL : vector_index_new(l->spec, err);
    if (!l->out->ix) {
        return rc < 0 ? rc : EYE_ENOMEM;
    }
    if (l->model && eng_plan_is_for(l->spec)) {
        rc = store_segments(l->store, l->model, &l->listed, &l->nlisted, err);
    }
    if (rc == 0 && l->nlisted) {
        rc = store_log(l->store, l->model, 0, &l->log, &l->nlog, err);
    }
    for (size_t i = 0; rc == 0 && i < l->nlisted; i++) {
        rc = attach(l, &l->listed[i], &at, err);
    }
    return rc < 0 ? rc : find_tail(l, at, err);
}

/* Has the list of segments changed since it was read? */
static bool is_outdated(struct load *l)
{
    struct store_mark now;
    return l->vanished && store_vectors_mark(l->store, l->model, &now, NULL) == 0 &&
           now.switches != l->out->mark.switches;
}

static void tell_bad(const struct load *l)
{
    for (size_t i = 0; i < l->out->nbad; i++) {
        eng_log(l->lib, EYE_LOG_WARN,
                "%s/index/%s: is missing or damaged; it is made anew, and until then its pictures "
                "are compared one by one",
                l->lib->dir, l->out->bad[i].name);
    }
}

int eng_state_load(eye_lib *lib, struct store *s, int64_t model, const struct vector_spec *spec,
                   const struct eng_vectors *old, struct eng_state *out, struct eye_err *err)
{
    int rc = 0;
    bool again = true;
    memset(out, 0, sizeof *out);
    for (int tries = 0; rc == 0 && again; tries++) {
        struct load l = {
            .lib = lib, .store = s, .model = model, .spec = spec, .old = old, .out = out};
        rc = store_read_begin(s, err);
        if (rc < 0) {
            return rc;
        }
        rc = load(&l, err);
        if (rc == 0 && l.vanished) { /* a look from outside of the moment */
            store_read_end(s);
            again = is_outdated(&l) && tries < TRIES;
            if (again) {
                eng_state_release(out);
            } else {
                rc = store_read_begin(s, err);
            }
        } else {
            again = false;
        }
        if (rc == 0 && !again) {
            tell_bad(&l);
        }
        free(l.listed);
        free(l.log);
    }
    if (rc < 0) {
        store_read_end(s);
        eng_state_release(out);
    }
    return rc;
}

void eng_state_release(struct eng_state *state)
{
    vector_index_free(state->ix);
    free(state->segments);
    free(state->bad);
    free(state->tail);
    memset(state, 0, sizeof *state);
}
