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

/* null: the library lies in its folder. Address and version are for those who may change it. */
static void put_store(struct json_writer *w, const eye_remote *r, bool whole)
{
    jw_key(w, "store");
    if (!r->name) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kstr(w, "kind", "milvus");
    jw_kstr(w, "name", whole ? r->name : NULL);
    jw_kstr(w, "version", whole ? r->version : NULL);
    jw_kbool(w, "loaded", r->loaded);
    jw_kstr(w, "state", r->state);
    jw_kstr(w, "index", r->index[0] ? r->index : NULL);
    jw_kint(w, "rows", (int64_t)r->rows);
    jw_kint(w, "indexed", (int64_t)r->indexed);
    jw_object_end(w);
}

/* The server first: when it is away, nothing else of it can be told. */
static int ask(struct api_server *s, eye_status *st, eye_remote *r, struct eye_err *err)
{
    int rc = eye_remote_get(s->lib, r, err);
    if (rc == 0 && r->name && !r->reachable) {
        *err = (struct eye_err){.code = EYE_EREMOTE};
        snprintf(err->msg, sizeof err->msg, "%s", r->trouble);
        rc = EYE_EREMOTE;
    }
    return rc ? rc : eye_status_get(s->lib, st, err);
}

void handle_status(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    struct api_out o;
    eye_status st;
    eye_remote r;
    if (!api_no_query(rq))
        return;
    if (ask(s, &st, &r, &err) != 0) {
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
    put_store(&o.w, &r, writer);
    jw_kstr(&o.w, "model", st.model);
    jw_kint(&o.w, "dim", st.dim);
    jw_kbool(&o.w, "samples", s->cfg.samples_dir && st.pictures == 0);
    jw_kstr(&o.w, "library", folder_of(&st, writer));
    jw_kbool(&o.w, "writable", writer);
    put_limits(&o.w, s);
    jw_object_end(&o.w);
    api_out_send(rq, 200, &o);
}
