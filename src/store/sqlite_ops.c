/* sqlite_ops.c - the catalogue part in SQLite as a table, and what SQLite does of those functions that only a server needs. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

/* The embedded store's vectors are searched by vector/, which the engine holds. */
static int search(struct store *s, int64_t model, const struct store_where *where, bool exact,
                  struct vector_ask *asks, size_t n, struct eye_err *err)
{
    (void)model, (void)where, (void)exact, (void)asks, (void)n;
    return eye_fail(err, EYE_EINVAL, "%s: an embedded library is searched by its index", s->path);
}

static int where_count(struct store *s, const struct store_where *where, uint64_t *n,
                       struct eye_err *err)
{
    int64_t generation, *ids = NULL;
    size_t len = 0;
    if (!where)
        return sqlite_count(s, n, err);
    int rc = sqlite_where(s, where, &generation, &ids, &len, err);
    *n = rc ? 0 : len;
    free(ids);
    return rc;
}

/* Ids were given in order of time. */
static int newest_ids(struct store *s, const struct store_where *where, int64_t before,
                      int64_t *ids, size_t max, size_t *n, struct eye_err *err)
{
    int64_t generation, *all = NULL;
    size_t len = 0;
    if (!where)
        return sqlite_newest(s, before, ids, max, n, err);
    int rc = sqlite_where(s, where, &generation, &all, &len, err);
    while (!rc && len && *n < max)
        if (all[--len] < before)
            ids[(*n)++] = all[len];
    free(all);
    return rc;
}

static int newest_where(struct store *s, const struct store_where *where, int64_t before_at,
                        int64_t before_id, int64_t *ids, int64_t *ats, size_t max, size_t *n,
                        struct eye_err *err)
{
    (void)before_at;
    *n = 0;
    int rc = newest_ids(s, where, before_id, ids, max, n, err);
    for (size_t i = 0; i < *n && !rc; i++) {
        struct store_picture p = {.added_at = 0};
        rc = sqlite_picture_get(s, ids[i], &p, err);
        rc = rc == EYE_ENOTFOUND ? 0 : rc; /* removed just now */
        ats[i] = p.added_at;
    }
    return rc;
}

const struct store_ops sqlite_ops = {
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .model = sqlite_model,
    .roots = sqlite_roots,
    .roots_brief = sqlite_roots_brief,
    .root_add = sqlite_root_add,
    .root_add_files = sqlite_root_add_files,
    .root_uploads = sqlite_root_uploads,
    .root_state = sqlite_root_state,
    .root_remove = sqlite_root_remove,
    .mounts = sqlite_mounts,
    .mount_set = sqlite_mount_set,
    .each_file = sqlite_each_file,
    .picture_by_hash = sqlite_picture_by_hash,
    .picture_get = sqlite_picture_get,
    .picture_paths = sqlite_picture_paths,
    .picture_at = sqlite_picture_at,
    .put = sqlite_put,
    .file_set = sqlite_file_set,
    .file_touch = sqlite_file_touch,
    .file_remove = sqlite_file_remove,
    .failure_set = sqlite_failure_set,
    .unembedded = sqlite_unembedded,
    .has_vector = sqlite_has_vector,
    .vector_put = sqlite_vector_put,
    .look_set = sqlite_look_set,
    .unseen = sqlite_unseen,
    .unseen_count = sqlite_unseen_count,
    .mosaic = sqlite_mosaic,
    .looks = sqlite_looks,
    .copied = sqlite_copied,
    .file_of = sqlite_file_of,
    .where = sqlite_where,
    .generation = sqlite_generation,
    .count = sqlite_count,
    .newest = sqlite_newest,
    .places = sqlite_places,
    .load_vectors = sqlite_load_vectors,
    .vector_rows = sqlite_vector_rows,
    .vectors_after = sqlite_vectors_after,
    .vector_ids = sqlite_vector_ids,
    .stats = sqlite_stats,
    .pictures_after = sqlite_pictures_after,
    .record_get = sqlite_record_get,
    .file_known = sqlite_file_known,
    .verify = sqlite_verify,
    .search = search,
    .where_count = where_count,
    .newest_where = newest_where,
};
