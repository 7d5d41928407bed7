/* remote_index.c - `index --server`: pictures of this machine to a server, as one upload job.
 *
 * The walk sends while it goes on: files are put together to requests of some megabytes, so that many small ones cost few round trips, and
 * the server indexes what it has meanwhile. A file that cannot be read or is refused costs that file. */
#include "cli/remote.h"

#include <fnmatch.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"

enum { BATCH_FILES = 64, BATCH_BYTES = 32 << 20, POLL_US = 300000, ITEMS = 1000 };

struct file {
    char *path, *name; /* name: what the server gets, relative */
};

struct sending {
    const struct remote *r;
    struct cli_progress *progress;
    const struct cli_list *globs;
    bool all_files, json, quiet;
    const char *top; /* folder whose name begins the names sent */
    size_t top_len;
    int64_t job;
    struct file batch[BATCH_FILES];
    size_t n;
    uint64_t bytes;
    eye_index_progress now;
    uint64_t unsent; /* files that never got to the server */
    double begun;
    struct buf line;
};

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- what is told ---- */

static int tell_file(struct sending *s, const char *event, const char *path, const char *code,
                     const char *reason)
{
    if (!s->json) {
        if (reason && !s->quiet) {
            cli_progress_clear(s->progress);
            fputs("failed: ", stderr);
            cli_put_path(stderr, path);
            fprintf(stderr, ": %s\n", reason);
        }
        return 0;
    }
    struct json_writer w;
    jw_init(&w, &s->line);
    jw_object(&w);
    jw_kstr(&w, "event", event);
    cli_json_path(&w, path);
    if (reason) {
        jw_kstr(&w, "code", code);
        jw_kstr(&w, "reason", reason);
    }
    jw_object_end(&w);
    return cli_put_json(&s->line);
}

static int tell_unsent(struct sending *s, const char *path, const char *code, const char *reason)
{
    s->unsent++;
    return tell_file(s, "failed", path, code, reason);
}

static void take_job(struct sending *s, const struct json *job)
{
    eye_index_progress *p = &s->now;
    p->total = (uint64_t)json_get_int(job, "total", 0);
    p->indexed = (uint64_t)json_get_int(job, "indexed", 0);
    p->linked = (uint64_t)json_get_int(job, "duplicates", 0);
    p->failed = (uint64_t)json_get_int(job, "failed", 0);
    p->rate = json_get_num(job, "rate", 0);
    p->seconds = clock_now() - s->begun;
}

static void tell_progress(struct sending *s)
{
    if (!s->json)
        cli_progress_show(s->progress, &s->now);
}

/* ---- sending ---- */

static void drop_batch(struct sending *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->batch[i].path);
        free(s->batch[i].name);
    }
    s->n = 0;
    s->bytes = 0;
}

static int post_files(struct sending *s, const struct file *files, size_t n, struct eye_err *why)
{
    struct fetch_part parts[BATCH_FILES];
    char path[64];
    struct json *answer = NULL;
    snprintf(path, sizeof path, "/images?job=%lld", (long long)s->job);
    for (size_t i = 0; i < n; i++)
        parts[i] =
            (struct fetch_part){.field = "file", .filename = files[i].name, .path = files[i].path};
    struct remote_call call = {.method = "POST",
                               .path = path,
                               .parts = parts,
                               .nparts = n,
                               .max_seconds = 3600,
                               .may_refuse = true};
    int code = remote_ask(s->r, &call, &answer, why);
    if (!code)
        take_job(s, json_get(answer, "job"));
    json_free(answer);
    return code;
}

/* To know which file it is that the server refuses. */
static int send_one_by_one(struct sending *s)
{
    struct eye_err why = {0};
    int code = 0;
    for (size_t i = 0; i < s->n && !code; i++) {
        code = post_files(s, &s->batch[i], 1, &why);
        if (code == CLI_PARTLY)
            code = tell_unsent(s, s->batch[i].path, "limit", why.msg);
    }
    return code;
}

static int send_batch(struct sending *s)
{
    int code = s->n ? post_files(s, s->batch, s->n, NULL) : 0;
    if (code == CLI_PARTLY)
        code = send_one_by_one(s);
    drop_batch(s);
    tell_progress(s);
    return code;
}

static int add_file(struct sending *s, const char *path, const char *name, uint64_t size)
{
    int code = 0;
    if (s->n && (s->n == BATCH_FILES || s->bytes + size > BATCH_BYTES))
        code = send_batch(s);
    if (code)
        return code;
    struct file f = {strdup(path), strdup(name)};
    s->batch[s->n++] = f;
    s->bytes += size;
    if (f.path && f.name)
        return 0;
    cli_say("out of memory");
    return CLI_FAILED;
}

