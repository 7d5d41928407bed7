/* export_read.c - the lines of an export, which may come from anywhere: each is checked by itself before anything of it is used.
 *
 * Members that are not known are passed over, so that a later program may add some. What is there must be right: a date that is no number is
 * not "no date". */
#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "base/base64.h"
#include "base/json.h"
#include "engine/export.h"
#include "object/object.h"

enum { REL_MAX = 1 << 16 };

static int bad(struct eye_err *err, const char *what)
{
    return eye_fail(err, EYE_EFORMAT, "%s", what);
}

/* ---- paths ---- */

/* A path in one piece: no empty part, no "." and no "..". `from`: after what it may begin with. */
static bool plain(const char *from)
{
    for (const char *at = from;; at++) {
        size_t len = strcspn(at, "/");
        if (len == 0 || (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.')))) {
            return false;
        }
        at += len;
        if (!*at) {
            return true;
        }
    }
}

/* Member "path", or the true bytes beside it. Yours; NULL: err says why. */
static char *read_path(const struct json *v, struct eye_err *err)
{
    const char *text = json_get_str(v, "path", NULL), *coded = json_get_str(v, "path_base64", NULL);
    struct buf b;
    if (!coded) {
        if (!text || strlen(text) >= REL_MAX) {
            bad(err, text ? "a path is too long" : "a path is missing");
            return NULL;
        }
        return mem_strdup(text, err);
    }
    buf_init(&b, REL_MAX);
    int rc = base64_decode(coded, strlen(coded), &b, err);
    if (rc == 0 && (!b.data || strlen(b.data) != b.len)) {
        rc = bad(err, "path_base64 is no path");
    }
    if (rc) {
        buf_release(&b);
        if (err) {
            err->code = EYE_EFORMAT;
        }
        return NULL;
    }
    return buf_detach(&b, NULL);
}

/* ---- the head ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const struct export_root *)a)->id, y = ((const struct export_root *)b)->id;
    return (x > y) - (x < y);
}

static int read_root(const struct json *v, struct export_root *root, struct eye_err *err)
{
    const char *name = json_get_str(v, "name", NULL);
    root->id = json_get_int(v, "id", 0);
    root->files_only = json_get_bool(v, "files_only", false);
    root->path = read_path(v, err);
    if (!root->path) {
        return eng_code(err);
    }
    if (root->id < 1 || !name || !name[0]) {
        return bad(err, "a root has no id or no name");
    }
    bool object = object_is_url(root->path);
    if (object ? !plain(root->path + 5)
               : root->path[0] != '/' || (root->path[1] && !plain(root->path + 1))) {
        return bad(err, "a root's path is not absolute, or has \".\" or \"..\" in it");
    }
    root->name = mem_strdup(name, err);
    return root->name ? 0 : EYE_ENOMEM;
}

static int read_roots(const struct json *v, struct export_head *head, struct eye_err *err)
{
    const struct json *roots = json_get(v, "roots");
    size_t n = json_size(roots);
    if (!json_is_array(roots)) {
        return bad(err, "the roots are missing");
    }
    head->roots = mem_calloc(n, sizeof *head->roots, err);
    int rc = head->roots ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        head->nroots++;
        rc = read_root(json_at(roots, i), &head->roots[i], err);
    }
    if (rc == 0 && n) {
        qsort(head->roots, n, sizeof *head->roots, by_id);
    }
    for (size_t i = 1; rc == 0 && i < n; i++) {
        if (head->roots[i].id == head->roots[i - 1].id) {
            rc = bad(err, "two roots have one id");
        }
    }
    return rc;
}

static int read_head(const struct json *v, struct export_head *head, struct eye_err *err)
{
    const struct json *model = json_get(v, "model");
    int64_t format = json_get_int(v, "eyeshine_export", 0);
    int64_t dim = json_get_int(model, "dim", 0);
    const char *name = json_get_str(model, "name", "");
    snprintf(head->program, sizeof head->program, "%s", json_get_str(v, "program", ""));
    if (format < 1) {
        return bad(err, "this is no export of eyeshine: its first line does not say so");
    }
    if (format > EXPORT_FORMAT) {
        return eye_fail(err, EYE_EFORMAT,
                        "the export was made by a newer eyeshine (%s, format %lld, this one knows "
                        "%d): use the newer program",
                        head->program, (long long)format, (int)EXPORT_FORMAT);
    }
    if (!name[0] || strlen(name) >= sizeof head->model || dim < 1 || dim > EXPORT_DIM_MAX ||
        hash_from_hex(json_get_str(model, "fingerprint", ""), &head->fingerprint, NULL) < 0) {
        return bad(err, "the model has no name, no fingerprint or no dim");
    }
    snprintf(head->model, sizeof head->model, "%s", name);
    head->dim = (int)dim;
    return read_roots(v, head, err);
}

int export_head_read(const char *text, size_t len, struct export_head *head, struct eye_err *err)
{
    struct eye_err why = {0};
    *head = (struct export_head){.dim = 0};
    struct json *v = json_parse(text, len, "JSON", &why);
    if (!v) {
        return eye_fail(err, why.code, "this is no export of eyeshine: its first line is not JSON");
    }
    int rc = read_head(v, head, err);
    json_free(v);
    return rc;
}

void export_head_release(struct export_head *head)
{
    for (size_t i = 0; i < head->nroots; i++) {
        free(head->roots[i].path);
        free(head->roots[i].name);
    }
    free(head->roots);
    *head = (struct export_head){.dim = 0};
}

/* ---- a picture ---- */

/* A whole number of lo..hi in *out; absent: `none` if that may be. */
static bool number(const struct json *v, const char *key, int64_t lo, int64_t hi,
                   const int64_t *none, int64_t *out)
{
    const struct json *m = json_get(v, key);
    if (!m) {
        *out = none ? *none : 0;
        return none != NULL;
    }
    /* What is no whole number gives both fallbacks. */
    *out = json_int(m, 0);
    return json_int(m, 1) == *out && *out >= lo && *out <= hi;
}

static bool text(const struct json *v, const char *key, char *out, size_t size)
{
    const struct json *m = json_get(v, key);
    const char *s = json_str(m, m ? NULL : "");
    out[0] = '\0';
    if (!s || strlen(s) >= size) {
        return false;
    }
    snprintf(out, size, "%s", s);
    return true;
}

static bool format_ok(const char *format)
{
    for (const char *c = format; *c; c++) {
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c)) {
            return false;
        }
    }
    return format[0] != '\0';
}

