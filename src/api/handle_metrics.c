/* handle_metrics.c - what machines that watch the server ask: is it up, and its numbers. */
#include "api/hub.h"
#include "api/metrics.h"
#include "api/server.h"

enum { METRICS_MAX = 64 << 10, JOBS_COUNTED = 1000 };

void handle_healthz(struct http_request *rq, void *ctx)
{
    (void)ctx;
    static const char body[] = "{\"status\":\"ok\"}";
    if (!api_no_query(rq))
        return;
    http_set(rq, "Cache-Control", "no-store");
    http_reply_static(rq, 200, "application/json", body, sizeof body - 1);
}

/* Up is not ready: the store may be on a server that is away, and a restart of this one would not bring it back. So who restarts asks
 * healthz, and who sends requests asks this. Why not is told to those who may read; the sentence names a server that is nobody else's business. */
void handle_readyz(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    static const char body[] = "{\"status\":\"ok\"}";
    struct eye_err err = {0};
    if (!api_no_query(rq))
        return;
    http_set(rq, "Cache-Control", "no-store");
    if (eye_ready(s->lib, &err) == 0) {
        http_reply_static(rq, 200, "application/json", body, sizeof body - 1);
        return;
    }
    bool may_know = api_request_scope(s, rq) >= EYE_SCOPE_READ;
    http_set(rq, "Retry-After", "2");
    api_problem(rq, 503, eye_err_name(err.code),
                may_know ? err.msg : "searches cannot be answered just now");
}

static int count_job(void *ctx, const eye_job *job)
{
    struct api_gauges *g = ctx;
    if (job->state >= EYE_JOB_OPEN && job->state <= EYE_JOB_CANCELLED)
        g->jobs[job->state]++;
    return 0;
}

static int gauge(struct api_server *s, struct http_server *http, struct api_gauges *g,
                 struct eye_err *err)
{
    struct http_stats stats;
    eye_status st;
    int rc = eye_status_get(s->lib, &st, err);
    if (rc)
        return rc;
    http_stats_get(http, &stats);
    *g = (struct api_gauges){.pictures = st.pictures,
                             .files = st.files,
                             .failures = st.failures,
                             .embedded = st.embedded,
                             .database_bytes = st.bytes,
                             .index_segments = st.index_segments,
                             .index_rows = st.index_rows,
                             .index_bytes = st.index_bytes,
                             .bytes_in = stats.bytes_in,
                             .bytes_out = stats.bytes_out,
                             .refused = stats.refused,
                             .connections = stats.connections,
                             .busy_workers = stats.busy_workers,
                             .queued = stats.queued,
                             .listeners = api_hub_listeners(s->hub),
                             .up_seconds = api_up_seconds(s),
                             .version = eye_version()};
    return eye_jobs(s->lib, 0, JOBS_COUNTED, count_job, g, err);
}

void handle_metrics(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct api_gauges g;
    struct eye_err err = {0};
    struct buf out;
    if (!api_no_query(rq))
        return;
    buf_init(&out, METRICS_MAX);
    if (gauge(s, http_server_of(rq), &g, &err) != 0 ||
        api_metrics_put(s->metrics, &g, &out, &err) != 0) {
        buf_release(&out);
        api_problem_err(rq, &err);
        return;
    }
    http_set(rq, "Cache-Control", "no-store");
    http_reply(rq, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}
