/* sqlite_filter.c - which pictures pass a filter, as ascending ids.
 *
 * What is asked of a picture itself (format, camera, times, size, place) is one scan of the picture table with only those
 * conditions in the statement that are set: text from this file, values bound. What is asked of where its files are is one scan
 * of the file table, paths compared here, because SQL's GLOB knows neither bytes nor fnmatch's rules. Each is tens of
 * milliseconds for 100,000 pictures, so there are no indexes on these columns: every picture indexed would pay for them. */
#include <fnmatch.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

struct ids {
    int64_t *v;
    size_t n, cap;
};

static int ids_add(struct ids *ids, int64_t id, struct eye_err *err)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? 2 * ids->cap : 256;
        int64_t *v = mem_realloc(ids->v, cap, sizeof *v, err);
        if (!v)
            return EYE_ENOMEM;
        ids->v = v;
        ids->cap = cap;
    }
    ids->v[ids->n++] = id;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void ids_sort_unique(struct ids *ids)
{
    size_t n = 0;
    bool sorted = true;
    for (size_t i = 1; sorted && i < ids->n; i++)
        sorted = ids->v[i - 1] <= ids->v[i];
    if (!sorted)
        qsort(ids->v, ids->n, sizeof *ids->v, by_id);
    for (size_t i = 0; i < ids->n; i++)
        if (i == 0 || ids->v[i] != ids->v[n - 1])
            ids->v[n++] = ids->v[i];
    ids->n = n;
}

/* a keeps what is in b too; both ascending. */
static void ids_intersect(struct ids *a, const struct ids *b)
{
    size_t n = 0;
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        if (a->v[i] == b->v[j])
            a->v[n++] = a->v[i];
        int64_t x = a->v[i], y = b->v[j];
        i += x <= y;
        j += y <= x;
    }
    a->n = n;
}

/* ---- where files are ---- */

/* Root and rel of the row as one absolute path. */
static int row_path(struct query *q, struct buf *path, struct eye_err *err)
{
    size_t root_len, rel_len;
    const char *root = query_get_bytes(q, 1, &root_len);
    const char *rel = query_get_bytes(q, 2, &rel_len);
    buf_clear(path);
    int rc = buf_append(path, root, root_len, err);
    if (!rc && rel_len && root_len > 1)
        rc = buf_putc(path, '/', err);
    return rc ? rc : buf_append(path, rel, rel_len, err);
}

static bool path_matches(const char *pattern, bool glob, const char *path)
{
    return glob ? fnmatch(pattern, path, 0) == 0 : strstr(path, pattern) != NULL;
}

/* Every word of `words` is a part of what follows the last slash. */
static bool name_matches(const char *words, const char *path)
{
    static const char blank[] = " \t\r\n";
    char word[256];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (words += strspn(words, blank); *words; words += strspn(words, blank)) {
        size_t len = strcspn(words, blank);
        if (len >= sizeof word) /* longer than a name can be */
            return false;
        memcpy(word, words, len);
        word[len] = '\0';
        if (!strcasestr(name, word))
            return false;
        words += len;
    }
    return true;
}

static int filter_files(struct store *s, const struct store_filter *f, struct ids *out,
                        struct eye_err *err)
{
    struct query q;
    struct buf path;
    bool glob = f->path && strpbrk(f->path, "*?[");
    int rc;
    buf_init(&path, SIZE_MAX / 2);
    query_open(&q, s,
               "SELECT file.picture, root.path, file.rel FROM root JOIN file ON file.root = root.id"
               " WHERE (?1 = 0 OR root.id = ?1) AND file.picture IS NOT NULL");
    query_int(&q, f->root);
    while ((rc = query_step(&q, err)) == 1) {
        rc = f->path || f->name ? row_path(&q, &path, err) : 0;
        if (!rc && (!f->path || path_matches(f->path, glob, path.data)) &&
            (!f->name || name_matches(f->name, path.data)))
            rc = ids_add(out, query_get_int(&q, 0), err);
        if (rc)
            break;
    }
    query_done(&q);
    buf_release(&path);
    if (!rc)
        ids_sort_unique(out);
    return rc;
}

