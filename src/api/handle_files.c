/* handle_files.c - a picture's thumbnail and its own file, and several files as a zip.
 *
 * Files are what strangers made, so a browser gets them in a way that can't become a page: a type from the file's own
 * first bytes and from a short list, no sniffing, and a policy that lets nothing run. */
#include "api/internal.h"

#include <unistd.h>

static const char *type_of(const char *format)
{
    static const char *const types[][2] = {
        {"jpeg", "image/jpeg"}, {"png", "image/png"},   {"webp", "image/webp"},
        {"gif", "image/gif"},   {"tiff", "image/tiff"}, {"bmp", "image/bmp"},
        {"heic", "image/heic"}, {"avif", "image/avif"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(format, types[i][0]) == 0)
            return types[i][1];
    return NULL;
}

static void reply_file(struct http_request *rq, const eye_file *f)
{
    http_set(rq, "X-Content-Type-Options", "nosniff");
    http_set(rq, "Content-Security-Policy", "sandbox; default-src 'none'");
    http_set(rq, "Cross-Origin-Resource-Policy", "same-origin");
    http_reply_file(rq, f->fd, f->size, type_of(f->format), f->etag, f->mtime);
}

/* ---- thumbnail ---- */

struct thumbnail {
    int64_t size;
    const char *v;
};

static const struct api_field thumbnail_fields[] = {
    {"size", API_INT, offsetof(struct thumbnail, size), 1, 2048, NULL},
    {"v", API_TEXT, offsetof(struct thumbnail, v), 1, 64, NULL},
};

void handle_thumbnail(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    struct thumbnail t = {256, NULL};
    eye_file f;
    int64_t id = 0;
    int rc = api_path_id(rq, &id, &err);
    rc = rc ? rc : api_query(rq, thumbnail_fields, 2, &t, &err);
    if (rc == 0 && t.v && t.v[strspn(t.v, "0123456789abcdef")])
        rc = eye_fail(&err, EYE_EINVAL, "parameter 'v' must be the beginning of the hash");
    rc = rc ? rc : eye_thumbnail(s->lib, id, (int)t.size, &f, &err);
    if (rc) {
        api_problem_err(rq, &err);
        return;
    }
    http_set(rq, "Cache-Control",
             t.v ? "private, max-age=31536000, immutable" : "private, no-cache");
    reply_file(rq, &f);
}

/* ---- original ---- */

static int set_disposition(struct http_request *rq, const eye_file *f, bool download,
                           struct eye_err *err)
{
    struct buf value;
    buf_init(&value, 4096);
    int rc = api_disposition(&value, download, f->name, err);
    if (rc == 0)
        http_set(rq, "Content-Disposition", value.data);
    buf_release(&value);
    return rc;
}

void handle_original(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {{"download", API_FLAG, 0, 0, 0, NULL}};
    struct api_server *s = ctx;
    struct eye_err err;
    eye_file f = {.fd = -1};
    char download = 'n';
    int64_t id = 0;
    int rc = api_path_id(rq, &id, &err);
    rc = rc ? rc : api_query(rq, fields, 1, &download, &err);
    rc = rc ? rc : eye_picture_open(s->lib, id, &f, &err);
    if (rc == 0 && !type_of(f.format))
        rc = eye_fail(&err, EYE_ENOTFOUND, "the file of picture %lld is no picture any more",
                      (long long)id);
    rc = rc ? rc : set_disposition(rq, &f, download == 'y', &err);
    if (rc) {
        if (f.fd >= 0)
            close(f.fd);
        api_problem_err(rq, &err);
        return;
    }
    http_set(rq, "Cache-Control", "private, no-cache");
    reply_file(rq, &f);
}

/* ---- zip ---- */

struct ids {
    int64_t *at;
    size_t n;
};

static int add_id(struct ids *ids, double v, struct eye_err *err)
{
    if (!(v >= 1 && v <= (double)API_ID_MAX) || v != (double)(int64_t)v)
        return eye_fail(err, EYE_EINVAL, "'ids' must be ids of pictures");
    if (ids->n == API_ZIP_IDS_MAX)
        return eye_fail(err, EYE_EINVAL, "a zip has at most %d pictures", API_ZIP_IDS_MAX);
    ids->at[ids->n++] = (int64_t)v;
    return 0;
}

static int ids_of_json(const struct json *body, struct ids *ids, struct eye_err *err)
{
    static const struct api_field fields[] = {{"ids", API_LEFT, 0, 0, 0, NULL}};
    int rc = api_members(body, "the body", fields, 1, ids, NULL, err);
    const struct json *list = json_get(body, "ids");
    if (rc == 0 && !json_is_array(list))
        rc = eye_fail(err, EYE_EINVAL, "'ids' must be an array of ids");
    for (size_t i = 0; rc == 0 && i < json_size(list); i++) {
        const struct json *v = json_at(list, i);
        rc = add_id(ids, json_is_number(v) ? json_num(v, 0) : 0, err);
    }
    return rc;
}

/* "ids=1%2C2" or "ids=1,2": a form can't say more. */
static int ids_of_form(const char *text, size_t len, struct ids *ids, struct eye_err *err)
{
    const char *end = text + len;
    int rc = 0;
    if (len < 4 || memcmp(text, "ids=", 4) != 0)
        return eye_fail(err, EYE_EINVAL, "the form must have one field, 'ids'");
    for (text += 4; rc == 0; text++) {
        double v = 0;
        int digits = 0;
        for (; text < end && *text >= '0' && *text <= '9' && digits < 16; text++, digits++)
            v = v * 10 + (*text - '0');
        if (digits == 0)
            return eye_fail(err, EYE_EINVAL, "'ids' must be numbers with commas between them");
        rc = add_id(ids, v, err);
        if (text == end)
            return rc;
        if (end - text >= 3 && (memcmp(text, "%2C", 3) == 0 || memcmp(text, "%2c", 3) == 0))
            text += 2;
        else if (*text != ',')
            return eye_fail(err, EYE_EINVAL, "'ids' must be numbers with commas between them");
    }
    return rc;
}

static void zip_by_form(struct api_server *s, struct http_request *rq, struct ids *ids)
{
    struct eye_err err;
    size_t len = 0;
    const char *text = http_body(rq, &len);
    if (!api_no_query(rq))
        return;
    if (ids_of_form(text, len, ids, &err) != 0) {
        api_problem_err(rq, &err);
        return;
    }
    api_zips_begin(s, rq, ids->at, ids->n);
    ids->at = NULL;
}

static void zip_by_json(struct api_server *s, struct http_request *rq, struct ids *ids)
{
    struct eye_err err;
    struct json *body = api_body(rq);
    if (!body)
        return;
    int rc = ids_of_json(body, ids, &err);
    if (rc == 0 && ids->n == 0)
        rc = eye_fail(&err, EYE_EINVAL, "'ids' must name a picture");
    json_free(body);
    if (rc) {
        api_problem_err(rq, &err);
        return;
    }
    api_zips_begin(s, rq, ids->at, ids->n);
    ids->at = NULL;
}

void handle_zip(struct http_request *rq, void *ctx)
{
    struct eye_err err;
    struct ids ids = {mem_calloc(API_ZIP_IDS_MAX, sizeof *ids.at, &err), 0};
    if (!ids.at)
        api_problem_err(rq, &err);
    else if (api_type_is(http_header(rq, "Content-Type"), "application/x-www-form-urlencoded"))
        zip_by_form(ctx, rq, &ids);
    else
        zip_by_json(ctx, rq, &ids);
    free(ids.at);
}
