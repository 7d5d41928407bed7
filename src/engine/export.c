/* export.c - eye_export: all pictures of a library as lines of JSON (docs/EXPORT.md), as of one moment and one picture in memory.
 *
 * Text, because it is for other machines and programs: what is wrong with a line can be seen, and thirty lines of Python read it. A
 * vector is its fp16 bytes in base64: two thirds of what numbers in decimal take, and exact. */
#include "engine/export.h"
#include "base/base64.h"
#include "base/json.h"
#include "engine/originals.h"

enum { BATCH = 256, FLUSH_FROM = 1 << 16 };

struct exporting {
    eye_lib *lib;
    struct store *store;
    struct eng_model *model;
    int64_t model_id;
    int dim;
    int (*write)(void *ctx, const void *bytes, size_t len);
    void *ctx;
    const eye_backup_options *options;
    struct store_root *roots;
    size_t nroots;
    struct buf out, text; /* lines on their way; base64 */
    uint16_t *vector;     /* [dim] */
    uint64_t pictures, files, total;
};

static int flush(struct exporting *x, struct eye_err *err)
{
    int stopped = x->out.len ? x->write(x->ctx, x->out.data, x->out.len) : 0;
    buf_clear(&x->out);
    return stopped ? eye_fail(err, EYE_ECANCELLED, "the export was stopped") : 0;
}

static int end_line(struct exporting *x, struct json_writer *w, struct eye_err *err)
{
    jw_object_end(w);
    int rc = w->code ? w->code : buf_putc(&x->out, '\n', err);
    if (rc) {
        return eye_fail(err, rc, "no memory for a line of the export");
    }
    return x->out.len >= FLUSH_FROM ? flush(x, err) : 0;
}

/* A path is bytes; JSON is text. */
static void put_path(struct exporting *x, struct json_writer *w, const char *path)
{
    size_t len = strlen(path);
    jw_kstr(w, "path", path);
    if (!utf8_valid(path, len)) {
        buf_clear(&x->text);
        int rc = base64_encode(path, len, &x->text, NULL);
        w->code = w->code ? w->code : rc;
        jw_kstr(w, "path_base64", rc ? NULL : x->text.data);
    }
}

/* ---- the first line ---- */

/* The folder's own name, with a number when another root before it has the same. */
static void put_name(struct exporting *x, struct json_writer *w, size_t root)
{
    const char *name = eng_path_name(x->roots[root].path);
    struct buf text;
    unsigned same = 1;
    for (size_t i = 0; i < root; i++) {
        same += !strcmp(eng_path_name(x->roots[i].path), name);
    }
    buf_init(&text, 65536);
    int rc = buf_puts(&text, name[0] ? name : "/", NULL);
    rc = rc || same == 1 ? rc : buf_printf(&text, NULL, " (%u)", same);
    w->code = w->code ? w->code : rc;
    jw_kstr(w, "name", text.data);
    buf_release(&text);
}

static void put_roots(struct exporting *x, struct json_writer *w)
{
    jw_key(w, "roots");
    jw_array(w);
    for (size_t i = 0; i < x->nroots; i++) {
        jw_object(w);
        jw_kint(w, "id", x->roots[i].id);
        put_path(x, w, x->roots[i].path);
        put_name(x, w, i);
        if (x->roots[i].files_only) {
            jw_kbool(w, "files_only", true);
        }
        if (x->roots[i].uploads) {
            jw_kbool(w, "uploads", true);
        }
        jw_object_end(w);
    }
    jw_array_end(w);
}

static int put_head(struct exporting *x, struct eye_err *err)
{
    struct json_writer w;
    char hex[HASH_HEX_LEN + 1], date[32] = "";
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm)) {
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    hash_to_hex(&clip_info(x->model->clip)->weights, hex);
    jw_init(&w, &x->out);
    jw_object(&w);
    jw_kint(&w, "eyeshine_export", EXPORT_FORMAT);
    jw_kstr(&w, "program", eye_version());
    jw_kstr(&w, "date", date);
    jw_key(&w, "model");
    jw_object(&w);
    /* A model that was named as a folder has another place elsewhere; its fingerprint is what counts. */
    bool named = eng_model_is_name(&x->lib->places, x->model->spec);
    jw_kstr(&w, "name", named ? x->model->spec : eng_path_name(x->model->folder));
    jw_kstr(&w, "fingerprint", hex);
    jw_kint(&w, "dim", x->dim);
    jw_object_end(&w);
    put_roots(x, &w);
    return end_line(x, &w, err);
}

/* ---- a picture ---- */

static void put_facts(struct json_writer *w, const struct store_picture *p)
{
    char hex[HASH_HEX_LEN + 1], look[2 * STORE_MOSAIC + 1];
    hash_to_hex(&p->hash, hex);
    jw_kstr(w, "hash", hex);
    jw_kint(w, "size", (int64_t)p->size);
    jw_kint(w, "width", p->width);
    jw_kint(w, "height", p->height);
    jw_kstr(w, "format", p->format);
    jw_kint(w, "added_at", p->added_at);
    if (p->taken_at != INT64_MIN) {
        jw_kint(w, "taken_at", p->taken_at);
    }
    if (p->camera[0]) {
        jw_kstr(w, "camera", p->camera);
    }
    if (p->has_gps) {
        jw_key(w, "gps");
        jw_array(w);
        jw_num(w, p->lat, 17);
        jw_num(w, p->lon, 17);
        jw_array_end(w);
    }
    if (p->looked_at) {
        snprintf(look, sizeof look, "%016llx", (unsigned long long)p->phash);
        jw_kstr(w, "phash", look);
        for (size_t i = 0; i < STORE_MOSAIC; i++) {
            snprintf(look + 2 * i, 3, "%02x", p->mosaic[i]);
        }
        jw_kstr(w, "mosaic", look);
    }
}

