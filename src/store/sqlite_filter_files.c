/* sqlite_filter_files.c - what a filter asks of where a picture's files are: root, path, name and date, all of the same file.
 *
 * A path is a root's path and one below it, so a pattern is first held against each root: it may let everything of it pass, nothing, or
 * what begins with its literal part, which is a range of the table's key. Only what is left is compared row by row. SQL's own
 * GLOB knows neither bytes nor fnmatch's rules; fnmatch itself takes a microsecond a path, most patterns have no more than
 * stars, and those are compared as texts that must follow each other.
 *
 * Words of names have no index: trigrams of 100,000 names would be as large as the table and cost as much at each insertion;
 * reading it takes some milliseconds. */
#include <fnmatch.h>
#include <sqlite3.h>
#include <string.h>

#include "store/sqlite_filter.h"

enum { NS = 1000000000 };

/* What the pattern means for the files below a root. */
struct root {
    int64_t id;
    char *path, *base; /* base: path and a slash */
    size_t base_len;
    enum { ROOT_NONE, ROOT_ALL, ROOT_SOME } pass;
    bool itself;      /* a file that is the root itself passes */
    const char *from; /* ROOT_SOME: rels begin with this */
};

struct store_paths {
    const struct store_filter *f;
    enum { PATH_ANY, PATH_PART, PATH_STARS, PATH_GLOB } kind;
    char *names; /* in lower case */
    size_t part_len, prefix_len;
    int64_t modified_from, modified_to; /* nanoseconds, both inclusive */
    bool dated, never;
    struct root *roots;
    size_t nroots;
};

bool store_asks_files(const struct store_filter *f)
{
    return f->path || f->name || f->root || f->modified_from != INT64_MIN ||
           f->modified_to != INT64_MIN;
}

/* ---- patterns ---- */

/* Texts between stars, each after the one before; the first begins the path, the last ends it. */
static bool stars_match(const char *pattern, const char *path, size_t len)
{
    const char *end = path + len, *star = strchr(pattern, '*');
    size_t n = (size_t)(star - pattern);
    if (n > len || memcmp(path, pattern, n) != 0)
        return false;
    path += n;
    for (pattern = star + 1; (star = strchr(pattern, '*')) != NULL; pattern = star + 1) {
        n = (size_t)(star - pattern);
        path = n ? memmem(path, (size_t)(end - path), pattern, n) : path;
        if (!path)
            return false;
        path += n;
    }
    n = strlen(pattern);
    return n <= (size_t)(end - path) && memcmp(end - n, pattern, n) == 0;
}

static bool path_passes(const struct store_paths *p, const char *path, size_t len)
{
    switch (p->kind) {
    case PATH_ANY: return true;
    case PATH_PART: return strstr(path, p->f->path) != NULL;
    case PATH_STARS: return stars_match(p->f->path, path, len);
    case PATH_GLOB: return fnmatch(p->f->path, path, 0) == 0;
    }
    return false;
}

/* Every word is a part of what follows the last slash. */
static bool name_passes(const struct store_paths *p, const char *path, size_t len)
{
    static const char blank[] = " \t\r\n";
    const char *slash = memrchr(path, '/', len);
    size_t skip = slash ? (size_t)(slash + 1 - path) : 0, n;
    for (const char *w = p->names + strspn(p->names, blank); *w; w += strspn(w, blank)) {
        n = strcspn(w, blank);
        if (!store_has_part(path + skip, len - skip, w, n))
            return false;
        w += n;
    }
    return true;
}

/* ---- a root ---- */

static void judge_root(const struct store_paths *p, struct root *r)
{
    const char *pattern = p->f->path;
    r->from = "";
    r->itself = path_passes(p, r->path, strlen(r->path));
    if (p->kind == PATH_ANY) {
        r->pass = ROOT_ALL;
    } else if (p->kind == PATH_PART) {
        r->pass = strstr(r->base, pattern) ? ROOT_ALL : ROOT_SOME;
    } else if (p->prefix_len <= r->base_len) {
        bool begins = memcmp(r->base, pattern, p->prefix_len) == 0;
        bool rest = p->kind == PATH_STARS && !pattern[p->prefix_len + 1]; /* one star, at the end */
        r->pass = !begins ? ROOT_NONE : rest ? ROOT_ALL : ROOT_SOME;
    } else {
        r->pass = strncmp(pattern, r->base, r->base_len) == 0 ? ROOT_SOME : ROOT_NONE;
        r->from = pattern + r->base_len;
    }
}

/* How much of `from` is literal. */
static size_t from_len(const struct store_paths *p, const struct root *r)
{
    return *r->from ? p->prefix_len - r->base_len : 0;
}

