/* export_to.c - `eyeshine export --to`: a library copied into another one, on a server or in a folder. */
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/export_to.h"

struct mover {
    bool shown, drawn; /* a line that is drawn again */
    bool quiet;
    double last;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* On a terminal a line that is drawn again, else one every ten seconds. */
static int on_progress(void *ctx, eye_move_phase phase, uint64_t done, uint64_t total,
                       const char *waiting)
{
    static const char *const doing[] = {"copying picture", "making the index", "comparing"};
    struct mover *m = ctx;
    double t = now();
    if (m->quiet || t - m->last < (m->shown ? 0.1 : 10))
        return cli_stopped();
    m->last = t;
    m->drawn = m->shown;
    fputs(m->shown ? "\r\033[K" : "", stderr);
    if (waiting)
        fprintf(stderr, "waiting: %.200s", waiting);
    else if (phase == EYE_MOVE_COPYING)
        fprintf(stderr, "%s %llu of %llu", doing[phase], (unsigned long long)done,
                (unsigned long long)total);
    else
        fputs(doing[phase], stderr);
    fputs(m->shown ? "" : "\n", stderr);
    fflush(stderr);
    return cli_stopped();
}

static void say(const eye_move_counts *n, bool dry)
{
    char pictures[48], files[48], failures[48], here[48];
    printf("%s with %s %s, %llu there already", cli_count(n->pictures, "picture", pictures),
           cli_count(n->files, "file", files), dry ? "to be copied" : "copied",
           (unsigned long long)n->known);
    if (n->failures)
        printf("; %s", cli_count(n->failures, "failure", failures));
    putchar('\n');
    if (dry)
        return;
    printf("checked: %s here, %llu there", cli_count(n->here, "picture", here),
           (unsigned long long)n->there);
    if (n->asked)
        printf("; of a sample of %zu %llu are missing, and %.2f %% of their nearest neighbours are "
               "the same",
               n->asked, (unsigned long long)n->missing, n->same * 100);
    putchar('\n');
}

static int put_json(const eye_move_counts *n, bool dry)
{
    struct json_writer w;
    struct buf b;
    buf_init(&b, 65536);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kbool(&w, "dry_run", dry);
    jw_kint(&w, "pictures", (int64_t)n->pictures);
    jw_kint(&w, "files", (int64_t)n->files);
    jw_kint(&w, "failures", (int64_t)n->failures);
    jw_kint(&w, "known", (int64_t)n->known);
    if (!dry) {
        jw_kint(&w, "here", (int64_t)n->here);
        jw_kint(&w, "there", (int64_t)n->there);
        jw_kint(&w, "sampled", (int64_t)n->asked);
        jw_kint(&w, "missing", (int64_t)n->missing);
        jw_kint(&w, "neighbours", (int64_t)n->compared);
        jw_knum(&w, "same", n->same, 6);
    }
    jw_object_end(&w);
    int code = cli_put_json(&b);
    buf_release(&b);
    return code;
}

/* Nothing is made for a dry run, so a library that is not there yet has nothing. */
static int nothing_there(eye_lib *from, const char *to, bool json)
{
    eye_status st;
    struct eye_err err = {0};
    eye_move_counts n = {0};
    if (eye_status_get(from, &st, &err) != 0)
        return cli_fail(&err);
    n.pictures = st.pictures;
    n.files = st.files;
    n.failures = st.failures;
    if (json)
        return put_json(&n, true);
    printf("%s: no library there yet\n", to);
    say(&n, true);
    return CLI_OK;
}

static eye_lib *open_there(const struct cli_ctx *ctx, const char *to, bool create,
                           struct eye_err *err)
{
    eye_options o = ctx->options;
    struct stat st;
    o.create = create;
    o.model = NULL; /* the source's */
    o.store = NULL;
    o.library = strncmp(to, "library:", 8) == 0 ? to + 8 : to;
    if (cli_is_server(to)) {
        o.create = true; /* of the folder here; a collection is made when something is written */
        o.store = to;
        o.library = NULL; /* what was named is the source's */
    } else if (!create && stat(o.library, &st) != 0) {
        *err = (struct eye_err){.code = EYE_ENOTFOUND};
        return NULL;
    }
    return eye_open(&o, err);
}

static int move(eye_lib *from, eye_lib *to, bool dry, bool json, bool quiet)
{
    struct mover m = {.shown = !quiet && cli_tty(stderr), .quiet = quiet, .last = now()};
    eye_move_options o = {.dry_run = dry, .progress = on_progress, .ctx = &m};
    eye_move_counts n;
    struct eye_err err = {0};
    int code = eye_move(from, to, &o, &n, &err);
    if (m.drawn)
        fputs("\r\033[K", stderr);
    if (code)
        return cli_fail(&err);
    if (json)
        code = put_json(&n, dry);
    else
        say(&n, dry);
    if (!dry && (n.missing || n.there < n.here)) {
        cli_say("not everything is there: run the same command again");
        return CLI_PARTLY;
    }
    return code;
}

int export_to_store(struct cli_ctx *ctx, const char *to, bool dry, bool json)
{
    struct eye_err err = {0};
    char *shown = cli_store_shown(to);
    eye_lib *from = shown ? cli_open(ctx, false) : NULL;
    eye_lib *there = from ? open_there(ctx, to, !dry, &err) : NULL;
    int code = CLI_FAILED;
    cli_catch_signals();
    if (there)
        code = move(from, there, dry, json, ctx->quiet);
    else if (from && dry && err.code == EYE_ENOTFOUND)
        code = nothing_there(from, shown, json);
    else if (from)
        code = cli_fail(&err);
    eye_close(there);
    eye_close(from);
    free(shown);
    return code;
}
