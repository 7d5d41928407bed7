/* backup_format.c - manifest, sums and names of a backup, written and read.
 *
 * The sums are those of sha256sum(1), so that a backup can be checked and unpacked where there is no eyeshine: `unzip`, then
 * `sha256sum -c SHA256SUMS`. Paths are bytes but names in a zip are text: a path that is not UTF-8 goes as hex digits. */
#include "base/json.h"
#include "engine/backup.h"

/* ---- manifest ---- */

static void put_part(struct json_writer *w, const char *key, uint64_t bytes,
                     const struct hash *hash)
{
    char hex[HASH_HEX_LEN + 1];
    hash_to_hex(hash, hex);
    jw_key(w, key);
    jw_object(w);
    jw_kint(w, "bytes", (int64_t)bytes);
    jw_kstr(w, "sha256", hex);
    jw_object_end(w);
}

int backup_manifest_write(const struct backup_manifest *m, struct buf *out, struct eye_err *err)
{
    struct json_writer w;
    char hex[HASH_HEX_LEN + 1];
    jw_init(&w, out);
    jw_object(&w);
    jw_kint(&w, "eyeshine_backup", m->format);
    jw_kstr(&w, "program", m->program);
    jw_kstr(&w, "date", m->date);
    jw_kint(&w, "layout", m->layout);
    jw_key(&w, "model");
    jw_object(&w);
    jw_kstr(&w, "name", m->model[0] ? m->model : NULL);
    hash_to_hex(&m->fingerprint, hex);
    jw_kstr(&w, "fingerprint", m->has_fingerprint ? hex : NULL);
    jw_object_end(&w);
    jw_key(&w, "counts");
    jw_object(&w);
    jw_kint(&w, "pictures", (int64_t)m->pictures);
    jw_kint(&w, "files", (int64_t)m->files);
    jw_kint(&w, "failures", (int64_t)m->failures);
    jw_kint(&w, "roots", (int64_t)m->roots);
    jw_object_end(&w);
    put_part(&w, "database", m->database_bytes, &m->database_hash);
    jw_key(&w, "uploads");
    jw_object(&w);
    jw_kint(&w, "files", (int64_t)m->uploads);
    jw_kint(&w, "bytes", (int64_t)m->upload_bytes);
    jw_kint(&w, "missing", (int64_t)m->uploads_missing);
    jw_object_end(&w);
    put_part(&w, "sums", m->sums_bytes, &m->sums_hash);
    jw_object_end(&w);
    int rc = w.code ? w.code : buf_putc(out, '\n', err);
    return rc ? eye_fail(err, rc, "out of memory for the backup's manifest") : 0;
}

static int bad(const char *what, struct eye_err *err)
{
    return eye_fail(err, EYE_EFORMAT, "the backup's manifest is damaged: %s", what);
}

static bool count(const struct json *obj, const char *key, uint64_t *out)
{
    int64_t v = json_get_int(obj, key, -1);
    *out = v < 0 ? 0 : (uint64_t)v;
    return v >= 0;
}

static bool part(const struct json *root, const char *key, uint64_t *bytes, struct hash *hash)
{
    const struct json *v = json_get(root, key);
    return count(v, "bytes", bytes) && !hash_from_hex(json_get_str(v, "sha256", ""), hash, NULL);
}

