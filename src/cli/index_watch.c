/* index_watch.c - `eyeshine index --watch`: plain lines of what happens, or an event a line. */
#include "base/json.h"
#include "cli/index.h"

struct watch_run {
    struct index_run run;
    bool looked; /* the first look has been told */
};

static const char *how_name(eye_watch_how how)
{
    static const char *const names[] = {[EYE_WATCH_OFF] = "off",
                                        [EYE_WATCH_NOTIFIED] = "notified",
                                        [EYE_WATCH_POLLED] = "polled",
                                        [EYE_WATCH_OFFLINE] = "offline"};
    return names[how];
}

static void put_object(struct index_run *run, const char *event, const char *path,
                       const eye_watch_state *s, const char *reason)
{
    struct json_writer w;
    jw_init(&w, &run->line);
    jw_object(&w);
    jw_kstr(&w, "event", event);
    if (path)
        cli_json_path(&w, path);
    if (s) {
        jw_kstr(&w, "how", how_name(s->how));
        jw_kstr(&w, "why", s->why);
        jw_kint(&w, "folders", (int64_t)s->folders);
    }
    if (reason)
        jw_kstr(&w, "reason", reason);
    jw_object_end(&w);
    cli_put_json(&run->line);
    fflush(stdout);
}

static void on_state(void *ctx, const eye_watch_state *s)
{
    struct watch_run *w = ctx;
    char folders[48];
    if (w->run.json) {
        put_object(&w->run, "state", s->path, s, NULL);
        return;
    }
    if (w->run.quiet)
        return;
    cli_progress_clear(w->run.progress);
    fprintf(stderr, "%s ", s->how == EYE_WATCH_OFFLINE ? "offline:" : "watching");
    cli_put_path(stderr, s->path);
    if (s->how == EYE_WATCH_NOTIFIED)
        fprintf(stderr, ": told of changes in %s\n", cli_count(s->folders, "folder", folders));
    else
        fprintf(stderr, ": %s\n", s->why);
}

/* Not for people: looks that found nothing new. */
static bool is_news(const struct watch_run *w, const eye_index_progress *p)
{
    return !w->looked || p->indexed || p->updated || p->linked || p->removed;
}

static void on_looked(void *ctx, const eye_index_progress *p, int rc, const struct eye_err *why)
{
    struct watch_run *w = ctx;
    if (rc) {
        const char *event = rc == EYE_EBUSY ? "waiting" : "error";
        if (w->run.json) {
            put_object(&w->run, event, NULL, NULL, why->msg);
        } else {
            cli_progress_clear(w->run.progress);
            cli_say("%s: %s", rc == EYE_EBUSY ? "waits" : "tried again in a while", why->msg);
        }
        return;
    }
    if (w->run.json) {
        index_put_json(&w->run, "looked", p);
    } else if (!w->run.quiet && is_news(w, p)) {
        cli_progress_clear(w->run.progress);
        index_put_summary(p, false);
    }
    w->looked = true;
    if (!w->run.json) { /* its clock begins anew with each look */
        cli_progress_free(w->run.progress);
        w->run.progress = cli_progress_new(stderr, w->run.quiet);
    }
}

/* Small looks come and go without a line of progress. */
static int on_progress(void *ctx, const eye_index_progress *p)
{
    return p->seconds > 1 ? index_on_progress(ctx, p) : cli_stopped();
}

int index_watch(struct cli_ctx *ctx, eye_lib *lib, const struct cli_list *paths,
                const eye_watch_options *w, bool json)
{
    struct watch_run run = {.run = {.json = json, .quiet = ctx->quiet}};
    struct eye_err err = {0};
    eye_watch_options o = *w;
    buf_init(&run.run.line, 1 << 20);
    run.run.progress = json ? NULL : cli_progress_new(stderr, ctx->quiet);
    o.index.progress = on_progress;
    o.index.event = index_on_event;
    o.index.ctx = &run.run;
    o.state = on_state;
    o.looked = on_looked;
    o.stop = cli_stop_flag();
    o.ctx = &run;
    cli_catch_signals();
    int rc = eye_watch(lib, paths->items, paths->n, &o, &err);
    cli_progress_free(run.run.progress);
    if (json)
        put_object(&run.run, rc ? "error" : "stopped", NULL, NULL, rc ? err.msg : NULL);
    else if (!rc && !ctx->quiet)
        cli_say("stopped");
    buf_release(&run.run.line);
    if (rc == EYE_ECANCELLED) /* its output is read by nobody any more */
        return CLI_FAILED;
    return rc ? cli_fail(&err) : CLI_OK;
}
