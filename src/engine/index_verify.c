/* index_verify.c - is the quantised index whole, and of what the library holds?
 *
 * Nothing that is wrong here makes an answer wrong: a search notices a file that is missing or damaged, and the next run makes it anew. But
 * who asks whether all is well wants to know. */
#include "engine/index.h"
#include "engine/search.h"

struct verify {
    eye_lib *lib;
    struct store *store;
    bool deep;
    void (*fn)(void *ctx, const char *finding);
    void *ctx;
    uint64_t *findings;
    struct eng_state state;
};

static void tell(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct verify *v, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    ++*v->findings;
    if (v->fn) {
        v->fn(v->ctx, line);
    }
}

static int check_files(struct verify *v, struct eye_err *err)
{
    const struct eng_state *state = &v->state;
    for (size_t i = 0; i < state->nbad; i++) {
        tell(v, "index: %s is missing, damaged, or not of what the library holds; index again",
             state->bad[i].name);
    }
    for (size_t i = 0; v->deep && i < vector_index_segments(state->ix); i++) {
        struct eye_err why = {0};
        int rc = vector_segment_verify(vector_index_segment(state->ix, i, NULL), &why);
        if (rc == EYE_ENOMEM) {
            return eye_fail(err, rc, "%s", why.msg);
        }
        if (rc < 0) {
            tell(v, "index: %s; delete this file and index again", why.msg);
        }
    }
    return 0;
}

/* ---- every vector in one place ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All live ids of segments and of the tail, sorted; yours. */
static int64_t *indexed_ids(const struct eng_state *state, size_t *out, struct eye_err *err)
{
    size_t n = state->ntail, room = vector_index_live(state->ix) + n;
    int64_t *all = mem_calloc(room, sizeof *all, err);
    if (all && n) {
        memcpy(all, state->tail, n * sizeof *all);
    }
    for (size_t i = 0; all && i < vector_index_segments(state->ix); i++) {
        int64_t *ids;
        size_t some;
        if (vector_index_ids(state->ix, i, &ids, &some, err) < 0) {
            free(all);
            return NULL;
        }
        memcpy(all + n, ids, some * sizeof *ids);
        n += some;
        free(ids);
    }
    if (all && n > 1) {
        qsort(all, n, sizeof *all, by_id);
    }
    *out = n;
    return all;
}

/* How many vectors of the store are not among the ids [n], and how many ids come twice or have no vector. */
static int compare(struct verify *v, int64_t model, const int64_t *ids, size_t n,
                   struct eye_err *err)
{
    enum { PAGE = 4096 };
    int64_t page[PAGE], after = 0;
    size_t got = PAGE, at = 0, missing = 0, extra = 0;
    int rc = 0;
    while (rc == 0 && got == PAGE) {
        rc = store_vector_ids(v->store, model, after, page, PAGE, &got, err);
        for (size_t i = 0; rc == 0 && i < got; i++) {
            after = page[i];
            for (; at < n && ids[at] < after; at++) {
                extra++;
            }
            bool has = at < n && ids[at] == after;
            at += has;
            missing += !has;
        }
    }
    extra += n - at;
    if (rc == 0 && missing) {
        tell(v, "index: %zu vectors of the library are not in it", missing);
    }
    if (rc == 0 && extra) {
        tell(v, "index: %zu of its rows are of no vector, or of one that it has twice", extra);
    }
    return rc;
}

static int verify(struct verify *v, int64_t model, struct eye_err *err)
{
    int rc = check_files(v, err);
    if (rc == 0 && !v->state.all) {
        size_t n = 0;
        int64_t *ids = indexed_ids(&v->state, &n, err);
        rc = ids ? compare(v, model, ids, n, err) : EYE_ENOMEM;
        free(ids);
    }
    return rc;
}

int eng_index_verify(eye_lib *lib, struct store *s, bool deep,
                     void (*fn)(void *ctx, const char *finding), void *ctx, uint64_t *findings,
                     struct eye_err *err)
{
    struct verify v = {
        .lib = lib, .store = s, .deep = deep, .fn = fn, .ctx = ctx, .findings = findings};
    struct eye_err why = {0};
    int64_t id = 0;
    struct eng_model *model = eng_model_get(lib, s, &why);
    if (!model) { /* told by others who need it */
        return 0;
    }
    const struct clip_info *info = clip_info(model->clip);
    const struct vector_spec spec = {info->dim, info->weights};
    int rc = eng_model_id(model, s, false, &id, err);
    if (rc == 0 && id) {
        rc = eng_state_load(lib, s, id, &spec, NULL, &v.state, err);
        if (rc == 0) {
            rc = verify(&v, id, err);
            store_read_end(s);
            eng_state_release(&v.state);
        }
    }
    eng_model_put(lib, model);
    return rc;
}
