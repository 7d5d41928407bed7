/* fixture.h - a library, two small models made from recipes, and pictures that differ by a seed. */
#ifndef TEST_ENGINE_FIXTURE_H
#define TEST_ENGINE_FIXTURE_H

#include "clip/recipe.h"

#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "engine/scan.h"
#include "eyeshine.h"

enum { FX_EVENTS = 4096, FX_SIDE = 40 };

struct fx_event {
    eye_file_outcome outcome;
    char name[200]; /* below the photos folder */
    char reason[200];
};

struct fx {
    char dir[300], share[256], library[320], photos[320];
    eye_lib *lib;
    struct eye_err err;
    eye_index_progress p; /* of the last index */
    struct fx_event *events;
    size_t nevents;
    char log[8192];
    int stop_after; /* events; 0: never */
    pthread_t caller;
};

#define FX_OK(fx, call)                                                                            \
    do {                                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_ != 0)                                                                              \
            print_message("%d: %s\n", rc_, (fx)->err.msg);                                         \
        assert_int_equal(rc_, 0);                                                                  \
    } while (0)

/* ---- models ---- */

/* The small ViT of the goldens, with a vocabulary that real words can use. */
static inline void fx_make_starter(const char *dir)
{
    FX_OK(&(struct fx){.dir = ""}, fs_mkdirs(dir, NULL));
    scratch_text(
        dir, "open_clip_config.json",
        "{\"model_cfg\":{\"embed_dim\":64,\"quick_gelu\":true,\"vision_cfg\":{\"layers\":2,"
        "\"width\":128,\"patch_size\":16,\"image_size\":64},\"text_cfg\":{"
        "\"context_length\":16,\"vocab_size\":49408,\"width\":128,\"heads\":2,\"layers\":2}}}");
    recipe_weights("tests/golden/embeddings/vit-f16-64/tensors.txt", dir,
                   "open_clip_model.safetensors", "token_embedding.weight",
                   "token_embedding.weight F16 49408 128");
}

static inline void fx_make_second(const char *dir)
{
    const char *from = "tests/golden/embeddings/hf-clip-72";
    FX_OK(&(struct fx){.dir = ""}, fs_mkdirs(dir, NULL));
    recipe_copy(from, dir, "config.json");
    recipe_weights("tests/golden/embeddings/hf-clip-72/tensors.txt", dir, "model.safetensors", NULL,
                   NULL);
}

/* ---- files ---- */

static inline void fx_path(const struct fx *fx, const char *name, char path[600])
{
    int n = name[0] == '/' ? snprintf(path, 600, "%s", name)
                           : snprintf(path, 600, "%s%s%s", fx->photos, name[0] ? "/" : "", name);
    assert_in_range(n, 1, 599);
}

static inline void fx_write(const struct fx *fx, const char *name, const void *data, size_t len)
{
    char path[600];
    fx_path(fx, name, path);
    *strrchr(path, '/') = '\0';
    assert_int_equal(fs_mkdirs(path, NULL), 0);
    fx_path(fx, name, path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* A BMP of random blocks; the same seed gives the same bytes. */
static inline void fx_picture(const struct fx *fx, const char *name, uint64_t seed)
{
    enum { ROW = FX_SIDE * 3, SIZE = 54 + ROW * FX_SIDE };
    static const uint8_t head[54] = {'B', 'M', SIZE & 255, SIZE >> 8, 0,  0, 0, 0, 0,       0,
                                     54,  0,   0,          0,         40, 0, 0, 0, FX_SIDE, 0,
                                     0,   0,   FX_SIDE,    0,         0,  0, 1, 0, 24};
    uint8_t bmp[SIZE];
    uint8_t *rgb = recipe_picture(seed, FX_SIDE, FX_SIDE);
    memcpy(bmp, head, 54);
    memcpy(bmp + 54, rgb, (size_t)ROW * FX_SIDE);
    free(rgb);
    fx_write(fx, name, bmp, SIZE);
}

/* p00.bmp, p01.bmp ...: that many different ones. */
static inline void fx_pictures(const struct fx *fx, int n)
{
    char name[32];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "p%02d.bmp", i);
        fx_picture(fx, name, (uint64_t)i);
    }
}

static inline void fx_unlink(const struct fx *fx, const char *name)
{
    char path[600];
    fx_path(fx, name, path);
    assert_int_equal(remove(path), 0);
}

static inline void fx_rename(const struct fx *fx, const char *from, const char *to)
{
    char a[600], b[600];
    fx_path(fx, from, a);
    fx_path(fx, to, b);
    assert_int_equal(rename(a, b), 0);
}