static bool read_gps(const struct json *v, struct store_picture *p)
{
    const struct json *gps = json_get(v, "gps");
    if (!gps) {
        return true;
    }
    const struct json *lat = json_at(gps, 0), *lon = json_at(gps, 1);
    p->has_gps =
        json_is_array(gps) && json_size(gps) == 2 && json_is_number(lat) && json_is_number(lon);
    p->lat = json_num(lat, 99);
    p->lon = json_num(lon, 999);
    return p->has_gps && fabs(p->lat) <= 90 && fabs(p->lon) <= 180;
}

/* How it looks: "phash" and "mosaic", both or neither. */
static bool read_look(const struct json *v, struct store_picture *p)
{
    const char *hash = json_get_str(v, "phash", NULL), *mosaic = json_get_str(v, "mosaic", NULL);
    if (!json_get(v, "phash") && !json_get(v, "mosaic")) {
        return true;
    }
    if (!hash || strlen(hash) != 16 || strspn(hash, "0123456789abcdef") != 16 || !mosaic ||
        strlen(mosaic) != 2 * STORE_MOSAIC ||
        strspn(mosaic, "0123456789abcdef") != 2 * STORE_MOSAIC) {
        return false;
    }
    for (size_t i = 0; i < STORE_MOSAIC; i++) {
        const char two[3] = {mosaic[2 * i], mosaic[2 * i + 1], '\0'};
        p->mosaic[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    p->phash = strtoull(hash, NULL, 16);
    p->looked_at = image_phash_ok(p->phash);
    return p->looked_at;
}

static int read_facts(const struct json *v, struct store_picture *p, struct eye_err *err)
{
    const int64_t unknown = INT64_MIN;
    int64_t size, width, height;
    if (hash_from_hex(json_get_str(v, "hash", ""), &p->hash, NULL) < 0) {
        return bad(err, "\"hash\" is not a SHA-256 of 64 hex digits");
    }
    if (!number(v, "size", 0, INT64_MAX, NULL, &size) ||
        !number(v, "width", 1, INT32_MAX, NULL, &width) ||
        !number(v, "height", 1, INT32_MAX, NULL, &height)) {
        return bad(err, "\"size\", \"width\" or \"height\" is missing or no such number");
    }
    p->size = (uint64_t)size;
    p->width = (int)width;
    p->height = (int)height;
    if (!text(v, "format", p->format, sizeof p->format) || !format_ok(p->format)) {
        return bad(err, "\"format\" is missing or no short word");
    }
    if (!number(v, "added_at", INT64_MIN + 1, INT64_MAX, NULL, &p->added_at) ||
        !number(v, "taken_at", INT64_MIN + 1, INT64_MAX, &unknown, &p->taken_at)) {
        return bad(err, "\"added_at\" or \"taken_at\" is not a number of seconds");
    }
    if (!text(v, "camera", p->camera, sizeof p->camera)) {
        return bad(err, "\"camera\" is no text, or longer than 95 bytes");
    }
    if (!read_gps(v, p)) {
        return bad(err, "\"gps\" is not [latitude, longitude] in degrees");
    }
    return read_look(v, p)
               ? 0
               : bad(err, "\"phash\" and \"mosaic\" are not 16 and 192 hex digits of a look");
}

static int read_file(const struct export_head *head, const struct json *v, struct export_file *f,
                     struct eye_err *err)
{
    struct export_root key = {.id = json_get_int(v, "root", 0)};
    const struct export_root *root =
        head->nroots ? bsearch(&key, head->roots, head->nroots, sizeof key, by_id) : NULL;
    if (!root) {
        return bad(err, "a file is in a root that the first line does not have");
    }
    f->root = (size_t)(root - head->roots);
    f->rel = read_path(v, err);
    if (!f->rel) {
        return eng_code(err);
    }
    if (f->rel[0] && !plain(f->rel)) {
        return bad(err, "a file's path is not one below its root");
    }
    return number(v, "mtime_ns", INT64_MIN, INT64_MAX, NULL, &f->mtime_ns)
               ? 0
               : bad(err, "\"mtime_ns\" of a file is missing or no number");
}

static int read_files(const struct export_head *head, const struct json *v,
                      struct export_line *line, struct eye_err *err)
{
    const struct json *files = json_get(v, "files");
    size_t n = json_size(files);
    if (!json_is_array(files) || n == 0) {
        return bad(err, "a picture without files");
    }
    line->files_of = mem_calloc(n, sizeof *line->files_of, err);
    int rc = line->files_of ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        line->nfiles++;
        rc = read_file(head, json_at(files, i), &line->files_of[i], err);
    }
    return rc;
}

static int read_vector(const struct export_head *head, const struct json *v,
                       struct export_line *line, uint16_t *vector, struct eye_err *err)
{
    const struct json *m = json_get(v, "vector");
    const char *coded = json_str(m, NULL);
    size_t dim = (size_t)head->dim;
    double length = 0;
    struct buf b;
    if (!m) {
        return 0;
    }
    buf_init(&b, dim * 2 + 3);
    bool ok = coded && base64_decode(coded, strlen(coded), &b, NULL) == 0 && b.len == dim * 2;
    for (size_t i = 0; ok && i < dim; i++) {
        const uint8_t *at = (const uint8_t *)b.data + 2 * i;
        vector[i] = (uint16_t)(at[0] | at[1] << 8);
    }
    buf_release(&b);
    if (!ok) {
        return eye_fail(err, EYE_EFORMAT, "\"vector\" is not %zu half floats in base64", dim);
    }
    if (vector_row_length(vector, dim, &length, NULL) < 0 || fabs(length - 1) > 1e-2) {
        return bad(err, "\"vector\" does not have the length 1");
    }
    line->embedded = true;
    return 0;
}

static int read_line(const struct export_head *head, const struct json *v, struct export_line *line,
                     uint16_t *vector, struct eye_err *err)
{
    if (!json_is_object(v)) {
        return bad(err, "not a JSON object");
    }
    if (json_get_bool(v, "end", false)) {
        int64_t pictures, files;
        line->end = true;
        if (!number(v, "pictures", 0, INT64_MAX, NULL, &pictures) ||
            !number(v, "files", 0, INT64_MAX, NULL, &files)) {
            return bad(err, "the last line does not say how many there were");
        }
        line->pictures = (uint64_t)pictures;
        line->files = (uint64_t)files;
        return 0;
    }
    int rc = read_facts(v, &line->picture, err);
    rc = rc ? rc : read_files(head, v, line, err);
    return rc ? rc : read_vector(head, v, line, vector, err);
}

int export_line_read(const struct export_head *head, const char *bytes, size_t len,
                     struct export_line *line, uint16_t *vector, struct eye_err *err)
{
    *line = (struct export_line){.end = false};
    struct eye_err why = {0};
    struct json *v = json_parse(bytes, len, "JSON", &why);
    if (!v) {
        return why.code == EYE_ENOMEM ? eye_fail(err, EYE_ENOMEM, "%s", why.msg)
                                      : bad(err, "not valid JSON");
    }
    int rc = read_line(head, v, line, vector, err);
    json_free(v);
    return rc;
}

void export_line_release(struct export_line *line)
{
    for (size_t i = 0; i < line->nfiles; i++) {
        free(line->files_of[i].rel);
    }
    free(line->files_of);
    line->files_of = NULL;
    line->nfiles = 0;
}
