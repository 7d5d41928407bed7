/* match_files.c - what a filter asks of where a picture's files are: root, path, name and date, all of the same file.
 *
 * A path is a root's path and one below it, so a pattern is first held against each root: it may let everything of it pass, nothing, or
 * what begins with its literal part, which is a range of the store's key. Only what is left is compared row by row.
 * fnmatch itself takes a microsecond a path; most patterns have no more than stars, and those are compared as texts that must follow
 * each other. */
#include <fnmatch.h>
#include <string.h>

#include "base/buf.h"
#include "store/match.h"

enum { NS = 1000000000 };

bool match_asks_files(const struct store_filter *f)
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

static bool path_passes(const struct match_files *p, const char *path, size_t len)
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
static bool name_passes(const struct match_files *p, const char *path, size_t len)
{
    const char *slash = memrchr(path, '/', len), *rest = p->names, *w;
    size_t skip = slash ? (size_t)(slash + 1 - path) : 0, n;
    while ((w = match_word(&rest, &n)) != NULL)
        if (!match_part(path + skip, len - skip, w, n))
            return false;
    return true;
}

/* ---- a root ---- */

static void judge_root(const struct match_files *p, struct match_root *r)
{
    const char *pattern = p->f->path;
    r->from = "";
    r->itself = path_passes(p, r->path, strlen(r->path));
    if (p->kind == PATH_ANY) {
        r->pass = MATCH_ALL;
    } else if (p->kind == PATH_PART) {
        r->pass = strstr(r->base, pattern) ? MATCH_ALL : MATCH_SOME;
    } else if (p->prefix_len <= r->base_len) {
        bool begins = memcmp(r->base, pattern, p->prefix_len) == 0;
        bool rest = p->kind == PATH_STARS && !pattern[p->prefix_len + 1]; /* one star, at the end */
        r->pass = !begins ? MATCH_NONE : rest ? MATCH_ALL : MATCH_SOME;
    } else {
        r->pass = strncmp(pattern, r->base, r->base_len) == 0 ? MATCH_SOME : MATCH_NONE;
        r->from = pattern + r->base_len;
    }
}

size_t match_from_len(const struct match_files *p, const struct match_root *r)
{
    return *r->from ? p->prefix_len - r->base_len : 0;
}

bool match_has_prefix(const struct match_files *p)
{
    return p->kind >= PATH_STARS && p->prefix_len > 1;
}

int match_files_root(struct match_files *p, int64_t id, const char *path, struct eye_err *err)
{
    struct match_root *roots = mem_realloc(p->roots, p->nroots + 1, sizeof *roots, err);
    if (!roots)
        return EYE_ENOMEM;
    p->roots = roots;
    struct match_root *r = &roots[p->nroots++];
    *r = (struct match_root){.id = id, .path = mem_strdup(path, err)};
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

/* ---- made ready ---- */

static void read_dates(struct match_files *p)
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

static void read_pattern(struct match_files *p)
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

struct match_files *match_files_new(const struct store_filter *f, struct eye_err *err)
{
    struct match_files *p = mem_calloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    p->f = f;
    read_pattern(p);
    read_dates(p);
    p->names = f->name ? mem_strdup(f->name, err) : NULL;
    for (char *c = p->names; c && *c; c++)
        *c = match_lower(*c);
    if (f->name && !p->names) {
        match_files_free(p);
        return NULL;
    }
    return p;
}

void match_files_free(struct match_files *p)
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
static char *whole_path(const struct match_root *r, const char *rel, size_t len, char *room)
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
static bool some_passes(const struct match_files *p, const struct match_root *r, const char *rel,
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

bool match_file(const struct match_files *p, int64_t root, const char *rel, size_t len)
{
    const struct match_root *r = p->roots, *end = p->roots + p->nroots;
    while (r < end && r->id != root)
        r++;
    if (r == end)
        return false;
    if (len == 0) /* the root is the file */
        return r->itself && (!p->names || name_passes(p, r->path, strlen(r->path)));
    if (p->names && !name_passes(p, rel, len))
        return false;
    return r->pass == MATCH_ALL || (r->pass == MATCH_SOME && some_passes(p, r, rel, len));
}

bool match_date(const struct match_files *p, int64_t mtime_ns)
{
    return !p->never && mtime_ns >= p->modified_from && mtime_ns <= p->modified_to;
}