static inline int fx_rm_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void fx_rm(const char *path)
{
    nftw(path, fx_rm_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the library ---- */

static inline void fx_on_log(void *ctx, eye_log_level level, const char *line)
{
    struct fx *fx = ctx;
    size_t n = strlen(fx->log);
    snprintf(fx->log + n, sizeof fx->log - n, "%d %s\n", (int)level, line);
}

static inline eye_options fx_options(struct fx *fx)
{
    eye_options o = {.library = fx->library,
                     .share_dir = fx->share,
                     .models_dir = "/nonexistent/models",
                     .threads = 2,
                     .create = true,
                     .log = fx_on_log,
                     .log_ctx = fx};
    return o;
}

static inline void fx_open(struct fx *fx)
{
    eye_options o = fx_options(fx);
    fx->lib = eye_open(&o, &fx->err);
    if (!fx->lib)
        print_message("%s\n", fx->err.msg);
    assert_non_null(fx->lib);
}

static inline void fx_reopen(struct fx *fx)
{
    eye_close(fx->lib);
    fx_open(fx);
}

/* Models are made once a program. */
static inline int fx_group_setup(void **state)
{
    char *dir = calloc(1, 256), path[300];
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, 256, "%s/eyeshine-engine-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/models/starter", dir);
    fx_make_starter(path);
    snprintf(path, sizeof path, "%s/models/second", dir);
    fx_make_second(path);
    *state = dir;
    return 0;
}

static inline int fx_group_teardown(void **state)
{
    fx_rm(*state);
    free(*state);
    return 0;
}

static inline struct fx *fx_new(void **state)
{
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    fx->events = calloc(FX_EVENTS, sizeof *fx->events);
    snprintf(fx->share, sizeof fx->share, "%s", (char *)*state);
    snprintf(fx->dir, sizeof fx->dir, "%s/test-XXXXXX", fx->share);
    assert_non_null(mkdtemp(fx->dir));
    snprintf(fx->library, sizeof fx->library, "%s/lib", fx->dir);
    snprintf(fx->photos, sizeof fx->photos, "%s/photos", fx->dir);
    assert_int_equal(mkdir(fx->photos, 0700), 0);
    fx_open(fx);
    return fx;
}

static inline void fx_free(struct fx *fx)
{
    eye_close(fx->lib);
    fx_rm(fx->dir);
    free(fx->events);
    free(fx);
}

/* ---- indexing ---- */

static inline int fx_on_event(void *ctx, const eye_index_event *e)
{
    struct fx *fx = ctx;
    assert_true(pthread_equal(pthread_self(), fx->caller));
    assert_true(fx->nevents < FX_EVENTS);
    struct fx_event *out = &fx->events[fx->nevents++];
    const char *below = eng_path_below(e->path, fx->photos);
    out->outcome = e->outcome;
    snprintf(out->name, sizeof out->name, "%s", below ? below : e->path);
    snprintf(out->reason, sizeof out->reason, "%s", e->reason ? e->reason : "");
    assert_true((e->reason != NULL) == (e->outcome == EYE_FILE_FAILED));
    return fx->stop_after && fx->nevents >= (size_t)fx->stop_after;
}

static inline int fx_index_rc(struct fx *fx, const char *name, eye_index_options *o)
{
    eye_index_options none = {0};
    char path[600];
    const char *paths[1] = {path};
    o = o ? o : &none;
    o->event = fx_on_event;
    o->ctx = fx;
    fx->nevents = 0;
    fx->log[0] = '\0';
    fx->caller = pthread_self();
    if (name)
        fx_path(fx, name, path);
    return eye_index(fx->lib, paths, name != NULL, o, &fx->p, &fx->err);
}

/* name: below photos or absolute; NULL: all roots. */
static inline void fx_index(struct fx *fx, const char *name)
{
    FX_OK(fx, fx_index_rc(fx, name, NULL));
}

static inline const struct fx_event *fx_event(const struct fx *fx, const char *name)
{
    for (size_t i = 0; i < fx->nevents; i++)
        if (!strcmp(fx->events[i].name, name))
            return &fx->events[i];
    return NULL;
}

/* The outcome told for this file; -1: none was. */
static inline int fx_outcome(const struct fx *fx, const char *name)
{
    const struct fx_event *e = fx_event(fx, name);
    return e ? (int)e->outcome : -1;
}

#define FX_COUNTS(fx, i, u, l, un, r, f)                                                           \
    do {                                                                                           \
        assert_int_equal((fx)->p.indexed, i);                                                      \
        assert_int_equal((fx)->p.updated, u);                                                      \
        assert_int_equal((fx)->p.linked, l);                                                       \
        assert_int_equal((fx)->p.unchanged, un);                                                   \
        assert_int_equal((fx)->p.removed, r);                                                      \
        assert_int_equal((fx)->p.failed, f);                                                       \
    } while (0)

static inline eye_status fx_status(struct fx *fx)
{
    eye_status st;
    FX_OK(fx, eye_status_get(fx->lib, &st, &fx->err));
    return st;
}

static inline void fx_verify_clean(struct fx *fx)
{
    uint64_t findings = 99;
    FX_OK(fx, eye_verify(fx->lib, false, NULL, NULL, &findings, &fx->err));
    assert_int_equal(findings, 0);
}

/* Id of the best picture for this file as a query, and its score. */
static inline int64_t fx_best(struct fx *fx, const char *name, float *score)
{
    char path[600];
    eye_query q = EYE_QUERY_INIT;
    eye_search_options o = {.limit = 1, .min_score = -2};
    eye_results *r;
    fx_path(fx, name, path);
    q.image_path = path;
    FX_OK(fx, eye_search(fx->lib, &q, 1, &o, &r, &fx->err));
    int64_t id = 0;
    if (eye_results_count(r)) {
        id = eye_results_at(r, 0)->id;
        if (score)
            *score = eye_results_at(r, 0)->score;
    }
    eye_results_free(r);
    return id;
}

#endif
