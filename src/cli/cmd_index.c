/* cmd_index.c - `eyeshine index`: add or refresh folders of pictures. */
#include <limits.h>

#include "base/json.h"
#include "cli/index.h"
#include "cli/remote.h"

enum {
    O_EXCLUDE,
    O_DRY,
    O_RETRY,
    O_ALL,
    O_PART,
    O_WATCH,
    O_SETTLE,
    O_POLL,
    O_JSON,
    O_SERVER,
    O_KEY,
    O_COUNT
};

static const struct cli_opt opts[O_COUNT] = {
    [O_EXCLUDE] = {.name = "exclude",
                   .letter = 'x',
                   .kind = CLI_LIST,
                   .arg = "GLOB",
                   .help = "leave out what matches, by path below the root or by name; repeatable"},
    [O_DRY] = {.name = "dry-run",
               .letter = 'n',
               .kind = CLI_FLAG,
               .help = "say what would be done, change nothing"},
    [O_RETRY] = {.name = "retry-failed",
                 .kind = CLI_FLAG,
                 .help = "try files again that failed and have not changed since"},
    [O_ALL] = {.name = "all-files",
               .kind = CLI_FLAG,
               .help = "look into every file, whatever its name"},
    [O_PART] = {.name = "part",
                .kind = CLI_TEXT,
                .arg = "I/N",
                .help = "only the I-th of N equal parts of the files (0: the N-th)"},
    [O_WATCH] = {.name = "watch",
                 .letter = 'w',
                 .kind = CLI_FLAG,
                 .help = "then go on, and index what changes as it changes, until Ctrl-C"},
    [O_SETTLE] = {.name = "settle",
                  .kind = CLI_NUM,
                  .arg = "SECONDS",
                  .help = "with --watch: nothing must have happened for so long (default 2)",
                  .min = 0.05,
                  .max = 3600},
    [O_POLL] = {.name = "poll",
                .kind = CLI_NUM,
                .arg = "SECONDS",
                .help = "with --watch: how often to look where nothing tells of changes (default "
                        "300)",
                .min = 1,
                .max = 864000},
    [O_JSON] = {.name = "json",
                .kind = CLI_FLAG,
                .help = "events on stdout, one JSON object a line"},
    [O_SERVER] = {.name = "server",
                  .kind = CLI_SETTING,
                  .arg = "URL",
                  .help = "upload to this server: http://HOST:PORT or unix:PATH",
                  .setting = SET_SERVER},
    [O_KEY] = {.name = "key-file",
               .kind = CLI_SETTING,
               .arg = "FILE",
               .help = "API key for --server (or $EYESHINE_KEY)",
               .setting = SET_KEY_FILE},
};

static const char *outcome_name(eye_file_outcome o)
{
    static const char *const names[] = {
        [EYE_FILE_INDEXED] = "indexed",         [EYE_FILE_UPDATED] = "updated",
        [EYE_FILE_LINKED] = "linked",           [EYE_FILE_UNCHANGED] = "unchanged",
        [EYE_FILE_REMOVED] = "removed",         [EYE_FILE_FAILED] = "failed",
        [EYE_FILE_WOULD_INDEX] = "would-index", [EYE_FILE_WOULD_REMOVE] = "would-remove",
    };
    return names[o];
}

static int put_event_json(struct index_run *run, const eye_index_event *e)
{
    struct json_writer w;
    jw_init(&w, &run->line);
    jw_object(&w);
    jw_kstr(&w, "event", outcome_name(e->outcome));
    cli_json_path(&w, e->path);
    if (e->reason) {
        jw_kstr(&w, "code", eye_err_name(e->code));
        jw_kstr(&w, "reason", e->reason);
    }
    jw_object_end(&w);
    return cli_put_json(&run->line);
}

int index_on_event(void *ctx, const eye_index_event *e)
{
    struct index_run *run = ctx;
    if (run->json)
        return put_event_json(run, e) || cli_stopped();
    if (e->outcome == EYE_FILE_FAILED && !run->quiet) {
        cli_progress_clear(run->progress);
        fputs("failed: ", stderr);
        cli_put_path(stderr, e->path);
        fprintf(stderr, ": %s\n", e->reason);
    } else if (run->dry) {
        cli_progress_clear(run->progress);
        printf("%s ", outcome_name(e->outcome));
        cli_put_path(stdout, e->path);
        putchar('\n');
    }
    return cli_stopped();
}