static int read_root(struct store_paths *p, struct query *q, struct eye_err *err)
{
    struct root *roots = mem_realloc(p->roots, p->nroots + 1, sizeof *roots, err);
    if (!roots)
        return EYE_ENOMEM;
    p->roots = roots;
    struct root *r = &roots[p->nroots++];
    *r = (struct root){.id = query_get_int(q, 0), .path = query_dup(q, 1, err)};
    if (!r->path)
        return EYE_ENOMEM;
    struct buf base;
    buf_init(&base, SIZE_MAX / 2);
    int rc = buf_puts(&base, r->path, err);
    if (!rc && strcmp(r->path, "/") != 0)
        rc = buf_putc(&base, '/', err);
    r->base = rc ? NULL : buf_detach(&base, &r->base_len);
    buf_release(&base);
    if (!rc)
        judge_root(p, r);
    return rc;
}

static int read_roots(struct store *s, struct store_paths *p, struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, s, "SELECT id, path FROM root WHERE ?1 = 0 OR id = ?1");
    query_int(&q, p->f->root);
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = read_root(p, &q, err)) != 0)
            break;
    query_done(&q);
    return rc;
}

/* ---- made ready ---- */

static void read_dates(struct store_paths *p)
{
    const struct store_filter *f = p->f;
    p->dated = f->modified_from != INT64_MIN || f->modified_to != INT64_MIN;
    p->modified_from = INT64_MIN;
    p->modified_to = INT64_MAX;
    int64_t ns;
    if (f->modified_from != INT64_MIN) {
        if (!__builtin_mul_overflow(f->modified_from, (int64_t)NS, &ns))
            p->modified_from = ns;
        else
            p->never = f->modified_from > 0;
    }
    if (f->modified_to != INT64_MIN) {
        if (!__builtin_mul_overflow(f->modified_to, (int64_t)NS, &ns) && ns > INT64_MIN)
            p->modified_to = ns - 1;
        else
            p->never = p->never || f->modified_to < 0;
    }
    p->never = p->never || p->modified_from > p->modified_to;
}

static void read_pattern(struct store_paths *p)
{
    const char *path = p->f->path;
    if (!path)
        p->kind = PATH_ANY;
    else if (!strpbrk(path, "*?["))
        p->kind = PATH_PART;
    else
        p->kind = strpbrk(path, "?[\\") ? PATH_GLOB : PATH_STARS;
    p->part_len = path ? strlen(path) : 0;
    p->prefix_len = path ? strcspn(path, "*?[\\") : 0;
}

struct store_paths *store_paths_new(struct store *s, const struct store_filter *f,
                                    struct eye_err *err)
{
    struct store_paths *p = mem_calloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    p->f = f;
    read_pattern(p);
    read_dates(p);
    p->names = f->name ? mem_strdup(f->name, err) : NULL;
    for (char *c = p->names; c && *c; c++)
        *c = store_lower(*c);
    if ((f->name && !p->names) || read_roots(s, p, err)) {
        store_paths_free(p);
        return NULL;
    }
    return p;
}

void store_paths_free(struct store_paths *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->nroots; i++) {
        free(p->roots[i].path);
        free(p->roots[i].base);
    }
    free(p->roots);
    free(p->names);
    free(p);
}

/* ---- a row ---- */

/* The root's path and rel, in `room` [4096] if that is enough: paths are shorter, but nothing here may count on it. */
static char *whole_path(const struct root *r, const char *rel, size_t len, char *room)
{
    size_t n = r->base_len + len;
    char *path = n < 4096 ? room : malloc(n + 1);
    if (path) {
        memcpy(path, r->base, r->base_len);
        memcpy(path + r->base_len, rel, len);
        path[n] = '\0';
    }
    return path;
}

/* Of the part of the root's path that the pattern could still begin in, and rel. */
static bool some_passes(const struct store_paths *p, const struct root *r, const char *rel,
                        size_t len)
{
    char room[4096];
    char *path = whole_path(r, rel, len, room);
    size_t skip = 0;
    if (p->kind == PATH_PART && p->part_len <= r->base_len)
        skip = r->base_len + 1 - p->part_len;
    bool pass = path && path_passes(p, path + skip, r->base_len + len - skip);
    if (path != room)
        free(path);
    return pass;
}

static bool row_passes(const void *ctx, int64_t root, const char *rel, size_t len)
{
    const struct store_paths *p = ctx;
    const struct root *r = p->roots, *end = p->roots + p->nroots;
    while (r < end && r->id != root)
        r++;
    if (r == end)
        return false;
    if (len == 0) /* the root is the file */
        return r->itself && (!p->names || name_passes(p, r->path, strlen(r->path)));
    if (p->names && !name_passes(p, rel, len))
        return false;
    return r->pass == ROOT_ALL || (r->pass == ROOT_SOME && some_passes(p, r, rel, len));
}

/* ---- all that pass ---- */

/* The least rel above all that begin with from [len]; false: there is none. */
static bool after_prefix(struct buf *out, const char *from, size_t len, struct eye_err *err,
                         int *rc)
{
    while (len && (unsigned char)from[len - 1] == 0xff)
        len--;
    if (!len)
        return false;
    *rc = buf_append(out, from, len, err);
    if (!*rc)
        out->data[len - 1]++;
    return true;
}

