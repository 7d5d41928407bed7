/* handle_status.c - the library in numbers. */
#include "api/internal.h"

/* Where the library lies is told in whole only to those who may change it. */
static const char *folder_of(const eye_status *st, bool whole)
{
    const char *slash = strrchr(st->library, '/');
    return whole || !slash || !slash[1] ? st->library : slash + 1;
}

static void put_limits(struct json_writer *w, const struct api_server *s)
{
    jw_key(w, "limits");
    jw_object(w);
    jw_kint(w, "upload_bytes", (int64_t)s->cfg.max_upload);
    jw_kint(w, "files", API_UPLOAD_FILES);
    jw_object_end(w);
}

static void put_index(struct json_writer *w, const eye_status *st)
{
    jw_key(w, "index");
    jw_object(w);
    jw_kint(w, "segments", (int64_t)st->index_segments);
    jw_kint(w, "rows", (int64_t)st->index_rows);
    jw_kint(w, "bytes", (int64_t)st->index_bytes);
    jw_object_end(w);
}

void handle_status(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    struct api_out o;
    eye_status st;
    if (!api_no_query(rq))
        return;
    if (eye_status_get(s->lib, &st, &err) != 0) {
        api_problem_err(rq, &err);
        return;
    }
    bool writer = api_request_scope(s, rq) >= EYE_SCOPE_WRITE;
    api_out_init(&o);
    jw_object(&o.w);
    jw_kstr(&o.w, "version", eye_version());
    jw_kint(&o.w, "pictures", (int64_t)st.pictures);
    jw_kint(&o.w, "files", (int64_t)st.files);
    jw_kint(&o.w, "failures", (int64_t)st.failures);
    jw_kint(&o.w, "embedded", (int64_t)st.embedded);
    jw_kint(&o.w, "database_bytes", (int64_t)st.bytes);
    jw_kint(&o.w, "roots", (int64_t)st.roots);
    jw_kint(&o.w, "roots_offline", (int64_t)st.roots_offline);
    put_index(&o.w, &st);
    jw_kstr(&o.w, "model", st.model);
    jw_kint(&o.w, "dim", st.dim);
    jw_kbool(&o.w, "samples", s->cfg.samples_dir && st.pictures == 0);
    jw_kstr(&o.w, "library", folder_of(&st, writer));
    jw_kbool(&o.w, "writable", writer);
    put_limits(&o.w, s);
    jw_object_end(&o.w);
    api_out_send(rq, 200, &o);
}
