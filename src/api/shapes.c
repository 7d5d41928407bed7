/* shapes.c - the things of the library as the objects of docs/openapi.yaml. */
#include "api/internal.h"

void shape_time(struct json_writer *w, const char *key, int64_t t)
{
    struct tm tm;
    char text[80];
    time_t when = (time_t)t;
    jw_key(w, key);
    /* years that ISO 8601 writes with four digits */
    if (t == EYE_TIME_UNKNOWN || t < INT64_C(-62135596800) || t > INT64_C(253402300799) ||
        !gmtime_r(&when, &tm)) {
        jw_null(w);
        return;
    }
    /* not strftime: its %Y has no leading zeros */
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    jw_str(w, text);
}

static void kuint(struct json_writer *w, const char *key, uint64_t v)
{
    jw_kint(w, key, v > (uint64_t)API_ID_MAX ? API_ID_MAX : (int64_t)v);
}

static void ktext_or_null(struct json_writer *w, const char *key, const char *text)
{
    jw_kstr(w, key, text && *text ? text : NULL);
}

static void knum_or_null(struct json_writer *w, const char *key, double v, bool known)
{
    if (known) {
        jw_knum(w, key, v, 9);
    } else {
        jw_key(w, key);
        jw_null(w);
    }
}

void shape_name(struct json_writer *w, const char *path)
{
    path = path ? path : "";
    const char *slash = strrchr(path, '/');
    jw_kstr(w, "name", slash ? slash + 1 : path);
    jw_kstr(w, "path", path);
}

void shape_summary(struct json_writer *w, const eye_result *r, bool scored)
{
    jw_object(w);
    jw_kint(w, "id", r->id);
    jw_kstr(w, "hash", r->hash);
    jw_kstr(w, "format", r->format);
    jw_kint(w, "width", r->width);
    jw_kint(w, "height", r->height);
    kuint(w, "bytes", r->size);
    shape_time(w, "taken_at", r->taken_at);
    shape_time(w, "added_at", r->added_at);
    jw_kbool(w, "offline", r->offline);
    shape_name(w, r->path);
    kuint(w, "copies", r->paths);
    if (scored) {
        jw_knum(w, "score", (double)r->score, 6);
        jw_knum(w, "similarity", (double)r->similarity, 4);
        jw_kbool(w, "relevant", r->relevant);
    }
    jw_object_end(w);
}

static void put_place(struct json_writer *w, const eye_picture *p)
{
    jw_key(w, "gps");
    if (!p->has_gps) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_knum(w, "lat", p->lat, 9);
    jw_knum(w, "lon", p->lon, 9);
    jw_object_end(w);
}

void shape_picture(struct json_writer *w, const eye_picture *p)
{
    jw_object(w);
    jw_kint(w, "id", p->id);
    jw_kstr(w, "hash", p->hash);
    jw_kstr(w, "format", p->format);
    ktext_or_null(w, "camera", p->camera);
    jw_kint(w, "width", p->width);
    jw_kint(w, "height", p->height);
    kuint(w, "bytes", p->size);
    shape_time(w, "taken_at", p->taken_at);
    shape_time(w, "added_at", p->added_at);
    jw_kbool(w, "offline", p->offline);
    shape_name(w, p->npaths ? p->paths[0] : "");
    jw_key(w, "paths");
    jw_array(w);
    for (size_t i = 0; i < p->npaths; i++)
        jw_str(w, p->paths[i]);
    jw_array_end(w);
    put_place(w, p);
    jw_object_end(w);
}

static const char *kind_name(eye_job_kind k)
{
    static const char *const names[] = {
        [EYE_JOB_UPLOAD] = "upload", [EYE_JOB_SCAN] = "scan", [EYE_JOB_RETRY] = "retry"};
    return (size_t)k < sizeof names / sizeof names[0] ? names[k] : "upload";
}

static const char *state_name(eye_job_state s)
{
    static const char *const names[] = {
        [EYE_JOB_OPEN] = "open", [EYE_JOB_QUEUED] = "queued", [EYE_JOB_RUNNING] = "running",
        [EYE_JOB_DONE] = "done", [EYE_JOB_FAILED] = "failed", [EYE_JOB_CANCELLED] = "cancelled"};
    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : "failed";
}

