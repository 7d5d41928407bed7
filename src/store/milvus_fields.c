/* milvus_fields.c - the columns of both collections, and rows of them from and to our structs.
 *
 * Text may hold any bytes with us and only UTF-8 with the server (milvus_text.h). What another program wrote into a collection must
 * not harm: lengths are cut, and what is no hash, no text or no look of ours is EYE_EFORMAT. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "store/match.h"
#include "store/milvus_store.h"
#include "store/milvus_text.h"

enum { TEXT_MAX = 1 << 17 };

void milvus_picture_fields(struct milvus_field *fields, int dim)
{
    static const struct milvus_field all[PIC_ALL] = {
        [PIC_ID] = {"id", MILVUS_INT, 0},
        [PIC_HASH] = {"hash", MILVUS_TEXT, 0},
        [PIC_SIZE] = {"size", MILVUS_INT, 0},
        [PIC_WIDTH] = {"width", MILVUS_INT, 0},
        [PIC_HEIGHT] = {"height", MILVUS_INT, 0},
        [PIC_PIXELS] = {"pixels", MILVUS_INT, 0},
        [PIC_SHAPE] = {"shape", MILVUS_INT, 0},
        [PIC_TAKEN] = {"taken_at", MILVUS_INT, 0},
        [PIC_ADDED] = {"added_at", MILVUS_INT, 0},
        [PIC_FORMAT] = {"format", MILVUS_TEXT, 0},
        [PIC_CAMERA] = {"camera", MILVUS_TEXT, 0},
        [PIC_CAMERA_KEY] = {"camera_key", MILVUS_TEXT, 0},
        [PIC_HAS_GPS] = {"has_gps", MILVUS_INT, 0},
        [PIC_LAT] = {"lat", MILVUS_REAL, 0},
        [PIC_LON] = {"lon", MILVUS_REAL, 0},
        [PIC_EMBEDDED] = {"embedded", MILVUS_INT, 0},
        [PIC_LOOKED] = {"looked", MILVUS_INT, 0},
        [PIC_PHASH] = {"phash", MILVUS_INT, 0},
        [PIC_MOSAIC] = {"mosaic", MILVUS_TEXT, 0},
        [PIC_VECTOR] = {"vector", MILVUS_VECTOR, 0},
    };
    memcpy(fields, all, sizeof all);
    fields[PIC_VECTOR].dim = dim;
}

const struct milvus_field milvus_file_fields[ROW_ALL] = {
    [ROW_ID] = {"id", MILVUS_TEXT, 0},
    [ROW_KIND] = {"kind", MILVUS_INT, 0},
    [ROW_ROOT] = {"root", MILVUS_INT, 0},
    [ROW_REL] = {"rel", MILVUS_TEXT, 0},
    [ROW_PICTURE] = {"picture", MILVUS_INT, 0},
    [ROW_SIZE] = {"size", MILVUS_INT, 0},
    [ROW_MTIME] = {"mtime_ns", MILVUS_INT, 0},
    [ROW_CODE] = {"code", MILVUS_INT, 0},
    [ROW_AT] = {"at", MILVUS_INT, 0},
    [ROW_ATTEMPTS] = {"attempts", MILVUS_INT, 0},
    [ROW_FLAGS] = {"flags", MILVUS_INT, 0},
    [ROW_REASON] = {"reason", MILVUS_TEXT, 0},
    [ROW_NAME_KEY] = {"name_key", MILVUS_TEXT, 0},
    [ROW_STUB] = {"stub", MILVUS_VECTOR, MILVUS_STUB_DIM},
};

/* ---- out ---- */

/* Bytes of a text of theirs, NUL-terminated, yours. */
static int text_get(const char *text, char **bytes, struct eye_err *err)
{
    struct buf out;
    buf_init(&out, TEXT_MAX);
    int rc = milvus_text_get(&out, text, err);
    *bytes = rc ? NULL : buf_detach(&out, NULL);
    buf_release(&out);
    return rc;
}

static int text_into(const char *text, char *out, size_t size, struct eye_err *err)
{
    char *bytes;
    int rc = text_get(text, &bytes, err);
    if (rc)
        return rc;
    size_t len = strlen(bytes);
    len = len < size ? len : size - 1;
    memcpy(out, bytes, len);
    out[len] = '\0';
    free(bytes);
    return 0;
}

