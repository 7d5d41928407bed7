/* handle_roots.c - folders of the server's machine: listed, added below what is allowed, forgotten, scanned.
 *
 * A page must not make the server read any folder it likes, so the one that starts the server says below which folders
 * roots may be added. What is compared is the real path, after all links, name by name. */
#include "api/internal.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"

bool api_below(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    if (n > 0 && folder[n - 1] == '/')
        n--;
    return strncmp(folder, path, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* ---- how they are watched ---- */

/* What eye_watch_states tells, kept: it is told root by root, and wanted beside what eye_roots tells. */
struct watched {
    eye_watch_state *states; /* [n] strings are ours */
    size_t n;
};

static int keep_state(void *ctx, const eye_watch_state *s)
{
    struct watched *all = ctx;
    eye_watch_state copy = *s;
    eye_watch_state *v = mem_realloc(all->states, all->n + 1, sizeof *v, NULL);
    char *path = mem_strdup(s->path, NULL);
    char *why = mem_strdup(s->why, NULL);
    all->states = v ? v : all->states;
    if (!v || !path || !why) {
        free(path);
        free(why);
        return EYE_ENOMEM;
    }
    copy.path = path;
    copy.why = why;
    v[all->n++] = copy;
    return 0;
}

static void watched_release(struct watched *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free((char *)(uintptr_t)all->states[i].path);
        free((char *)(uintptr_t)all->states[i].why);
    }
    free(all->states);
}

static const eye_watch_state *watched_at(const struct watched *all, const char *path)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->states[i].path, path) == 0)
            return &all->states[i];
    return NULL;
}

/* ---- finding one ---- */

struct wanted {
    int64_t id;       /* by id, or */
    const char *path; /* the root that this lies in */
    bool exact;       /* only if it is a root itself: then `w` gets it as "root" */
    char *found;
    int64_t found_id;
    bool uploads;
    struct json_writer *w;
    const struct watched *watched; /* with w */
    struct eye_err *err;
};

static int look_at(void *ctx, const eye_root *root)
{
    struct wanted *q = ctx;
    bool match =
        q->path ? (q->exact ? strcmp(root->path, q->path) == 0 : api_below(root->path, q->path))
                : root->id == q->id;
    if (!match || q->found)
        return 0;
    q->found_id = root->id;
    q->uploads = root->uploads;
    if (q->w) {
        jw_key(q->w, "root");
        shape_root(q->w, root, watched_at(q->watched, root->path));
    }
    q->found = mem_strdup(root->path, q->err);
    return q->found ? 0 : EYE_ENOMEM;
}

char *api_root_path(struct api_server *s, int64_t id, bool *uploads, struct eye_err *err)
{
    struct wanted q = {.id = id, .err = err};
    if (eye_roots(s->lib, look_at, &q, err) != 0)
        return NULL;
    if (!q.found)
        eye_fail(err, EYE_ENOTFOUND, "there is no root %lld", (long long)id);
    *uploads = q.uploads;
    return q.found;
}

int64_t api_root_of(struct api_server *s, const char *path, struct eye_err *err)
{
    struct wanted q = {.path = path, .err = err};
    if (eye_roots(s->lib, look_at, &q, err) != 0)
        return -1;
    free(q.found);
    return q.found_id;
}

/* ---- the list ---- */

struct listing {
    struct json_writer *w;
    struct watched watched;
};

static int put_root(void *ctx, const eye_root *root)
{
    struct listing *l = ctx;
    shape_root(l->w, root, watched_at(&l->watched, root->path));
    return 0;
}

void handle_roots(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    struct api_out o;
    if (!api_no_query(rq))
        return;
    struct listing l = {.w = &o.w};
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "roots");
    jw_array(&o.w);
    int rc = eye_watch_states(s->lib, keep_state, &l.watched, &err);
    rc = rc ? rc : eye_roots(s->lib, put_root, &l, &err);
    watched_release(&l.watched);
    jw_array_end(&o.w);
    jw_key(&o.w, "allowed");
    jw_array(&o.w);
    for (size_t i = 0; i < s->cfg.nallow_roots; i++)
        jw_str(&o.w, s->cfg.allow_roots[i]);
    jw_array_end(&o.w);
    jw_object_end(&o.w);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, 200, &o);
}

/* ---- adding ---- */

static bool allowed(const struct api_server *s, const char *path)
{
    bool yes = false;
    for (size_t i = 0; i < s->cfg.nallow_roots && !yes; i++) {
        char *folder = fs_real(s->cfg.allow_roots[i], NULL);
        yes = folder && api_below(folder, path);
        free(folder);
    }
    return yes;
}

