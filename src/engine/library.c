/* library.c - what a library holds: counts, roots, the ledger of failures. */
#include "engine/index.h"
#include "engine/originals.h"

/* ---- status ---- */

/* A string that lives as long as the library: each distinct one is kept once. */
static const char *lend(eye_lib *lib, const char *text)
{
    const char *found = NULL;
    pthread_mutex_lock(&lib->lock);
    for (size_t i = 0; !found && i < lib->nlent; i++) {
        if (!strcmp(lib->lent[i], text)) {
            found = lib->lent[i];
        }
    }
    char *copy = found ? NULL : mem_strdup(text, NULL);
    char **v = copy ? mem_realloc(lib->lent, lib->nlent + 1, sizeof *v, NULL) : NULL;
    if (v) {
        lib->lent = v;
        found = v[lib->nlent++] = copy;
    } else {
        free(copy);
    }
    pthread_mutex_unlock(&lib->lock);
    return found;
}

/* The model may be missing or broken: that must not keep anyone from seeing the rest. */
static int64_t status_model(eye_lib *lib, struct store *s, eye_status *out)
{
    struct eye_err why = {0};
    int64_t id = 0;
    struct eng_model *m = eng_model_get(lib, s, &why);
    if (m) {
        out->model = lend(lib, m->spec);
        out->dim = clip_info(m->clip)->dim;
        eng_model_id(m, s, false, &id, &why);
        eng_model_put(lib, m);
        return id;
    }
    eng_log(lib, EYE_LOG_WARN, "%s", why.msg);
    char *spec = eng_model_spec(lib, s, NULL);
    out->model = spec ? lend(lib, spec) : NULL;
    free(spec);
    return 0;
}

static int count_segments(struct store *s, int64_t model, eye_status *out, struct eye_err *err)
{
    struct store_segment *rows = NULL;
    size_t n = 0;
    int rc = model ? store_segments(s, model, &rows, &n, err) : 0;
    for (size_t i = 0; i < n; i++) {
        out->index_rows += rows[i].rows;
        out->index_bytes += rows[i].bytes;
    }
    out->index_segments = n;
    free(rows);
    return rc;
}

int eye_status_get(eye_lib *lib, eye_status *out, struct eye_err *err)
{
    struct store_stats stats = {0};
    struct store_root *roots = NULL;
    size_t n = 0;
    memset(out, 0, sizeof *out);
    struct store *s = eng_store_get(lib, err);
    if (!s) {
        return EYE_EIO;
    }
    int64_t model = status_model(lib, s, out);
    int rc = store_stats(s, model, &stats, err);
    rc = rc < 0 || lib->remote ? rc : count_segments(s, model, out, err);
    rc = rc < 0 ? rc : store_roots(s, &roots, &n, err);
    eng_store_put(lib, s);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        out->roots_offline += eng_root_is_offline(lib, &roots[i]);
    }
    store_roots_free(roots, n);
    out->pictures = stats.pictures;
    out->files = stats.files;
    out->failures = stats.failures;
    out->embedded = stats.embedded;
    out->bytes = stats.bytes;
    out->roots = n;
    out->library = lib->dir;
    return 0;
}

/* ---- roots and failures ---- */

int eye_roots(eye_lib *lib, int (*fn)(void *ctx, const eye_root *root), void *ctx,
              struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_roots(s, &roots, &n, err) : EYE_EIO;
    eng_store_put(lib, s);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        eye_root r = {.id = roots[i].id,
                      .path = roots[i].path,
                      .offline = eng_root_is_offline(lib, &roots[i]),
                      .uploads = roots[i].uploads,
                      .files = roots[i].files,
                      .failures = roots[i].failures,
                      .last_scan = roots[i].last_scan ? roots[i].last_scan : EYE_TIME_UNKNOWN};
        rc = fn(ctx, &r);
    }
    store_roots_free(roots, n);
    return rc;
}

struct failures {
    const char *root;
    int (*fn)(void *ctx, const eye_failure *f);
    void *ctx;
};

static int one_failure(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct failures *fs = ctx;
    (void)f;
    if (!failure) {
        return 0;
    }
    char *path = eng_path_join(fs->root, failure->rel, NULL);
    if (!path) {
        return EYE_ENOMEM;
    }
    eye_failure out = {path, failure->reason, eye_err_name(failure->code), failure->at,
                       failure->attempts};
    int rc = fs->fn(fs->ctx, &out);
    free(path);
    return rc;
}

int eye_failures(eye_lib *lib, int (*fn)(void *ctx, const eye_failure *f), void *ctx,
                 struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_roots(s, &roots, &n, err) : EYE_EIO;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct failures fs = {roots[i].path, fn, ctx};
        if (roots[i].failures) {
            rc = store_each_file(s, roots[i].id, "", one_failure, &fs, err);
        }
    }
    store_roots_free(roots, n);
    eng_store_put(lib, s);
    return rc;
}