static int read_fields(const struct json *root, struct backup_manifest *m, struct eye_err *err)
{
    const struct json *counts = json_get(root, "counts"), *uploads = json_get(root, "uploads"),
                      *model = json_get(root, "model");
    const char *fingerprint = json_get_str(model, "fingerprint", NULL);
    int64_t format = json_get_int(root, "eyeshine_backup", 0);
    int64_t layout = json_get_int(root, "layout", 0);
    *m = (struct backup_manifest){.has_fingerprint = fingerprint != NULL};
    snprintf(m->program, sizeof m->program, "%s", json_get_str(root, "program", ""));
    snprintf(m->date, sizeof m->date, "%s", json_get_str(root, "date", ""));
    snprintf(m->model, sizeof m->model, "%s", json_get_str(model, "name", ""));
    if (format < 1) {
        return bad("it is not that of a backup", err);
    }
    if (format > BACKUP_FORMAT || layout > store_layout_newest()) {
        return eye_fail(err, EYE_EFORMAT,
                        "the backup was made by a newer eyeshine (%s; format %lld, layout %lld, "
                        "this one knows %d and %d): use the newer program",
                        m->program, (long long)format, (long long)layout, (int)BACKUP_FORMAT,
                        store_layout_newest());
    }
    m->format = (int)format;
    m->layout = (int)layout;
    if (layout < 1) {
        return bad("it does not say which layout the database has", err);
    }
    if (fingerprint && hash_from_hex(fingerprint, &m->fingerprint, NULL) < 0) {
        return bad("the model has no fingerprint", err);
    }
    if (!count(counts, "pictures", &m->pictures) || !count(counts, "files", &m->files) ||
        !count(counts, "failures", &m->failures) || !count(counts, "roots", &m->roots) ||
        !count(uploads, "files", &m->uploads) || !count(uploads, "bytes", &m->upload_bytes) ||
        !count(uploads, "missing", &m->uploads_missing)) {
        return bad("a count is missing", err);
    }
    if (!part(root, "database", &m->database_bytes, &m->database_hash) ||
        !part(root, "sums", &m->sums_bytes, &m->sums_hash)) {
        return bad("a part has no size or no SHA-256", err);
    }
    return 0;
}

int backup_manifest_read(const char *text, size_t len, struct backup_manifest *m,
                         struct eye_err *err)
{
    struct json *root = json_parse(text, len, BACKUP_MANIFEST, err);
    int rc = root ? read_fields(root, m, err) : EYE_EFORMAT;
    json_free(root);
    return rc;
}

/* ---- sums ---- */

/* As sha256sum does it: a name with a line feed or a backslash is escaped, and the line begins with a backslash. */
int backup_sum_line(const struct hash *hash, const char *name, struct buf *out, struct eye_err *err)
{
    char hex[HASH_HEX_LEN + 1];
    bool escape = strpbrk(name, "\n\r\\") != NULL;
    hash_to_hex(hash, hex);
    int rc = buf_printf(out, err, "%s%s  ", escape ? "\\" : "", hex);
    for (const char *c = name; rc == 0 && *c; c++) {
        const char *as = *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : *c == '\\' ? "\\\\" : NULL;
        rc = as ? buf_puts(out, as, err) : buf_putc(out, *c, err);
    }
    return rc ? rc : buf_putc(out, '\n', err);
}

/* ---- names ---- */

bool backup_rel_ok(const char *rel)
{
    size_t n = strlen(rel);
    if (n == 0 || n >= BACKUP_NAME_MAX) {
        return false;
    }
    for (const char *at = rel;; at++) {
        size_t len = strcspn(at, "/");
        if (len == 0 || len > 255 || (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.')))) {
            return false;
        }
        at += len;
        if (!*at) {
            return true;
        }
    }
}

int backup_part_name(const char *rel, struct buf *out, struct eye_err *err)
{
    buf_clear(out);
    if (utf8_valid(rel, strlen(rel))) {
        return buf_printf(out, err, BACKUP_DIR "%s", rel);
    }
    int rc = buf_puts(out, BACKUP_HEX_DIR, err);
    for (const char *c = rel; rc == 0 && *c; c++) {
        rc = buf_printf(out, err, "%02x", (unsigned)(unsigned char)*c);
    }
    return rc;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Each path has one name only: what is UTF-8 may not come as hex digits. */
static bool from_hex(const char *hex, struct buf *rel)
{
    for (; hex[0]; hex += 2) {
        int hi = digit(hex[0]), lo = hi < 0 ? -1 : digit(hex[1]);
        if (lo < 0 || (hi == 0 && lo == 0) || buf_putc(rel, (char)(hi << 4 | lo), NULL) != 0) {
            return false;
        }
    }
    return rel->len > 0 && !utf8_valid(rel->data, rel->len);
}

bool backup_part_rel(const char *name, struct buf *rel)
{
    size_t dir = strlen(BACKUP_DIR), hex = strlen(BACKUP_HEX_DIR);
    bool ok = false;
    buf_clear(rel);
    if (!strncmp(name, BACKUP_DIR, dir)) {
        ok = utf8_valid(name, strlen(name)) && buf_puts(rel, name + dir, NULL) == 0;
    } else if (!strncmp(name, BACKUP_HEX_DIR, hex)) {
        ok = from_hex(name + hex, rel);
    }
    return ok && rel->data && backup_rel_ok(rel->data);
}