/* ---- what a picture is ---- */

enum { CONDITIONS = 16 };

/* A statement that grows by conditions, each with at most one value. */
struct where {
    struct buf sql, like;
    int rc;
    size_t n;
    struct value {
        enum { VALUE_NONE, VALUE_INT, VALUE_REAL, VALUE_TEXT } kind;
        int64_t i;
        double d;
        const char *text;
    } values[CONDITIONS];
};

static void where_add(struct where *w, const char *condition, struct value value)
{
    if (!w->rc)
        w->rc = buf_printf(&w->sql, NULL, " %s %s", w->n ? "AND" : "WHERE", condition);
    w->values[w->n++] = value;
}

static void where_int(struct where *w, bool on, const char *condition, int64_t i)
{
    if (on)
        where_add(w, condition, (struct value){.kind = VALUE_INT, .i = i});
}

static void where_real(struct where *w, bool on, const char *condition, double d)
{
    if (on)
        where_add(w, condition, (struct value){.kind = VALUE_REAL, .d = d});
}

static void where_text(struct where *w, const char *condition, const char *text)
{
    if (text)
        where_add(w, condition, (struct value){.kind = VALUE_TEXT, .text = text});
}

static void where_plain(struct where *w, bool on, const char *condition)
{
    if (on)
        where_add(w, condition, (struct value){.kind = VALUE_NONE});
}

/* instr(lower(camera), lower(?)) says the same in three times the time. */
static void where_part(struct where *w, const char *condition, const char *part)
{
    if (!part)
        return;
    if (!w->rc)
        w->rc = buf_putc(&w->like, '%', NULL);
    for (const char *c = part; *c && !w->rc; c++) {
        if (strchr("%_\\", *c))
            w->rc = buf_putc(&w->like, '\\', NULL);
        if (!w->rc)
            w->rc = buf_putc(&w->like, *c, NULL);
    }
    if (!w->rc)
        w->rc = buf_putc(&w->like, '%', NULL);
    where_text(w, condition, w->rc ? NULL : w->like.data);
}

/* A NULL in the row makes a comparison NULL: what is unknown does not pass. */
static void where_all(struct where *w, const struct store_filter *f)
{
    where_text(w, "format = ?", f->format);
    where_part(w, "camera LIKE ? ESCAPE '\\'", f->camera);
    where_int(w, f->taken_from != INT64_MIN, "taken_at >= ?", f->taken_from);
    where_int(w, f->taken_to != INT64_MIN, "taken_at < ?", f->taken_to);
    where_int(w, f->added_from != INT64_MIN, "added_at >= ?", f->added_from);
    where_int(w, f->added_to != INT64_MIN, "added_at < ?", f->added_to);
    where_int(w, f->min_width > 0, "width >= ?", f->min_width);
    where_int(w, f->min_height > 0, "height >= ?", f->min_height);
    where_real(w, f->min_megapixels > 0, "width * height >= ? * 1e6", f->min_megapixels);
    where_real(w, f->max_megapixels > 0, "width * height <= ? * 1e6", f->max_megapixels);
    where_plain(w, f->orientation == 'l', "width > height");
    where_plain(w, f->orientation == 'p', "width < height");
    where_plain(w, f->orientation == 's', "width = height");
    where_plain(w, f->gps == 'y', "lat IS NOT NULL AND lon IS NOT NULL");
    where_plain(w, f->gps == 'n', "(lat IS NULL OR lon IS NULL)");
}

static void where_bind(const struct where *w, struct query *q)
{
    for (size_t i = 0; i < w->n; i++) {
        switch (w->values[i].kind) {
        case VALUE_INT: query_int(q, w->values[i].i); break;
        case VALUE_REAL: query_real(q, w->values[i].d); break;
        case VALUE_TEXT: query_text(q, w->values[i].text); break;
        case VALUE_NONE: break;
        }
    }
}

