/* index_fixture.h - libraries of made-up vectors with segments of some hundred rows, and the truth beside what a search finds. */
#ifndef TEST_ENGINE_INDEX_FIXTURE_H
#define TEST_ENGINE_INDEX_FIXTURE_H

#include "engine/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/index.h"
#include "engine/search.h"

enum { IX_DIM = 64, IX_FEW = 200, IX_TOP = 25 };

struct ix {
    struct fx *fx;
    struct eng_index_knobs knobs;
    struct store *s;
    struct eng_model *m;
    struct vector_spec spec;
    int64_t model, root;
};

static inline uint64_t ix_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* One of ten directions and some noise, of length 1; the same for the same number. */
static inline void ix_row(uint64_t number, uint16_t row[IX_DIM])
{
    uint64_t seed = number * 7919 + 13, centre = number % 10 + 1000000;
    float x[IX_DIM], square = 0;
    for (int i = 0; i < IX_DIM; i++) {
        x[i] = (float)(ix_random(&centre) >> 40) / 16777216.0f - 0.5f;
        x[i] += 1.5f * ((float)(ix_random(&seed) >> 40) / 16777216.0f - 0.5f);
        square += x[i] * x[i];
    }
    for (int i = 0; i < IX_DIM; i++)
        x[i] /= sqrtf(square);
    half_from_floats(x, row, IX_DIM);
}

/* ---- a library ---- */

static inline void ix_attach(struct ix *ix)
{
    struct fx *fx = ix->fx;
    fx->lib->knobs = &ix->knobs;
    ix->s = eng_store_get(fx->lib, &fx->err);
    assert_non_null(ix->s);
    ix->m = eng_model_get(fx->lib, ix->s, &fx->err);
    assert_non_null(ix->m);
    ix->spec = (struct vector_spec){clip_info(ix->m->clip)->dim, clip_info(ix->m->clip)->weights};
    assert_int_equal(ix->spec.dim, IX_DIM);
}

static inline void ix_detach(struct ix *ix)
{
    eng_model_put(ix->fx->lib, ix->m);
    eng_store_put(ix->fx->lib, ix->s);
}

static inline struct ix *ix_new(void **state)
{
    struct ix *ix = calloc(1, sizeof *ix);
    assert_non_null(ix);
    struct fx *fx = ix->fx = fx_new(state);
    ix->knobs = (struct eng_index_knobs){.few = IX_FEW, .delay = -1, .no_maker = true};
    ix_attach(ix);
    FX_OK(fx, store_begin(ix->s, &fx->err));
    FX_OK(fx, eng_model_id(ix->m, ix->s, true, &ix->model, &fx->err));
    FX_OK(fx, eng_model_choose(fx->lib, ix->m, ix->s, &fx->err));
    FX_OK(fx, store_root_add(ix->s, "/made/up", &ix->root, &fx->err));
    FX_OK(fx, store_commit(ix->s, &fx->err));
    return ix;
}

/* Close and open: nothing is in memory any more. */
static inline void ix_reopen(struct ix *ix)
{
    ix_detach(ix);
    fx_reopen(ix->fx);
    ix_attach(ix);
}

static inline void ix_free(struct ix *ix)
{
    ix_detach(ix);
    fx_free(ix->fx);
    free(ix);
}

/* ---- changes ---- */

static inline void ix_name(uint64_t number, char rel[32])
{
    snprintf(rel, 32, "p%06" PRIu64, number);
}

/* The picture's id; in the caller's transaction, or one of its own. */
static inline int64_t ix_put(struct ix *ix, uint64_t number)
{
    struct fx *fx = ix->fx;
    struct store_picture p = {.size = 1,
                              .width = 10 + (int)(number % 100),
                              .height = 50,
                              .format = "png",
                              .taken_at = INT64_MIN};
    uint16_t row[IX_DIM];
    char rel[32];
    int64_t id = 0;
    hash_bytes(&number, sizeof number, &p.hash);
    ix_row(number, row);
    FX_OK(fx, store_put(ix->s, &p, ix->model, row, IX_DIM, &id, &fx->err));
    ix_name(number, rel);
    struct store_file f = {.picture = id, .root = ix->root, .rel = rel, .size = 1};
    FX_OK(fx, store_file_set(ix->s, &f, &fx->err));
    return id;
}

static inline void ix_add(struct ix *ix, uint64_t first, size_t n)
{
    struct fx *fx = ix->fx;
    FX_OK(fx, store_begin(ix->s, &fx->err));
    for (uint64_t i = first; i < first + n; i++)
        ix_put(ix, i);
    FX_OK(fx, store_commit(ix->s, &fx->err));
}

/* Every `step`th of [first, first + n) */
static inline void ix_remove(struct ix *ix, uint64_t first, size_t n, size_t every)
{
    struct fx *fx = ix->fx;
    char rel[32];
    FX_OK(fx, store_begin(ix->s, &fx->err));
    for (uint64_t i = first; i < first + n; i += every) {
        ix_name(i, rel);
        FX_OK(fx, store_file_remove(ix->s, ix->root, rel, &fx->err));
    }
    FX_OK(fx, store_commit(ix->s, &fx->err));
}

