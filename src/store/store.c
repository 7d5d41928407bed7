/* store.c - the public functions of the catalogue part, which go to its implementation (ops.h), and what is the same for all of them.
 *
 * A call through the table costs some nanoseconds beside a statement of microseconds. Two builds of the folder, one for each kind of store, were the
 * alternative: a program that exports from one kind to the other needs both at once. */
#include <stdlib.h>

#include "store/originals.h"
#include "store/sqlite.h"

void *store_part(const struct store *s)
{
    return s->part;
}

int store_begin(struct store *s, struct eye_err *err)
{
    return s->ops->begin(s, err);
}

int store_commit(struct store *s, struct eye_err *err)
{
    return s->ops->commit(s, err);
}

void store_rollback(struct store *s)
{
    s->ops->rollback(s);
}

int store_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                bool create, int64_t *model, struct eye_err *err)
{
    return s->ops->model(s, fingerprint, name, dim, create, model, err);
}

static int show_roots(const struct store *s, struct store_root **roots, size_t *n,
                      struct eye_err *err)
{
    int rc = store_roots_show(s, *roots, *n, err);
    if (rc) {
        store_roots_free(*roots, *n);
        *roots = NULL;
        *n = 0;
    }
    return rc;
}

int store_roots(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err)
{
    int rc = s->ops->roots(s, roots, n, err);
    return rc ? rc : show_roots(s, roots, n, err);
}

int store_roots_brief(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err)
{
    int rc = s->ops->roots_brief(s, roots, n, err);
    return rc ? rc : show_roots(s, roots, n, err);
}

static int add_root(struct store *s,
                    int (*add)(struct store *s, const char *path, int64_t *root,
                               struct eye_err *err),
                    const char *path, int64_t *root, struct eye_err *err)
{
    char *kept = store_root_kept(s, path, err);
    int rc = kept ? add(s, kept, root, err) : EYE_ENOMEM;
    free(kept);
    return rc;
}

int store_root_add(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return add_root(s, s->ops->root_add, path, root, err);
}

int store_root_add_files(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return add_root(s, s->ops->root_add_files, path, root, err);
}

int store_root_uploads(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return s->ops->root_uploads(s, path, root, err);
}

int store_root_state(struct store *s, int64_t root, bool offline, int64_t last_scan,
                     struct eye_err *err)
{
    return s->ops->root_state(s, root, offline, last_scan, err);
}

int store_root_remove(struct store *s, int64_t root, struct eye_err *err)
{
    return s->ops->root_remove(s, root, err);
}

int store_mounts(struct store *s, int64_t root, char ***rels, size_t *n, struct eye_err *err)
{
    return s->ops->mounts(s, root, rels, n, err);
}

int store_mount_set(struct store *s, int64_t root, const char *rel, bool mounted,
                    struct eye_err *err)
{
    return s->ops->mount_set(s, root, rel, mounted, err);
}

int store_each_file(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                    struct eye_err *err)
{
    return s->ops->each_file(s, root, under, fn, ctx, err);
}

int store_picture_by_hash(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                          bool *has_vector, struct eye_err *err)
{
    return s->ops->picture_by_hash(s, hash, model, id, has_vector, err);
}

int store_picture_get(struct store *s, int64_t id, struct store_picture *out, struct eye_err *err)
{
    return s->ops->picture_get(s, id, out, err);
}

int store_picture_paths(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                        struct eye_err *err)
{
    int rc = s->ops->picture_paths(s, id, paths, n, online, err);
    if (!rc && (rc = store_paths_show(s, *paths, *n, err)) != 0) {
        store_strings_free(*paths, *n);
        *paths = NULL;
        *n = 0;
    }
    return rc;
}

int store_picture_at(struct store *s, int64_t root, const char *rel, int64_t *id,
                     struct eye_err *err)
{
    return s->ops->picture_at(s, root, rel, id, err);
}

int store_put(struct store *s, const struct store_picture *p, int64_t model, const uint16_t *vector,
              int dim, int64_t *id, struct eye_err *err)
{
    return s->ops->put(s, p, model, vector, dim, id, err);
}

int store_file_set(struct store *s, const struct store_file *f, struct eye_err *err)
{
    return s->ops->file_set(s, f, err);
}

int store_file_touch(struct store *s, const struct store_file *f, struct eye_err *err)
{
    return s->ops->file_touch(s, f, err);
}

int store_file_remove(struct store *s, int64_t root, const char *rel, struct eye_err *err)
{
    return s->ops->file_remove(s, root, rel, err);
}

int store_failure_set(struct store *s, const struct store_failure *f, struct eye_err *err)
{
    return s->ops->failure_set(s, f, err);
}

int store_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                     size_t *n, struct eye_err *err)
{
    return s->ops->unembedded(s, model, after, ids, max, n, err);
}

int store_has_vector(struct store *s, int64_t picture, int64_t model, bool *has,
                     struct eye_err *err)
{
    return s->ops->has_vector(s, picture, model, has, err);
}

int store_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                     int dim, struct eye_err *err)
{
    return s->ops->vector_put(s, picture, model, vector, dim, err);
}

int store_look_set(struct store *s, int64_t picture, uint64_t phash,
                   const uint8_t mosaic[STORE_MOSAIC], struct eye_err *err)
{
    return s->ops->look_set(s, picture, phash, mosaic, err);
}

int store_unseen(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                 struct eye_err *err)
{
    return s->ops->unseen(s, after, ids, max, n, err);
}

int store_unseen_count(struct store *s, uint64_t *count, struct eye_err *err)
{
    return s->ops->unseen_count(s, count, err);
}