/* What a statement that collects looks like: of all rows, or of those that pass by being there. */
#define VISIT "SELECT visit(picture, root, rel) FROM file "
#define TAKE "SELECT collect(picture) FROM file "
#define OF_ROOT "WHERE picture IS NOT NULL AND root = ? AND rel >= ?"
#define DATED " AND mtime_ns BETWEEN ? AND ?"
#define BY_DATE "INDEXED BY file_modified WHERE picture IS NOT NULL" DATED

static void bind_dates(struct query *q, const struct store_paths *p)
{
    if (p->dated) {
        query_int(q, p->modified_from);
        query_int(q, p->modified_to);
    }
}

/* The rows of a root, or those in the range of the pattern's literal part. */
static int collect_root(struct store *s, const struct store_paths *p, const struct root *r,
                        struct store_collect *c, struct eye_err *err)
{
    struct query q;
    struct buf to;
    int rc = 0;
    size_t len = from_len(p, r);
    buf_init(&to, SIZE_MAX / 2);
    bool bounded = after_prefix(&to, r->from, len, err, &rc);
    bool take = r->pass == ROOT_ALL && r->itself && !p->names;
    if (!rc) {
        if (bounded)
            query_open(&q, s,
                       p->dated ? VISIT OF_ROOT " AND rel < ?" DATED
                                : VISIT OF_ROOT " AND rel < ?");
        else if (take)
            query_open(&q, s, p->dated ? TAKE OF_ROOT DATED : TAKE OF_ROOT);
        else
            query_open(&q, s, p->dated ? VISIT OF_ROOT DATED : VISIT OF_ROOT);
        query_int(&q, r->id);
        query_bytes(&q, r->from, len);
        if (bounded)
            query_bytes(&q, to.data, to.len);
        bind_dates(&q, p);
        rc = store_collect_run(&q, c, err);
    }
    buf_release(&to);
    return rc;
}

static int collect_roots(struct store *s, const struct store_paths *p, struct store_collect *c,
                         struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < p->nroots && !rc && !c->stopped; i++)
        if (p->roots[i].pass != ROOT_NONE)
            rc = collect_root(s, p, &p->roots[i], c, err);
    return rc;
}

static int collect_dated(struct store *s, const struct store_paths *p, struct store_collect *c,
                         struct eye_err *err)
{
    struct query q;
    bool take = p->kind == PATH_ANY && !p->names && !p->f->root;
    query_open(&q, s, take ? TAKE BY_DATE : VISIT BY_DATE);
    bind_dates(&q, p);
    return store_collect_run(&q, c, err);
}

/* All rows as they come cost less than one root after the other; visit() leaves out those without a picture. */
static int collect_table(struct store *s, struct store_collect *c, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, VISIT);
    return store_collect_run(&q, c, err);
}

static bool has_prefix(const struct store_paths *p)
{
    return p->kind >= PATH_STARS && p->prefix_len > 1;
}

bool store_paths_narrow(const struct store_paths *p)
{
    return p->f->root || p->dated || has_prefix(p);
}

int store_paths_collect(struct store *s, const struct store_paths *p, struct store_collect *c,
                        struct eye_err *err)
{
    int rc = 0;
    c->visit = row_passes;
    c->ctx = p;
    if (p->never)
        return 0;
    /* The whole table may be read: what it takes from the cache is given back. */
    store_cache_small(s, true);
    if (p->dated && !has_prefix(p) && s->version >= 3)
        rc = collect_dated(s, p, c, err);
    else if (p->dated || has_prefix(p) || p->f->root)
        rc = collect_roots(s, p, c, err);
    else
        rc = collect_table(s, c, err);
    store_cache_small(s, false);
    return rc;
}

/* 1: a file of the picture passes; 0: none. */
static int file_passes(struct store *s, const struct store_paths *p, int64_t picture,
                       struct eye_err *err)
{
    struct query q;
    int rc;
    size_t len;
    query_open(&q, s,
               p->dated
                   ? "SELECT root, rel FROM file WHERE picture = ? AND mtime_ns BETWEEN ? AND ?"
                   : "SELECT root, rel FROM file WHERE picture = ?");
    query_int(&q, picture);
    if (p->dated) {
        query_int(&q, p->modified_from);
        query_int(&q, p->modified_to);
    }
    while ((rc = query_step(&q, err)) == 1) {
        const char *rel = query_get_bytes(&q, 1, &len);
        if (row_passes(p, query_get_int(&q, 0), rel, len))
            break;
    }
    query_done(&q);
    return rc;
}

int store_paths_keep(struct store *s, const struct store_paths *p, struct store_ids *ids,
                     struct eye_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < ids->n && !p->never; i++) {
        int rc = file_passes(s, p, ids->v[i], err);
        if (rc < 0)
            return rc;
        if (rc)
            ids->v[n++] = ids->v[i];
    }
    ids->n = n;
    return 0;
}