/* ---- walking ---- */

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* By its name: a picture, or what may be one. Zips are what the server takes apart. */
static bool looks_like_picture(const char *name)
{
    static const char *const known[] = {"jpg",  "jpeg", "jpe", "jfif", "png", "apng",
                                        "webp", "gif",  "tif", "tiff", "bmp", "dib",
                                        "heic", "heif", "hif", "avif", "zip"};
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name)
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(dot + 1, known[i]) == 0)
            return true;
    return false;
}

static bool is_excluded(const struct sending *s, const char *rel)
{
    for (size_t i = 0; i < s->globs->n; i++)
        if (fnmatch(s->globs->items[i], rel, 0) == 0 ||
            fnmatch(s->globs->items[i], last_name(rel), 0) == 0)
            return true;
    return false;
}

/* Below the folder that was given; its own name for the folder or file itself. */
static const char *below_top(const struct sending *s, const char *path)
{
    const char *rel = path + s->top_len;
    rel += strspn(rel, "/");
    return *rel ? rel : last_name(path);
}

static int on_file(struct sending *s, const struct fs_walk_item *item, bool is_start)
{
    const char *rel = below_top(s, item->path);
    char *name = NULL;
    if (!is_start && !s->all_files && !looks_like_picture(last_name(rel)))
        return 0;
    if (access(item->path, R_OK) != 0)
        return tell_unsent(s, item->path, "io", "cannot be read: permission denied");
    if (asprintf(&name, "%s%s%s", is_start ? "" : s->top, is_start || !*s->top ? "" : "/", rel) <
        0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    int code = add_file(s, item->path, name, (uint64_t)item->st->st_size);
    free(name);
    return code;
}

static int on_walk(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    struct sending *s = ctx;
    bool is_start = strlen(item->path) <= s->top_len;
    const char *rel = below_top(s, item->path);
    int code = 0;
    if (cli_stopped())
        return eye_fail(err, EYE_ECANCELLED, "stopped");
    if (!is_start && (last_name(rel)[0] == '.' || is_excluded(s, rel)))
        return item->event == FS_WALK_DIR;
    if (item->event == FS_WALK_FILE)
        code = on_file(s, item, is_start);
    else if (item->event == FS_WALK_ERROR)
        code = tell_unsent(s, item->path, "io", strerror(item->errnum));
    return code ? -code - 1000 : 0; /* an exit code, told apart from EYE_E... */
}

static int send_path(struct sending *s, const char *path)
{
    struct eye_err err = {0};
    char *real = fs_real(path, &err);
    if (!real)
        return cli_fail(&err) == CLI_USAGE ? CLI_USAGE : CLI_FAILED;
    s->top = last_name(real);
    s->top_len = strlen(real);
    int rc = fs_walk(real, on_walk, s, &err);
    int code = rc <= -1000 ? -rc - 1000 : 0;
    if (rc && rc > -1000 && rc != EYE_ECANCELLED)
        code = cli_fail(&err);
    if (!code && rc == 0)
        code = send_batch(s); /* names of the next path begin anew */
    free(real);
    return code;
}

/* ---- the job ---- */

static int job_call(struct sending *s, const char *method, const char *what, struct json **out)
{
    char path[160];
    snprintf(path, sizeof path, "/jobs/%lld%s", (long long)s->job, what);
    struct remote_call call = {.method = method, .path = path};
    return remote_ask(s->r, &call, out, NULL);
}

static int open_job(struct sending *s, const char *first)
{
    struct buf b;
    struct json_writer w;
    struct json *job = NULL;
    buf_init(&b, 1 << 16);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "kind", "upload");
    char title[200];
    snprintf(title, sizeof title, "%.180s", last_name(first));
    jw_kstr(&w, "title", title);
    jw_object_end(&w);
    struct remote_call call = {.method = "POST", .path = "/jobs", .json = b.data};
    int code = w.code ? CLI_FAILED : remote_ask(s->r, &call, &job, NULL);
    s->job = json_get_int(job, "id", 0);
    if (!code && !s->job) {
        cli_say("the server's answer is not what opening a job gives");
        code = CLI_FAILED;
    }
    json_free(job);
    buf_release(&b);
    return code;
}