/* The statement differs with the conditions, so it is not one of those that a connection keeps. */
static int run_where(struct store *s, const struct where *w, struct ids *out, struct eye_err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct query q = {.s = s, .rc = SQLITE_OK, .next = 1};
    int rc;
    q.rc = sqlite3_prepare_v2(s->db, w->sql.data, -1, &stmt, NULL);
    q.stmt = stmt;
    where_bind(w, &q);
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = ids_add(out, query_get_int(&q, 0), err)) != 0)
            break;
    sqlite3_finalize(stmt);
    return rc;
}

static int filter_pictures(struct store *s, const struct store_filter *f, bool only_if_asked,
                           bool *asked, struct ids *out, struct eye_err *err)
{
    struct where w = {.rc = 0};
    buf_init(&w.sql, 4096);
    buf_init(&w.like, SIZE_MAX / 2);
    w.rc = buf_puts(&w.sql, "SELECT id FROM picture", NULL);
    where_all(&w, f);
    *asked = w.n > 0;
    int rc = w.rc ? eye_fail(err, w.rc, "out of memory for a filter") : 0;
    if (!rc && !w.rc)
        w.rc = buf_puts(&w.sql, " ORDER BY id", NULL);
    if (!rc && (*asked || !only_if_asked))
        rc = run_where(s, &w, out, err);
    buf_release(&w.sql);
    buf_release(&w.like);
    return rc;
}

/* ---- both ---- */

int store_filter(struct store *s, const struct store_filter *f, int64_t **ids, size_t *n,
                 struct eye_err *err)
{
    struct ids files = {NULL, 0, 0}, pictures = {NULL, 0, 0};
    bool by_file = f->path || f->name || f->root, asked = false;
    store_cache_small(s, true);
    int rc = by_file ? filter_files(s, f, &files, err) : 0;
    if (!rc && (!by_file || files.n))
        rc = filter_pictures(s, f, by_file, &asked, &pictures, err);
    store_cache_small(s, false);
    if (by_file && asked)
        ids_intersect(&pictures, &files);
    struct ids *out = by_file && !asked ? &files : &pictures;
    free(out == &files ? pictures.v : files.v);
    if (!rc && !out->v && !(out->v = mem_calloc(1, sizeof *out->v, err)))
        rc = EYE_ENOMEM;
    if (rc) {
        free(out->v);
        return rc;
    }
    *ids = out->v;
    *n = out->n;
    return 0;
}

/* ---- all pictures ---- */

/* A table read once from end to end is not read again from the cache: many connections that each kept 16 MiB of it would
 * be what a busy server's memory goes to. */
void store_cache_small(struct store *s, bool small)
{
    store_exec_raw(s, small ? "PRAGMA cache_size = -1024" : "PRAGMA cache_size = -16384");
}

/* Counting reads an index from end to end, and each page of results tells the count: so it is kept while nobody, on this
 * connection or another, has changed anything. */
int store_count(struct store *s, uint64_t *n, struct eye_err *err)
{
    struct query q;
    int64_t version = 0, value = 0, changes = sqlite3_total_changes64(s->db);
    *n = 0;
    query_open(&q, s, "PRAGMA data_version");
    int rc = query_one_int(&q, &version, err);
    if (rc)
        return rc;
    if (!s->in_txn && s->counted && version == s->count_version && changes == s->count_changes) {
        *n = s->count;
        return 0;
    }
    store_cache_small(s, true);
    query_open(&q, s, "SELECT count(*) FROM picture");
    rc = query_one_int(&q, &value, err);
    store_cache_small(s, false);
    if (rc)
        return rc;
    *n = s->count = (uint64_t)value;
    s->counted = !s->in_txn;
    s->count_version = version;
    s->count_changes = changes;
    return 0;
}

int store_newest(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                 struct eye_err *err)
{
    struct query q;
    int rc;
    *n = 0;
    query_open(&q, s, "SELECT id FROM picture WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    query_int(&q, before);
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1)
        ids[(*n)++] = query_get_int(&q, 0);
    return rc;
}

void store_shrink(struct store *s, size_t bytes)
{
    int used = 0, most = 0;
    if (sqlite3_db_status(s->db, SQLITE_DBSTATUS_CACHE_USED, &used, &most, 0) == SQLITE_OK &&
        used > 0 && (size_t)used > bytes)
        sqlite3_db_release_memory(s->db);
}