static void put_counts(struct json_writer *w, const eye_index_progress *p)
{
    jw_kint(w, "seen", (int64_t)p->seen);
    jw_kint(w, "indexed", (int64_t)p->indexed);
    jw_kint(w, "updated", (int64_t)p->updated);
    jw_kint(w, "linked", (int64_t)p->linked);
    jw_kint(w, "unchanged", (int64_t)p->unchanged);
    jw_kint(w, "removed", (int64_t)p->removed);
    jw_kint(w, "failed", (int64_t)p->failed);
    jw_kint(w, "skipped", (int64_t)p->skipped);
    jw_kint(w, "offline_roots", (int64_t)p->offline_roots);
    jw_kint(w, "total", (int64_t)p->total);
    jw_knum(w, "seconds", p->seconds, 6);
    jw_knum(w, "rate", p->rate, 4);
    if (p->waiting)
        jw_kstr(w, "waiting", p->waiting);
}

int index_put_json(struct index_run *run, const char *event, const eye_index_progress *p)
{
    struct json_writer w;
    jw_init(&w, &run->line);
    jw_object(&w);
    jw_kstr(&w, "event", event);
    put_counts(&w, p);
    jw_object_end(&w);
    int code = cli_put_json(&run->line);
    fflush(stdout);
    return code;
}

int index_on_progress(void *ctx, const eye_index_progress *p)
{
    struct index_run *run = ctx;
    if (run->json)
        return index_put_json(run, "progress", p) || cli_stopped();
    cli_progress_show(run->progress, p);
    return cli_stopped();
}

static void add_part(struct buf *b, uint64_t n, const char *what)
{
    if (n)
        buf_printf(b, NULL, "%s%llu %s", b->len ? ", " : "", (unsigned long long)n, what);
}

/* "1000 indexed, 3 failed in 0:12 (83.1 pictures/s)" */
void index_put_summary(const eye_index_progress *p, bool dry)
{
    struct buf b;
    char took[24];
    buf_init(&b, 4096);
    add_part(&b, p->indexed, dry ? "to index" : "indexed");
    add_part(&b, p->updated, "updated");
    add_part(&b, p->linked, "known by content");
    add_part(&b, p->unchanged, "unchanged");
    add_part(&b, p->removed, dry ? "to remove" : "removed");
    add_part(&b, p->failed, "failed");
    cli_human_time(p->seconds, took);
    fprintf(stderr, "%s in %s", b.len ? b.data : "no pictures found", took);
    uint64_t made = p->indexed + p->updated;
    if (made && p->seconds > 0 && !dry)
        fprintf(stderr, " (%.1f pictures/s)", (double)made / p->seconds);
    fputc('\n', stderr);
    if (p->failed && !dry)
        fputs("'eyeshine failures' lists what failed and why; 'eyeshine failures --retry' tries "
              "again\n",
              stderr);
    if (p->offline_roots) {
        char folders[48];
        fprintf(stderr, "%s offline: nothing of %s was removed\n",
                cli_count(p->offline_roots, "folder", folders),
                p->offline_roots == 1 ? "it" : "them");
    }
    buf_release(&b);
}

int cli_run_index(struct cli_ctx *ctx, eye_lib *lib, const struct cli_list *paths,
                  eye_index_options *o, bool json)
{
    struct index_run run = {.json = json, .quiet = ctx->quiet, .dry = o->dry_run};
    struct eye_err err = {0};
    eye_index_progress end = {0};
    buf_init(&run.line, 1 << 20);
    run.progress = json ? NULL : cli_progress_new(stderr, ctx->quiet);
    o->progress = index_on_progress;
    o->event = index_on_event;
    o->ctx = &run;
    cli_catch_signals();

    int code = eye_index(lib, paths->items, paths->n, o, &end, &err);
    o->ctx = NULL;
    cli_progress_free(run.progress);
    if (json)
        index_put_json(&run, code == EYE_ECANCELLED ? "stopped" : code ? "error" : "done", &end);
    else if ((!code || code == EYE_ECANCELLED) && !ctx->quiet)
        index_put_summary(&end, o->dry_run);
    buf_release(&run.line);
    if (code == EYE_ECANCELLED) {
        cli_say("stopped; what was done is kept, the next run goes on from here");
        return CLI_FAILED;
    }
    if (code)
        return cli_fail(&err);
    return end.failed ? CLI_PARTLY : CLI_OK;
}