static void put_files(struct exporting *x, struct json_writer *w, const struct store_record *r)
{
    jw_key(w, "files");
    jw_array(w);
    for (size_t i = 0; i < r->nfiles; i++) {
        jw_object(w);
        jw_kint(w, "root", r->files[i].root);
        put_path(x, w, r->files[i].rel);
        jw_kint(w, "mtime_ns", r->files[i].mtime_ns);
        jw_object_end(w);
    }
    jw_array_end(w);
    x->files += r->nfiles;
}

/* Little-endian halves, whatever this machine has. */
static void put_vector(struct exporting *x, struct json_writer *w)
{
    size_t dim = (size_t)x->dim;
    for (size_t i = 0; i < dim; i++) {
        uint8_t bytes[2] = {(uint8_t)(x->vector[i] & 255), (uint8_t)(x->vector[i] >> 8)};
        memcpy(&x->vector[i], bytes, 2);
    }
    buf_clear(&x->text);
    int rc = base64_encode(x->vector, dim * sizeof *x->vector, &x->text, NULL);
    w->code = w->code ? w->code : rc;
    jw_kstr(w, "vector", rc ? NULL : x->text.data);
}

static int put_picture(struct exporting *x, int64_t id, struct eye_err *err)
{
    struct store_record r;
    struct json_writer w;
    int rc = store_record_get(x->store, id, x->model_id, x->vector, x->dim, &r, err);
    if (rc == 0) {
        jw_init(&w, &x->out);
        jw_object(&w);
        put_facts(&w, &r.picture);
        put_files(x, &w, &r);
        if (r.embedded) {
            put_vector(x, &w);
        }
        x->pictures++;
        rc = end_line(x, &w, err);
    }
    store_record_release(&r);
    return rc;
}

static int put_pictures(struct exporting *x, struct eye_err *err)
{
    int64_t ids[BATCH], after = 0;
    size_t n = 0;
    const eye_backup_options *o = x->options;
    do {
        int rc = store_pictures_after(x->store, after, ids, BATCH, &n, err);
        rc = rc || !n ? rc : store_gather(x->store, ids, n, true, err);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            rc = put_picture(x, ids[i], err);
        }
        if (rc) {
            return rc;
        }
        if (o && o->progress && o->progress(o->ctx, x->pictures, x->total) != 0) {
            return eye_fail(err, EYE_ECANCELLED, "the export was stopped");
        }
        after = n ? ids[n - 1] : after;
    } while (n);
    return 0;
}

static int put_end(struct exporting *x, struct eye_err *err)
{
    struct json_writer w;
    jw_init(&w, &x->out);
    jw_object(&w);
    jw_kbool(&w, "end", true);
    jw_kint(&w, "pictures", (int64_t)x->pictures);
    jw_kint(&w, "files", (int64_t)x->files);
    int rc = end_line(x, &w, err);
    return rc ? rc : flush(x, err);
}

/* ---- all of it ---- */

/* Another machine has to make sense of it. */
static int check_root(const char *path, struct eye_err *err)
{
    return eng_path_is_local(path) || object_is_url(path)
               ? 0
               : eye_fail(err, EYE_EINVAL, "%s: say where originals lie, with --originals", path);
}

static int export_all(struct exporting *x, struct eye_err *err)
{
    int rc = eng_model_id(x->model, x->store, false, &x->model_id, err);
    rc = rc ? rc : store_read_begin(x->store, err);
    if (rc) {
        return rc;
    }
    rc = store_roots_brief(x->store, &x->roots, &x->nroots, err);
    for (size_t i = 0; rc == 0 && i < x->nroots; i++) {
        rc = check_root(x->roots[i].path, err);
    }
    rc = rc ? rc : store_count(x->store, &x->total, err);
    rc = rc ? rc : put_head(x, err);
    rc = rc ? rc : put_pictures(x, err);
    rc = rc ? rc : put_end(x, err);
    store_read_end(x->store);
    store_roots_free(x->roots, x->nroots);
    return rc;
}

int eye_export(eye_lib *lib, int (*write)(void *ctx, const void *bytes, size_t len), void *ctx,
               const eye_backup_options *options, struct eye_err *err)
{
    struct exporting x = {.lib = lib, .write = write, .ctx = ctx, .options = options};
    struct eye_err local = {0};
    err = err ? err : &local;
    x.store = eng_store_get(lib, err);
    x.model = x.store ? eng_model_get(lib, x.store, err) : NULL;
    int rc = x.model ? 0 : eng_code(err);
    if (rc == 0) {
        x.dim = clip_info(x.model->clip)->dim;
        x.vector = mem_calloc((size_t)x.dim, sizeof *x.vector, err);
        buf_init(&x.out, (size_t)EXPORT_LINE_MAX + FLUSH_FROM);
        buf_init(&x.text, 1 << 20);
        rc = x.vector ? export_all(&x, err) : EYE_ENOMEM;
        buf_release(&x.out);
        buf_release(&x.text);
        free(x.vector);
    }
    eng_model_put(lib, x.model);
    eng_store_put(lib, x.store);
    return rc;
}