static int read_mosaic(const char *text, struct store_picture *p, struct eye_err *err)
{
    struct buf bytes;
    buf_init(&bytes, STORE_MOSAIC);
    int rc = base64_decode(text, strlen(text), &bytes, err);
    if (!rc && bytes.len != STORE_MOSAIC)
        rc = eye_fail(err, EYE_EFORMAT, "picture %lld: its mosaic has %zu bytes", (long long)p->id,
                      bytes.len);
    if (!rc)
        memcpy(p->mosaic, bytes.data, STORE_MOSAIC);
    buf_release(&bytes);
    return rc;
}

static int copy_vector(const float *from, int dim, float **out, struct eye_err *err)
{
    *out = mem_calloc((size_t)dim, sizeof **out, err);
    if (!*out)
        return EYE_ENOMEM;
    memcpy(*out, from, (size_t)dim * sizeof **out);
    return 0;
}

int milvus_pic_read(const struct milvus_rows *rows, size_t i, int vector_dim,
                    struct milvus_pic *out, struct eye_err *err)
{
    struct store_picture *p = &out->p;
    *out = (struct milvus_pic){
        .embedded = milvus_rows_int(rows, PIC_EMBEDDED, i) != 0,
        .p = {.id = milvus_rows_int(rows, PIC_ID, i),
              .size = (uint64_t)milvus_rows_int(rows, PIC_SIZE, i),
              .width = (int)milvus_rows_int(rows, PIC_WIDTH, i),
              .height = (int)milvus_rows_int(rows, PIC_HEIGHT, i),
              .taken_at = milvus_rows_int(rows, PIC_TAKEN, i),
              .added_at = milvus_rows_int(rows, PIC_ADDED, i),
              .has_gps = milvus_rows_int(rows, PIC_HAS_GPS, i) != 0,
              .lat = milvus_rows_real(rows, PIC_LAT, i),
              .lon = milvus_rows_real(rows, PIC_LON, i),
              .looked_at = milvus_rows_int(rows, PIC_LOOKED, i) != 0,
              .phash = (uint64_t)milvus_rows_int(rows, PIC_PHASH, i)},
    };
    int rc = hash_from_hex(milvus_rows_text(rows, PIC_HASH, i), &p->hash, err);
    rc = rc ? rc
            : text_into(milvus_rows_text(rows, PIC_FORMAT, i), p->format, sizeof p->format, err);
    rc = rc ? rc
            : text_into(milvus_rows_text(rows, PIC_CAMERA, i), p->camera, sizeof p->camera, err);
    if (!rc && p->looked_at)
        rc = read_mosaic(milvus_rows_text(rows, PIC_MOSAIC, i), p, err);
    if (!rc && vector_dim)
        rc = copy_vector(milvus_rows_vector(rows, PIC_VECTOR, i), vector_dim, &out->vector, err);
    return rc;
}

void milvus_pic_release(struct milvus_pic *pic)
{
    free(pic->vector);
    pic->vector = NULL;
}

int milvus_row_read(const struct milvus_rows *rows, size_t i, struct milvus_row *out,
                    struct eye_err *err)
{
    const char *key = milvus_rows_text(rows, ROW_ID, i);
    *out = (struct milvus_row){.kind = (int)milvus_rows_int(rows, ROW_KIND, i),
                               .root = milvus_rows_int(rows, ROW_ROOT, i),
                               .picture = milvus_rows_int(rows, ROW_PICTURE, i),
                               .size = (uint64_t)milvus_rows_int(rows, ROW_SIZE, i),
                               .mtime_ns = milvus_rows_int(rows, ROW_MTIME, i),
                               .code = (int)milvus_rows_int(rows, ROW_CODE, i),
                               .at = milvus_rows_int(rows, ROW_AT, i),
                               .attempts = (int)milvus_rows_int(rows, ROW_ATTEMPTS, i),
                               .flags = (int)milvus_rows_int(rows, ROW_FLAGS, i)};
    if (strlen(key) != MILVUS_KEY)
        return eye_fail(err, EYE_EFORMAT, "a file's row has the key '%.40s'", key);
    memcpy(out->key, key, MILVUS_KEY + 1);
    int rc = text_get(milvus_rows_text(rows, ROW_REL, i), &out->rel, err);
    rc = rc ? rc : text_get(milvus_rows_text(rows, ROW_REASON, i), &out->reason, err);
    if (rc)
        milvus_row_release(out);
    return rc;
}

void milvus_row_release(struct milvus_row *row)
{
    free(row->rel);
    free(row->reason);
    row->rel = row->reason = NULL;
}

/* ---- in ---- */