/* "3/16". Whoever counts from 0 (JOB_COMPLETION_INDEX of Kubernetes) has all N parts too: 0 is the same part as N. */
static int parse_part(const char *text, int *part, int *parts)
{
    char *end = NULL;
    long i = strtol(text, &end, 10);
    long n = *end == '/' && end[1] ? strtol(end + 1, &end, 10) : 0;
    if (*end || end == text || i < 0 || n < 1 || i > n || n > 1000000) {
        cli_say("--part: '%s' is not I/N with 1 <= I <= N (0 counts as N), like 3/16", text);
        return CLI_USAGE;
    }
    *part = (int)(i ? i : n);
    *parts = (int)n;
    return 0;
}

static int index_there(struct cli_ctx *ctx, const struct cli_list *paths,
                       const struct cli_list *globs, const eye_index_options *o, bool json)
{
    if (o->dry_run || o->retry_failed || o->parts) {
        cli_say("--dry-run, --retry-failed and --part are not for --server");
        return CLI_USAGE;
    }
    return remote_index(ctx, paths, globs, o->all_files, json);
}

/* What goes together. settle, poll: 0 unless given. */
static int check_mix(const eye_index_options *o, bool watch, double settle, double poll, bool there)
{
    if (watch && (o->dry_run || o->parts || there)) {
        cli_say("--watch does not go with --dry-run, --part and --server");
        return CLI_USAGE;
    }
    if (!watch && (settle > 0 || poll > 0)) {
        cli_say("%s is for --watch", settle > 0 ? "--settle" : "--poll");
        return CLI_USAGE;
    }
    return 0;
}

static int run_index(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list paths = {0};
    struct cli_list globs = {0};
    const char *part = NULL;
    bool json = false, watch = false;
    double settle = 0, poll = 0;
    eye_index_options o = {0};
    char *copy = NULL;
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_EXCLUDE].value = &globs;
    bound[O_DRY].value = &o.dry_run;
    bound[O_RETRY].value = &o.retry_failed;
    bound[O_ALL].value = &o.all_files;
    bound[O_PART].value = &part;
    bound[O_WATCH].value = &watch;
    bound[O_SETTLE].value = &settle;
    bound[O_POLL].value = &poll;
    bound[O_JSON].value = &json;

    int code = cli_parse(ctx, &cmd_index, argc, argv, bound, O_COUNT, &paths);
    if (!code && part)
        code = parse_part(part, &o.part, &o.parts);
    if (!code)
        code = cli_setting_list(&ctx->settings.all[SET_EXCLUDE], ":", &copy, &globs);
    if (!code)
        code = cli_options(ctx);
    bool there = ctx->settings.all[SET_SERVER].value != NULL;
    if (!code)
        code = check_mix(&o, watch, settle, poll, there);
    eye_lib *lib = code || there ? NULL : cli_open(ctx, true);
    if (!code && there) {
        code = index_there(ctx, &paths, &globs, &o, json);
    } else if (lib) {
        o.exclude = globs.items;
        o.nexclude = globs.n;
        eye_watch_options w = {.settle = settle, .poll = poll, .index = o};
        code = watch ? index_watch(ctx, lib, &paths, &w, json)
                     : cli_run_index(ctx, lib, &paths, &o, json);
        eye_close(lib);
    } else if (!code) {
        code = CLI_FAILED;
    }
    free(copy);
    cli_list_free(&globs);
    cli_list_free(&paths);
    return code;
}

const struct cli_command cmd_index = {
    .name = "index",
    .args = "[PATH...]",
    .summary = "Add or refresh all pictures below each PATH (without one: all folders known)",
    .text = "Files that have not changed (size and time) are not read; renamed or moved files keep "
            "their embedding; the same\n"
            "bytes are embedded once; deleted files leave the results. A folder that is missing, "
            "or empty where pictures\n"
            "were, is taken as not mounted: nothing of it is removed ('eyeshine remove' does "
            "that). A file that can't be read\n"
            "as a picture costs only that file: 'eyeshine failures' lists them. It can be stopped "
            "at any time (Ctrl-C) and\n"
            "goes on from there when run again. Hidden files and folders are left out.\n"
            "With --originals PLACE each PATH lies below PLACE, and without a PATH all of it is "
            "indexed.\n"
            "Of a folder of which only single files were named, the next index without a path "
            "looks at those files only.\n"
            "With --watch it stays: a file is read once nobody has written to it for a moment, "
            "what moves keeps its embedding,\n"
            "and a disk that goes away and comes back is looked at again. Network folders, and "
            "those for which the system has no\n"
            "watches left, are looked at every --poll seconds instead; a line says which and why.",
    .run = run_index,
    .opts = opts,
    .nopts = O_COUNT,
};