int store_mosaic(struct store *s, int64_t picture, uint8_t mosaic[STORE_MOSAIC],
                 struct eye_err *err)
{
    return s->ops->mosaic(s, picture, mosaic, err);
}

int store_looks(struct store *s, struct store_look **looks, size_t *n, struct eye_err *err)
{
    return s->ops->looks(s, looks, n, err);
}

int store_copied(struct store *s, int64_t **ids, size_t *n, struct eye_err *err)
{
    return s->ops->copied(s, ids, n, err);
}

int store_file_of(struct store *s, int64_t picture, int64_t root, const char *not_rel, char **rel,
                  struct eye_err *err)
{
    return s->ops->file_of(s, picture, root, not_rel, rel, err);
}

int store_where(struct store *s, const struct store_where *w, int64_t *generation, int64_t **ids,
                size_t *n, struct eye_err *err)
{
    return s->ops->where(s, w, generation, ids, n, err);
}

int store_generation(struct store *s, int64_t *generation, struct eye_err *err)
{
    return s->ops->generation(s, generation, err);
}

int store_count(struct store *s, uint64_t *n, struct eye_err *err)
{
    return s->ops->count(s, n, err);
}

int store_newest(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                 struct eye_err *err)
{
    return s->ops->newest(s, before, ids, max, n, err);
}

int store_places(struct store *s, int64_t id, struct store_place **places, size_t *n,
                 struct eye_err *err)
{
    int rc = s->ops->places(s, id, places, n, err);
    if (!rc && (rc = store_places_show(s, *places, *n, err)) != 0) {
        store_places_free(*places, *n);
        *places = NULL;
        *n = 0;
    }
    return rc;
}

struct vector_set *store_load_vectors(struct store *s, int64_t model, int dim, struct eye_err *err)
{
    return s->ops->load_vectors(s, model, dim, err);
}

int store_vector_rows(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                      uint16_t *out, bool *there, struct eye_err *err)
{
    return s->ops->vector_rows(s, model, dim, ids, n, out, there, err);
}

int store_vectors_after(struct store *s, int64_t model, int dim, int64_t after, int64_t *ids,
                        uint16_t *rows, size_t max, size_t *n, struct eye_err *err)
{
    return s->ops->vectors_after(s, model, dim, after, ids, rows, max, n, err);
}

int store_vector_ids(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                     size_t *n, struct eye_err *err)
{
    return s->ops->vector_ids(s, model, after, ids, max, n, err);
}

int store_stats(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err)
{
    return s->ops->stats(s, model, out, err);
}

int store_pictures_after(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                         struct eye_err *err)
{
    return s->ops->pictures_after(s, after, ids, max, n, err);
}

int store_record_get(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                     struct store_record *out, struct eye_err *err)
{
    return s->ops->record_get(s, id, model, vector, dim, out, err);
}

int store_file_known(struct store *s, int64_t root, const char *rel, bool *known,
                     struct eye_err *err)
{
    return s->ops->file_known(s, root, rel, known, err);
}

int store_verify(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                 size_t *findings, struct eye_err *err)
{
    return s->ops->verify(s, report, ctx, findings, err);
}

int store_filter(struct store *s, const struct store_filter *f, int64_t **ids, size_t *n,
                 struct eye_err *err)
{
    const struct store_where w = {.kind = STORE_IS, .filter = f};
    int64_t generation;
    return s->ops->where(s, &w, &generation, ids, n, err);
}

int store_search(struct store *s, int64_t model, const struct store_where *where, bool exact,
                 struct vector_ask *asks, size_t n, struct eye_err *err)
{
    return s->ops->search(s, model, where, exact, asks, n, err);
}

int store_where_count(struct store *s, const struct store_where *where, uint64_t *n,
                      struct eye_err *err)
{
    return s->ops->where_count(s, where, n, err);
}

int store_newest_where(struct store *s, const struct store_where *where, int64_t before_at,
                       int64_t before_id, int64_t *ids, int64_t *ats, size_t max, size_t *n,
                       struct eye_err *err)
{
    return s->ops->newest_where(s, where, before_at, before_id, ids, ats, max, n, err);
}

int store_gather(struct store *s, const int64_t *ids, size_t n, bool vectors, struct eye_err *err)
{
    return s->ops->gather && n ? s->ops->gather(s, ids, n, vectors, err) : 0;
}

int store_gather_hashes(struct store *s, const struct hash *hashes, size_t n, struct eye_err *err)
{
    return s->ops->gather_hashes && n ? s->ops->gather_hashes(s, hashes, n, err) : 0;
}

int store_gather_files(struct store *s, const struct store_file *files, size_t n,
                       struct eye_err *err)
{
    return s->ops->gather_files && n ? s->ops->gather_files(s, files, n, err) : 0;
}

int store_settle(struct store *s, struct eye_err *err)
{
    return s->ops->settle ? s->ops->settle(s, err) : 0;
}

void store_shrink(struct store *s, size_t bytes)
{
    if (s->ops->forget)
        s->ops->forget(s);
    sqlite_shrink(s, bytes);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->ops)
        s->ops->rollback(s);
    if (s->ops && s->ops->close)
        s->ops->close(s);
    sqlite_close(s);
}

/* ---- what was handed out ---- */

void store_roots_free(struct store_root *roots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(roots[i].path);
    free(roots);
}

void store_strings_free(char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(strings[i]);
    free(strings);
}

void store_places_free(struct store_place *places, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(places[i].root);
        free(places[i].rel);
    }
    free(places);
}

void store_record_release(struct store_record *r)
{
    for (size_t i = 0; i < r->nfiles; i++)
        free(r->files[i].rel);
    free(r->files);
    r->files = NULL;
    r->nfiles = 0;
}
