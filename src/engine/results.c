/* results.c - what is told of each picture that was found, and how much its score says.
 *
 * Only what is shown is read from the store, page by page: one row and its paths for each result, from a server all of them at once. */
#include <math.h>

#include "engine/originals.h"
#include "engine/search.h"

size_t eye_results_count(const eye_results *results)
{
    return results->n;
}

const eye_result *eye_results_at(const eye_results *results, size_t i)
{
    return i < results->n ? &results->v[i] : NULL;
}

const char *eye_results_next(const eye_results *results)
{
    return results->next;
}

uint64_t eye_results_total(const eye_results *results)
{
    return results->total;
}

void eye_results_free(eye_results *results)
{
    if (!results) {
        return;
    }
    for (size_t i = 0; i < results->n; i++) { /* filled here, const only to the caller */
        free((char *)(uintptr_t)results->v[i].path);
        free((char *)(uintptr_t)results->v[i].format);
        free((char *)(uintptr_t)results->v[i].hash);
    }
    free(results->v);
    free(results->next);
    free(results);
}

static eye_result *new_result(eye_results *r, struct eye_err *err)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 32;
        eye_result *v = mem_realloc(r->v, cap, sizeof *v, err);
        if (!v) {
            return NULL;
        }
        r->v = v;
        r->cap = cap;
    }
    memset(&r->v[r->n], 0, sizeof *r->v);
    return &r->v[r->n++];
}

/* The first path that is there just now; online roots come first. */
static const char *choose_path(char *const *paths, size_t n, size_t online, bool *there)
{
    for (size_t i = 0; i < n; i++) {
        if (eng_path_there(paths[i], i < online)) {
            *there = true;
            return paths[i];
        }
    }
    *there = false;
    return n ? paths[0] : "";
}

static float similarity(const struct clip_calibration *cal, float score)
{
    return 1.0f / (1.0f + expf(-(score - cal->midpoint) / cal->scale));
}

static void judge(eye_result *e, const struct eng_hit *hit)
{
    e->query = hit->query;
    e->score = hit->hit.score > 1 ? 1 : hit->hit.score < -1 ? -1 : hit->hit.score;
    if (hit->cal) {
        e->similarity = similarity(hit->cal, e->score);
        e->relevant = e->score >= hit->cal->floor;
    }
}

static int fill(eye_result *e, const struct store_picture *pic, char *const *paths, size_t n,
                size_t online, struct eye_err *err)
{
    char hex[HASH_HEX_LEN + 1];
    bool there;
    hash_to_hex(&pic->hash, hex);
    e->path = mem_strdup(choose_path(paths, n, online, &there), err);
    e->format = mem_strdup(pic->format, err);
    e->hash = mem_strdup(hex, err);
    e->offline = !there;
    e->paths = n;
    e->id = pic->id;
    e->size = pic->size;
    e->width = pic->width;
    e->height = pic->height;
    e->taken_at = pic->taken_at;
    e->added_at = pic->added_at;
    return e->path && e->format && e->hash ? 0 : EYE_ENOMEM;
}

int eng_results_gather(struct store *s, const struct vector_hit *hits, size_t n,
                       struct eye_err *err)
{
    if (!store_is_remote(s) || n == 0) {
        return 0;
    }
    int64_t *ids = mem_calloc(n, sizeof *ids, err);
    for (size_t i = 0; ids && i < n; i++) {
        ids[i] = hits[i].id;
    }
    int rc = ids ? store_gather(s, ids, n, false, err) : EYE_ENOMEM;
    free(ids);
    return rc;
}

int eng_results_add(eye_results *r, struct store *s, const struct eng_hit *hit, struct eye_err *err)
{
    struct store_picture pic;
    struct eye_err gone = {0};
    char **paths = NULL;
    size_t n = 0, online = 0;
    int rc = store_picture_get(s, hit->hit.id, &pic, &gone);
    if (rc == EYE_ENOTFOUND) { /* removed since the vectors were read */
        return 0;
    }
    if (rc < 0) {
        return eye_fail(err, rc, "%s", gone.msg);
    }
    rc = store_picture_paths(s, hit->hit.id, &paths, &n, &online, err);
    if (rc == 0 && n > 0) { /* else its last file went away meanwhile */
        eye_result *e = new_result(r, err);
        rc = EYE_ENOMEM;
        if (e) {
            judge(e, hit);
            rc = fill(e, &pic, paths, n, online, err);
        }
        rc = rc < 0 ? rc : 1;
    }
    store_strings_free(paths, n);
    return rc;
}