static int put_text(struct milvus_columns *c, size_t col, const char *bytes, bool lower,
                    struct eye_err *err)
{
    size_t n = strlen(bytes);
    struct buf text, small;
    buf_init(&text, TEXT_MAX);
    buf_init(&small, TEXT_MAX);
    int rc = buf_append(&small, bytes, n, err);
    for (size_t i = 0; i < small.len && lower; i++)
        small.data[i] = match_lower(small.data[i]);
    rc = rc ? rc : milvus_text_put(&text, small.data, n, err);
    rc = rc ? rc : milvus_columns_text(c, col, text.data, err);
    buf_release(&text);
    buf_release(&small);
    return rc;
}

static int put_string(struct milvus_columns *c, size_t col, const char *s, struct eye_err *err)
{
    return put_text(c, col, s, false, err);
}

static int put_look(struct milvus_columns *c, const struct store_picture *p, struct eye_err *err)
{
    struct buf text;
    if (!p->looked_at)
        return 0;
    milvus_columns_int(c, PIC_LOOKED, 1);
    milvus_columns_int(c, PIC_PHASH, (int64_t)p->phash);
    buf_init(&text, 4 * STORE_MOSAIC);
    int rc = base64_encode(p->mosaic, STORE_MOSAIC, &text, err);
    rc = rc ? rc : milvus_columns_text(c, PIC_MOSAIC, text.data, err);
    buf_release(&text);
    return rc;
}

int milvus_pic_write(struct milvus_columns *c, const struct milvus_pic *pic, struct eye_err *err)
{
    const struct store_picture *p = &pic->p;
    char hex[HASH_HEX_LEN + 1];
    int rc = milvus_columns_add(c, err);
    if (rc)
        return rc;
    hash_to_hex(&p->hash, hex);
    milvus_columns_int(c, PIC_ID, p->id);
    milvus_columns_int(c, PIC_SIZE, (int64_t)p->size);
    milvus_columns_int(c, PIC_WIDTH, p->width);
    milvus_columns_int(c, PIC_HEIGHT, p->height);
    milvus_columns_int(c, PIC_PIXELS, (int64_t)p->width * p->height);
    milvus_columns_int(c, PIC_SHAPE, p->width > p->height ? 1 : p->width < p->height ? 2 : 3);
    milvus_columns_int(c, PIC_TAKEN, p->taken_at);
    milvus_columns_int(c, PIC_ADDED, p->added_at);
    milvus_columns_int(c, PIC_HAS_GPS, p->has_gps);
    milvus_columns_real(c, PIC_LAT, p->has_gps ? p->lat : 0);
    milvus_columns_real(c, PIC_LON, p->has_gps ? p->lon : 0);
    milvus_columns_int(c, PIC_EMBEDDED, pic->embedded);
    if (pic->vector && pic->embedded)
        milvus_columns_vector(c, PIC_VECTOR, pic->vector);
    rc = milvus_columns_text(c, PIC_HASH, hex, err);
    rc = rc ? rc : put_string(c, PIC_FORMAT, p->format, err);
    rc = rc ? rc : put_string(c, PIC_CAMERA, p->camera, err);
    rc = rc ? rc : put_text(c, PIC_CAMERA_KEY, p->camera, true, err);
    return rc ? rc : put_look(c, p, err);
}

/* A file's own name; of a file that is its root itself, the root's. */
static const char *own_name(const struct milvus_row *row, const char *root_path)
{
    const char *path = *row->rel ? row->rel : root_path;
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int milvus_row_write(struct milvus_columns *c, const struct milvus_row *row, const char *root_path,
                     struct eye_err *err)
{
    int rc = milvus_columns_add(c, err);
    if (rc)
        return rc;
    milvus_columns_int(c, ROW_KIND, row->kind);
    milvus_columns_int(c, ROW_ROOT, row->root);
    milvus_columns_int(c, ROW_PICTURE, row->picture);
    milvus_columns_int(c, ROW_SIZE, (int64_t)row->size);
    milvus_columns_int(c, ROW_MTIME, row->mtime_ns);
    milvus_columns_int(c, ROW_CODE, row->code);
    milvus_columns_int(c, ROW_AT, row->at);
    milvus_columns_int(c, ROW_ATTEMPTS, row->attempts);
    milvus_columns_int(c, ROW_FLAGS, row->flags);
    rc = milvus_columns_text(c, ROW_ID, row->key, err);
    rc = rc ? rc : put_string(c, ROW_REL, row->rel, err);
    rc = rc ? rc : put_string(c, ROW_REASON, row->reason ? row->reason : "", err);
    if (!rc && row->kind == KIND_FILE)
        rc = put_text(c, ROW_NAME_KEY, own_name(row, root_path), true, err);
    return rc;
}
