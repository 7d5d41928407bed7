/* sqlite_pictures.c - pictures by content, and where their files are. */
#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

int sqlite_picture_by_hash(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                           bool *has_vector, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT id, EXISTS(SELECT 1 FROM embedding WHERE id = (?1 << 40) | picture.id)"
               " FROM picture WHERE hash = ?2");
    query_int(&q, model);
    query_bytes(&q, hash->bytes, HASH_LEN);
    int rc = query_step(&q, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return eye_fail(err, EYE_ENOTFOUND, "the library has no picture with these bytes");
    *id = query_get_int(&q, 0);
    if (has_vector)
        *has_vector = query_get_int(&q, 1) != 0;
    query_done(&q);
    return 0;
}

static void copy_text(struct query *q, int col, char *out, size_t size)
{
    size_t len;
    const void *bytes = query_get_bytes(q, col, &len);
    len = len < size ? len : size - 1;
    memcpy(out, bytes, len);
    out[len] = '\0';
}

int sqlite_picture_get(struct store *s, int64_t id, struct store_picture *out, struct eye_err *err)
{
    struct query q;
    size_t len;
    query_open(&q, s,
               "SELECT hash, size, width, height, format, taken_at, camera, lat, lon, added_at"
               " FROM picture WHERE id = ?");
    query_int(&q, id);
    int rc = query_step(&q, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return eye_fail(err, EYE_ENOTFOUND, "the library has no picture %lld", (long long)id);
    *out =
        (struct store_picture){.id = id,
                               .size = (uint64_t)query_get_int(&q, 1),
                               .width = (int)query_get_int(&q, 2),
                               .height = (int)query_get_int(&q, 3),
                               .taken_at = query_is_null(&q, 5) ? INT64_MIN : query_get_int(&q, 5),
                               .has_gps = !query_is_null(&q, 7) && !query_is_null(&q, 8),
                               .lat = query_get_real(&q, 7),
                               .lon = query_get_real(&q, 8),
                               .added_at = query_get_int(&q, 9)};
    const void *hash = query_get_bytes(&q, 0, &len);
    memcpy(out->hash.bytes, hash, len < HASH_LEN ? len : HASH_LEN);
    copy_text(&q, 4, out->format, sizeof out->format);
    copy_text(&q, 6, out->camera, sizeof out->camera);
    query_done(&q);
    return 0;
}

/* ---- paths ---- */

struct place {
    char *path;
    bool offline;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->offline != y->offline ? (int)x->offline - (int)y->offline : strcmp(x->path, y->path);
}

/* root, rel and offline of the row as one absolute path. */
static int read_place(struct query *q, struct place *p, struct eye_err *err)
{
    size_t root_len, rel_len;
    struct buf path;
    buf_init(&path, SIZE_MAX / 2);
    const char *root = query_get_bytes(q, 0, &root_len);
    const char *rel = query_get_bytes(q, 1, &rel_len);
    p->offline = query_get_int(q, 2) != 0;
    int rc = buf_append(&path, root, root_len, err);
    if (!rc && rel_len && root_len > 1)
        rc = buf_putc(&path, '/', err);
    if (!rc)
        rc = buf_append(&path, rel, rel_len, err);
    p->path = rc ? NULL : buf_detach(&path, NULL);
    buf_release(&path);
    return rc;
}

static int read_places(struct store *s, int64_t id, struct place **places, size_t *n,
                       struct eye_err *err)
{
    struct query q;
    size_t cap = 0;
    int rc;
    query_open(&q, s,
               "SELECT root.path, file.rel, root.offline FROM file JOIN root ON root.id = file.root"
               " WHERE file.picture = ?");
    query_int(&q, id);
    while ((rc = query_step(&q, err)) == 1) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 4;
            struct place *more = mem_realloc(*places, cap, sizeof *more, err);
            if (!more) {
                rc = EYE_ENOMEM;
                break;
            }
            *places = more;
        }
        rc = read_place(&q, &(*places)[*n], err);
        if (rc)
            break;
        ++*n;
    }
    query_done(&q);
    return rc;
}

int sqlite_picture_paths(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                         struct eye_err *err)
{
    struct place *places = NULL;
    size_t len = 0, on = 0;
    char **list = NULL;
    int rc = read_places(s, id, &places, &len, err);
    if (!rc && !(list = mem_calloc(len + 1, sizeof *list, err)))
        rc = EYE_ENOMEM;
    if (!rc && len)
        qsort(places, len, sizeof *places, compare_places);
    for (size_t i = 0; i < len; i++) {
        if (rc) {
            free(places[i].path);
        } else {
            list[i] = places[i].path;
            on += !places[i].offline;
        }
    }
    free(places);
    if (rc)
        return rc;
    *paths = list;
    *n = len;
    if (online)
        *online = on;
    return 0;
}

/* ---- writing ---- */

static int insert_picture(struct store *s, const struct store_picture *p, int64_t *id,
                          struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "INSERT INTO picture(hash, size, width, height, format, taken_at, camera, lat, lon,"
               " added_at, phash, mosaic) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_bytes(&q, p->hash.bytes, HASH_LEN);
    query_int(&q, (int64_t)p->size);
    query_int(&q, p->width);
    query_int(&q, p->height);
    query_text(&q, p->format);
    if (p->taken_at == INT64_MIN)
        query_null(&q);
    else
        query_int(&q, p->taken_at);
    query_text(&q, p->camera[0] ? p->camera : NULL);
    if (p->has_gps) {
        query_real(&q, p->lat);
        query_real(&q, p->lon);
    } else {
        query_null(&q);
        query_null(&q);
    }
    query_int(&q, p->added_at);
    if (p->looked_at) {
        query_int(&q, (int64_t)p->phash);
        query_bytes(&q, p->mosaic, STORE_MOSAIC);
    } else {
        query_null(&q);
        query_null(&q);
    }
    int rc = query_run(&q, err);
    if (!rc)
        *id = store_last_id(s);
    return rc;
}

static int put_picture(struct store *s, const struct store_picture *p, int64_t *id,
                       struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "SELECT id FROM picture WHERE hash = ?");
    query_bytes(&q, p->hash.bytes, HASH_LEN);
    int rc = query_one_int(&q, id, err);
    if (rc == EYE_ENOTFOUND)
        return insert_picture(s, p, id, err);
    return rc || !p->looked_at ? rc : sqlite_look_set(s, *id, p->phash, p->mosaic, err);
}

int sqlite_put(struct store *s, const struct store_picture *p, int64_t model,
               const uint16_t *vector, int dim, int64_t *id, struct eye_err *err)
{
    bool own;
    /* A bad vector must not leave a picture behind. */
    int rc = vector ? store_vector_check(s, model, vector, dim, err) : 0;
    if (!rc && p->size > INT64_MAX)
        rc = eye_fail(err, EYE_EINVAL, "a picture of %llu bytes", (unsigned long long)p->size);
    if (!rc)
        rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    rc = put_picture(s, p, id, err);
    if (!rc && vector)
        rc = sqlite_vector_put(s, *id, model, vector, dim, err);
    return store_write_end(s, own, rc, err);
}