/* Until the server has done all. */
static int follow_job(struct sending *s)
{
    char state[16] = "";
    int code = 0;
    for (;;) {
        struct json *job = NULL;
        if ((code = job_call(s, "GET", "", &job)) != 0)
            return code;
        snprintf(state, sizeof state, "%s", json_get_str(job, "state", "?"));
        take_job(s, job);
        s->now.walk_done = true;
        tell_progress(s);
        bool done = strcmp(state, "done") == 0;
        bool ended = strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0;
        if (ended)
            cli_say("the server's job %s: %s", state, json_get_str(job, "note", ""));
        json_free(job);
        if (done || ended)
            return ended ? CLI_FAILED : 0;
        if (cli_stopped())
            return 0;
        usleep(POLL_US);
    }
}

static int tell_item(struct sending *s, const struct json *item)
{
    const char *state = json_get_str(item, "state", "");
    bool failed = strcmp(state, "failed") == 0;
    return tell_file(s, strcmp(state, "duplicate") == 0 ? "linked" : state,
                     json_get_str(item, "name", ""), json_get_str(item, "code", ""),
                     failed ? json_get_str(item, "reason", "") : NULL);
}

/* What became of each file; for people only those that failed. */
static int tell_items(struct sending *s)
{
    int64_t after = 0;
    int code = 0;
    do {
        char what[96];
        struct json *page = NULL;
        snprintf(what, sizeof what, "/items?limit=%d&after=%lld%s", ITEMS, (long long)after,
                 s->json ? "" : "&state=failed");
        code = job_call(s, "GET", what, &page);
        const struct json *items = json_get(page, "items");
        for (size_t i = 0; i < json_size(items) && !code; i++)
            code = tell_item(s, json_at(items, i));
        after = json_get_int(page, "next", 0);
        json_free(page);
    } while (!code && after);
    return code;
}

static void tell_sum(struct sending *s)
{
    char took[24];
    const eye_index_progress *p = &s->now;
    unsigned long long failed = p->failed + s->unsent;
    if (s->json) {
        struct json_writer w;
        jw_init(&w, &s->line);
        jw_object(&w);
        jw_kstr(&w, "event", cli_stopped() ? "stopped" : "done");
        jw_kint(&w, "indexed", (int64_t)p->indexed);
        jw_kint(&w, "linked", (int64_t)p->linked);
        jw_kint(&w, "failed", (int64_t)failed);
        jw_kint(&w, "total", (int64_t)(p->total + s->unsent));
        jw_kint(&w, "job", s->job);
        jw_knum(&w, "seconds", p->seconds, 6);
        jw_object_end(&w);
        cli_put_json(&s->line);
    } else if (!s->quiet) {
        cli_human_time(p->seconds, took);
        fprintf(stderr, "%llu indexed, %llu known by content, %llu failed in %s\n",
                (unsigned long long)p->indexed, (unsigned long long)p->linked, failed, took);
    }
}

/* After the last file, or a Ctrl-C: what was sent is indexed in any case. */
static int finish(struct sending *s, int code)
{
    int closed = job_call(s, "POST", "/close", NULL);
    if (code || closed)
        return code ? code : closed;
    if (!cli_stopped() && (code = follow_job(s)) != 0)
        return code;
    cli_progress_clear(s->progress);
    if (!cli_stopped())
        code = tell_items(s);
    tell_sum(s);
    if (cli_stopped()) {
        cli_say("stopped; the server indexes what it has got");
        return CLI_FAILED;
    }
    if (code)
        return code;
    return s->now.failed + s->unsent ? CLI_PARTLY : CLI_OK;
}

int remote_index(struct cli_ctx *ctx, const struct cli_list *paths, const struct cli_list *globs,
                 bool all_files, bool json)
{
    struct remote r;
    if (paths->n == 0) {
        cli_say("index --server sends pictures of this machine: give it files or folders");
        return CLI_USAGE;
    }
    int code = remote_open(ctx, &r);
    if (code)
        return code;
    struct sending s = {.r = &r,
                        .globs = globs,
                        .all_files = all_files,
                        .json = json,
                        .quiet = ctx->quiet,
                        .begun = clock_now()};
    buf_init(&s.line, 1 << 20);
    s.progress = json ? NULL : cli_progress_new(stderr, ctx->quiet);
    cli_catch_signals();
    code = open_job(&s, paths->items[0]);
    for (size_t i = 0; i < paths->n && !code && !cli_stopped(); i++)
        code = send_path(&s, paths->items[i]);
    if (s.job)
        code = finish(&s, code);
    drop_batch(&s);
    cli_progress_free(s.progress);
    buf_release(&s.line);
    remote_close(&r);
    return code;
}
