/* handle_events.c - GET /events: a page that follows what happens; and where the events come from. */
#include "api/hub.h"
#include "api/internal.h"
#include "api/server.h"

enum { STREAM_BUFFER = 256 << 10 };

/* ---- a listener ---- */

static int stream_send(void *ctx, const void *bytes, size_t len)
{
    return http_stream_try(ctx, bytes, len);
}

static void stream_close(void *ctx)
{
    http_stream_close(ctx);
}

void handle_events(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    int64_t job = 0;
    struct eye_err err = {0};
    static const struct api_field fields[] = {{"job", API_INT, 0, 1, (double)API_ID_MAX, NULL}};
    if (api_query(rq, fields, 1, &job, &err) != 0) {
        api_problem_err(rq, &err);
        return;
    }
    if (api_hub_listeners(s->hub) >= API_HUB_STREAMS) {
        http_set(rq, "Retry-After", "5");
        api_problem(rq, 503, "busy", "as many pages listen to events as may: close one");
        return;
    }
    http_set(rq, "Cache-Control", "no-store");
    http_set(rq, "X-Accel-Buffering", "no"); /* nginx would keep the events to itself */
    if (http_is_head(rq)) {
        http_reply(rq, 200, "text/event-stream", NULL);
        return;
    }
    struct http_stream *stream = http_reply_stream(rq, 200, "text/event-stream", STREAM_BUFFER);
    if (!stream)
        return;
    struct api_sink sink = {stream_send, stream_close, stream};
    api_hub_listen(s->hub, &sink, job, http_header(rq, "Last-Event-ID"), NULL);
}

/* ---- what there is to tell ---- */

static void publish(struct api_server *s, const char *name, int64_t job, struct api_out *o)
{
    if (!o->w.code && buf_putc(&o->buf, '\0', NULL) == 0)
        api_hub_publish(s->hub, name, job, o->buf.data);
    api_out_drop(o);
}

void api_job_changed(struct api_server *s, const eye_job *job)
{
    struct api_out o;
    api_out_init(&o);
    shape_job(&o.w, job);
    publish(s, "job", job->id, &o);
}

void api_library_changed(struct api_server *s)
{
    eye_status st;
    struct api_out o;
    if (eye_status_get(s->lib, &st, NULL) != 0)
        return;
    api_out_init(&o);
    jw_object(&o.w);
    jw_kint(&o.w, "pictures", (int64_t)st.pictures);
    jw_kint(&o.w, "failures", (int64_t)st.failures);
    jw_object_end(&o.w);
    publish(s, "library", 0, &o);
}

/* Who only listens need not know where the pictures lie: what is told is that there is something to fetch. */
void api_root_changed(struct api_server *s, const eye_watch_state *state)
{
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_kstr(&o.w, "how", shape_watch_how(state->how));
    jw_object_end(&o.w);
    publish(s, "roots", 0, &o);
}