/* Give pictures that are there another vector. */
static inline void ix_change(struct ix *ix, uint64_t first, size_t n, size_t every,
                             uint64_t version)
{
    struct fx *fx = ix->fx;
    char rel[32];
    uint16_t row[IX_DIM];
    FX_OK(fx, store_begin(ix->s, &fx->err));
    for (uint64_t i = first; i < first + n; i += every) {
        int64_t id;
        ix_name(i, rel);
        if (store_picture_at(ix->s, ix->root, rel, &id, NULL) != 0)
            continue;
        ix_row(i + version * 1000003, row);
        FX_OK(fx, store_vector_put(ix->s, id, ix->model, row, IX_DIM, &fx->err));
    }
    FX_OK(fx, store_commit(ix->s, &fx->err));
}

static inline int ix_make_rc(struct ix *ix, bool check)
{
    struct eng_making how = {.check = check};
    return eng_make(ix->fx->lib, ix->s, ix->model, &ix->spec, &how, &ix->fx->err);
}

static inline void ix_make(struct ix *ix)
{
    FX_OK(ix->fx, ix_make_rc(ix, false));
}

/* ---- what there is ---- */

static inline size_t ix_rows(struct ix *ix, struct store_segment **rows)
{
    size_t n;
    FX_OK(ix->fx, store_segments(ix->s, ix->model, rows, &n, &ix->fx->err));
    return n;
}

static inline size_t ix_segments(struct ix *ix)
{
    struct store_segment *rows;
    size_t n = ix_rows(ix, &rows);
    free(rows);
    return n;
}

static inline void ix_path(struct ix *ix, size_t i, char path[600])
{
    struct store_segment *rows;
    assert_true(i < ix_rows(ix, &rows));
    snprintf(path, 600, "%s/index/%s", ix->fx->library, rows[i].name);
    free(rows);
}

static inline size_t ix_files(struct ix *ix)
{
    char path[400];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/index", ix->fx->library);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

/* Rows of the log, and those that tell of deletions. */
static inline size_t ix_log(struct ix *ix, size_t *gone)
{
    struct store_change *log;
    size_t n, deletions = 0;
    FX_OK(ix->fx, store_log(ix->s, ix->model, 0, &log, &n, &ix->fx->err));
    for (size_t i = 0; i < n; i++)
        deletions += log[i].gone;
    free(log);
    if (gone)
        *gone = deletions;
    return n;
}

/* ---- the truth ---- */

static const char *const ix_words[] = {"a dog in the snow", "red", "mountains at night",
                                       "two people"};
enum { IX_QUERIES = sizeof ix_words / sizeof *ix_words };

/* What is nearest to words number `query` of all vectors in the store. */
static inline size_t ix_truth(struct ix *ix, size_t query, struct vector_hit *hits, size_t k)
{
    struct fx *fx = ix->fx;
    eye_query words = EYE_QUERY_INIT;
    float v[IX_DIM];
    size_t n = 0;
    words.words = ix_words[query];
    FX_OK(fx, eye_embed(fx->lib, &words, v, &fx->err));
    struct vector_set *set = store_load_vectors(ix->s, ix->model, IX_DIM, &fx->err);
    assert_non_null(set);
    FX_OK(fx, vector_search(set, v, 1, k, NULL, NULL, hits, &n, &fx->err));
    vector_free(set);
    return n;
}

static inline void ix_same(const eye_results *r, size_t from, const struct vector_hit *hits,
                           size_t n)
{
    assert_true(eye_results_count(r) >= from + n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(eye_results_at(r, from + i)->id, hits[i].id);
        float score = eye_results_at(r, from + i)->score;
        assert_memory_equal(&score, &hits[i].score, sizeof score);
    }
}

/* Searches of `lib` find what is nearest, in both ways, exactly and not. */
static inline void ix_check_lib(struct ix *ix, eye_lib *lib)
{
    struct fx *fx = ix->fx;
    struct vector_hit hits[IX_TOP];
    for (size_t q = 0; q < IX_QUERIES; q++) {
        size_t n = ix_truth(ix, q, hits, IX_TOP);
        eye_query words = EYE_QUERY_INIT;
        words.words = ix_words[q];
        for (int exact = 0; exact < 2; exact++) {
            eye_search_options o = {.limit = IX_TOP, .min_score = -2, .exact = exact};
            eye_find_options f = {.limit = IX_TOP, .min_score = -2, .exact = exact};
            eye_term term = {words, 1};
            eye_results *r;
            FX_OK(fx, eye_search(lib, &words, 1, &o, &r, &fx->err));
            assert_int_equal(eye_results_count(r), n);
            ix_same(r, 0, hits, n);
            eye_results_free(r);
            FX_OK(fx, eye_find(lib, &term, 1, &f, &r, &fx->err));
            assert_int_equal(eye_results_count(r), n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(eye_results_at(r, i)->id, hits[i].id);
            eye_results_free(r);
        }
    }
}

static inline void ix_check(struct ix *ix)
{
    ix_check_lib(ix, ix->fx->lib);
}

static inline void ix_verified(struct ix *ix)
{
    uint64_t findings = 0;
    FX_OK(ix->fx, eng_index_verify(ix->fx->lib, ix->s, true, NULL, NULL, &findings, &ix->fx->err));
    assert_int_equal(findings, 0);
}

/* The snapshot that searches use just now; NULL: none yet. Borrowed while nobody searches. */
static inline struct eng_vectors *ix_snapshot(struct ix *ix)
{
    return ix->fx->lib->vectors;
}

#endif