/* As written: says nothing about what is there. */
static bool allowed_as_written(const struct api_server *s, const char *path)
{
    for (size_t i = 0; i < s->cfg.nallow_roots; i++)
        if (api_below(s->cfg.allow_roots[i], path))
            return !strstr(path, "/../");
    return false;
}

static void refuse(struct http_request *rq, const char *path)
{
    struct eye_err err;
    eye_fail(&err, EYE_EINVAL,
             "%s lies in no folder that this server may add: start it with --allow-root FOLDER",
             path);
    api_problem(rq, 403, NULL, err.msg);
}

/* The folder's real path, yours; NULL: it has answered. */
static char *admit(const struct api_server *s, struct http_request *rq, const char *path)
{
    struct eye_err err;
    struct stat st;
    char *real = fs_real(path, &err);
    if (!real && allowed_as_written(s, path)) {
        api_problem_err(rq, &err);
        return NULL;
    }
    if (!real || !allowed(s, real)) { /* the same answer whether it is there or not */
        refuse(rq, path);
    } else if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
        eye_fail(&err, EYE_EFORMAT, "%s is not a folder", path);
        api_problem_err(rq, &err);
    } else {
        return real;
    }
    free(real);
    return NULL;
}

static void add(struct api_server *s, struct http_request *rq, const char *folder)
{
    struct eye_err err;
    struct api_out o;
    struct watched watched = {0};
    struct wanted q = {.path = folder, .exact = true, .w = &o.w, .watched = &watched, .err = &err};
    int64_t job = 0;
    api_out_init(&o);
    jw_object(&o.w);
    int rc = eye_watch_states(s->lib, keep_state, &watched, &err);
    rc = rc ? rc : eye_roots(s->lib, look_at, &q, &err);
    watched_release(&watched);
    rc = rc ? rc : eye_job_new(s->lib, EYE_JOB_SCAN, folder, &job, &err);
    jw_key(&o.w, "job");
    rc = rc ? rc : api_shape_job(s, &o.w, job, &err);
    jw_object_end(&o.w);
    free(q.found);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_set_job_location(rq, job);
    api_out_send(rq, 201, &o);
}

void handle_root_add(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {{"path", API_TEXT, 0, 1, 4000, NULL}};
    struct eye_err err;
    const char *path = NULL;
    struct json *body = api_body(rq);
    if (!body)
        return;
    int rc = api_members(body, "the root", fields, 1, &path, NULL, &err);
    if (rc == 0 && (!path || path[0] != '/'))
        rc = eye_fail(&err, EYE_EINVAL, "the root needs a 'path' that begins with /");
    char *folder = NULL;
    if (rc)
        api_problem_err(rq, &err);
    else
        folder = admit(ctx, rq, path);
    if (folder)
        add(ctx, rq, folder);
    free(folder);
    json_free(body);
}

/* ---- one root ---- */

/* Its path, yours; NULL: it has answered. */
static char *root_of(struct api_server *s, struct http_request *rq, bool *uploads)
{
    struct eye_err err;
    int64_t id = 0;
    if (!api_no_query(rq))
        return NULL;
    char *path = api_path_id(rq, &id, &err) == 0 ? api_root_path(s, id, uploads, &err) : NULL;
    if (!path)
        api_problem_err(rq, &err);
    return path;
}

void handle_root_delete(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    uint64_t removed = 0;
    bool uploads = false;
    char *path = root_of(s, rq, &uploads);
    if (!path)
        return;
    int rc = 0;
    if (uploads)
        rc =
            eye_fail(&err, EYE_EBUSY,
                     "the folder of uploaded pictures belongs to the library: delete its pictures");
    const char *const paths[] = {path};
    rc = rc ? rc : eye_remove(s->lib, paths, 1, NULL, 0, &removed, &err);
    free(path);
    if (rc) {
        api_problem_err(rq, &err);
        return;
    }
    api_library_changed(s);
    api_no_content(rq);
}

void handle_root_scan(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    int64_t job = 0;
    bool uploads = false;
    char *path = root_of(s, rq, &uploads);
    if (!path)
        return;
    int rc = eye_job_new(s->lib, EYE_JOB_SCAN, path, &job, &err);
    free(path);
    if (rc)
        api_problem_err(rq, &err);
    else
        api_reply_job(s, rq, 202, job);
}
