/* handle_duplicates.c - the same picture more than once, page by page.
 *
 * Groups may take minutes to be found in a large library, and a worker of the server must not be held for minutes. So the library finds them in a
 * thread of its own; who asks waits a moment, and else gets an empty page that says how far it is. Pages after the first take groups
 * that are some minutes old rather than have them found anew: they are of one list then. */
#include "api/internal.h"

enum { WAIT_MS = 1500, FIRST_AGE = 20, NEXT_AGE = 600 };

struct ask {
    int kind; /* 1 + eye_dup_kind */
    int64_t distance, after, limit;
    double cosine;
    const char *path;
};

static const char *const kinds[] = {"same", "near", "similar", NULL};

static void put_member(struct json_writer *w, const eye_dup_member *m)
{
    jw_object(w);
    jw_kint(w, "id", m->id);
    shape_name(w, m->path);
    jw_kbool(w, "offline", m->offline);
    jw_kint(w, "size", (int64_t)m->size);
    jw_kint(w, "width", m->width);
    jw_kint(w, "height", m->height);
    jw_kstr(w, "format", m->format);
    jw_kstr(w, "hash", m->hash);
    if (m->distance >= 0) {
        jw_kint(w, "distance", m->distance);
    } else {
        jw_key(w, "distance");
        jw_null(w);
    }
    jw_knum(w, "cosine", (double)m->cosine, 6);
    jw_object_end(w);
}

static int put_group(void *ctx, const eye_dup_group *g)
{
    struct json_writer *w = ctx;
    jw_object(w);
    jw_kint(w, "id", g->members[0].id);
    jw_key(w, "members");
    jw_array(w);
    for (size_t i = 0; i < g->n; i++)
        put_member(w, &g->members[i]);
    jw_array_end(w);
    jw_object_end(w);
    return 0;
}

static void put_progress(struct json_writer *w, const eye_dup_state *state)
{
    jw_key(w, "progress");
    if (state->ready) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kint(w, "done", (int64_t)state->done);
    jw_kint(w, "total", (int64_t)state->total);
    jw_object_end(w);
}

static int put_answer(struct api_server *s, struct json_writer *w, const eye_dup_options *o,
                      const eye_dup_state *state, struct eye_err *err)
{
    eye_dup_totals totals = {0};
    jw_object(w);
    jw_kstr(w, "kind", kinds[o->kind]);
    jw_key(w, "groups");
    jw_array(w);
    int rc = state->ready ? eye_duplicates(s->lib, o, put_group, w, &totals, err) : 0;
    jw_array_end(w);
    jw_kint(w, "total", (int64_t)totals.groups);
    jw_key(w, "next");
    if (totals.next)
        jw_int(w, totals.next);
    else
        jw_null(w);
    jw_kint(w, "unknown", (int64_t)totals.unknown);
    put_progress(w, state);
    jw_object_end(w);
    return rc;
}

void handle_duplicates(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {
        {"kind", API_WORD, offsetof(struct ask, kind), 0, 0, kinds},
        {"distance", API_INT, offsetof(struct ask, distance), 0, 16, NULL},
        {"cosine", API_NUM, offsetof(struct ask, cosine), 0.5, 1, NULL},
        {"path", API_TEXT, offsetof(struct ask, path), 1, 1000, NULL},
        {"after", API_INT, offsetof(struct ask, after), 0, (double)API_ID_MAX, NULL},
        {"limit", API_INT, offsetof(struct ask, limit), 1, API_LIMIT_MAX, NULL},
    };
    struct api_server *s = ctx;
    struct eye_err err;
    struct api_out out;
    eye_dup_state state;
    struct ask ask = {.kind = 1 + EYE_DUP_SAME, .distance = -1, .limit = 100};
    int rc = api_query(rq, fields, sizeof fields / sizeof *fields, &ask, &err);
    eye_dup_options o = {.kind = (eye_dup_kind)(ask.kind - 1),
                         .distance = (int)ask.distance,
                         .cosine = (float)ask.cosine,
                         .path = ask.path,
                         .after = ask.after,
                         .limit = (size_t)ask.limit,
                         .only_known = true,
                         .max_age = ask.after ? NEXT_AGE : FIRST_AGE};
    rc = rc ? rc : eye_duplicates_prepare(s->lib, &o, WAIT_MS, &state, &err);
    if (rc) {
        api_problem_err(rq, &err);
        return;
    }
    api_out_init(&out);
    rc = put_answer(s, &out.w, &o, &state, &err);
    if (rc) {
        api_out_drop(&out);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, 200, &out);
}