void shape_job(struct json_writer *w, const eye_job *j)
{
    jw_object(w);
    jw_kint(w, "id", j->id);
    jw_kstr(w, "kind", kind_name(j->kind));
    jw_kstr(w, "state", state_name(j->state));
    jw_kstr(w, "title", j->title ? j->title : "");
    jw_kstr(w, "note", j->note ? j->note : "");
    kuint(w, "total", j->total);
    kuint(w, "done", j->done);
    kuint(w, "indexed", j->indexed);
    kuint(w, "duplicates", j->duplicates);
    kuint(w, "unchanged", j->unchanged);
    kuint(w, "removed", j->removed);
    kuint(w, "failed", j->failed);
    jw_knum(w, "rate", j->rate > 0 ? j->rate : 0, 4);
    knum_or_null(w, "eta", j->eta, j->eta >= 0);
    shape_time(w, "created_at", j->created_at);
    shape_time(w, "finished_at", j->finished_at);
    kuint(w, "version", j->version);
    jw_object_end(w);
}

static const char *const item_states[] = {[EYE_ITEM_WAITING] = "waiting",
                                          [EYE_ITEM_INDEXED] = "indexed",
                                          [EYE_ITEM_DUPLICATE] = "duplicate",
                                          [EYE_ITEM_FAILED] = "failed"};

const char *shape_item_state(eye_item_state s)
{
    return (size_t)s < sizeof item_states / sizeof item_states[0] ? item_states[s] : "failed";
}

void shape_item(struct json_writer *w, const eye_item *i)
{
    jw_object(w);
    jw_kint(w, "seq", i->seq);
    jw_kstr(w, "name", i->name);
    jw_kstr(w, "state", shape_item_state(i->state));
    jw_key(w, "picture");
    if (i->picture > 0)
        jw_int(w, i->picture);
    else
        jw_null(w);
    kuint(w, "bytes", i->size);
    jw_kstr(w, "reason", i->reason ? i->reason : "");
    jw_kstr(w, "code", i->code ? i->code : "");
    jw_object_end(w);
}

const char *shape_watch_how(eye_watch_how how)
{
    static const char *const names[] = {[EYE_WATCH_OFF] = "off",
                                        [EYE_WATCH_NOTIFIED] = "notified",
                                        [EYE_WATCH_POLLED] = "polled",
                                        [EYE_WATCH_OFFLINE] = "offline"};
    return (size_t)how < sizeof names / sizeof names[0] ? names[how] : "off";
}

static void put_watch(struct json_writer *w, const eye_watch_state *s)
{
    jw_key(w, "watch");
    jw_object(w);
    jw_kstr(w, "how", shape_watch_how(s ? s->how : EYE_WATCH_OFF));
    jw_kstr(w, "why", s ? s->why : "");
    kuint(w, "folders", s ? s->folders : 0);
    shape_time(w, "changed_at", s ? s->changed_at : EYE_TIME_UNKNOWN);
    jw_object_end(w);
}

void shape_root(struct json_writer *w, const eye_root *r, const eye_watch_state *watch)
{
    jw_object(w);
    jw_kint(w, "id", r->id);
    jw_kstr(w, "path", r->path);
    jw_kbool(w, "offline", r->offline);
    jw_kbool(w, "uploads", r->uploads);
    kuint(w, "files", r->files);
    kuint(w, "failures", r->failures);
    shape_time(w, "last_scan", r->last_scan);
    put_watch(w, watch);
    jw_object_end(w);
}

void shape_failure(struct json_writer *w, const eye_failure *f)
{
    jw_object(w);
    jw_kstr(w, "path", f->path);
    jw_kstr(w, "reason", f->reason);
    jw_kstr(w, "code", f->code);
    shape_time(w, "at", f->at);
    jw_kint(w, "attempts", f->attempts);
    jw_object_end(w);
}

void shape_model(struct json_writer *w, const eye_model *m)
{
    jw_object(w);
    jw_kstr(w, "name", m->name);
    jw_kbool(w, "in_use", m->in_use);
    jw_kbool(w, "installed", m->folder != NULL);
    jw_kbool(w, "supported", m->supported);
    jw_kint(w, "dim", m->dim);
    jw_kint(w, "image_size", m->image_size);
    ktext_or_null(w, "licence", m->licence);
    kuint(w, "parameters", m->parameters);
    kuint(w, "bytes", m->bytes);
    knum_or_null(w, "recall_flickr", m->recall_flickr, m->recall_flickr > 0);
    knum_or_null(w, "recall_coco", m->recall_coco, m->recall_coco > 0);
    ktext_or_null(w, "install", m->install);
    jw_object_end(w);
}
