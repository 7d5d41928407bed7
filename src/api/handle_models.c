/* handle_models.c - the models that are here or could be, and the change to another. */
#include "api/internal.h"

static int put_model(void *ctx, const eye_model *m)
{
    shape_model(ctx, m);
    return 0;
}

static void reply(struct api_server *s, struct http_request *rq, int status)
{
    struct eye_err err;
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "models");
    jw_array(&o.w);
    int rc = eye_models(s->lib, NULL, put_model, &o.w, &err);
    jw_array_end(&o.w);
    jw_key(&o.w, "switching");
    api_switch_shape(s->change, &o.w);
    jw_object_end(&o.w);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, status, &o);
}

void handle_models(struct http_request *rq, void *ctx)
{
    if (api_no_query(rq))
        reply(ctx, rq, 200);
}

struct choice {
    const char *name;
    bool known, installed;
};

/* Only names of the list: eye_model_use would take a folder's path too, which is not for a page to say. */
static int look_at(void *ctx, const eye_model *m)
{
    struct choice *c = ctx;
    if (strcmp(m->name, c->name) == 0) {
        c->known = true;
        c->installed |= m->folder && m->supported;
    }
    return 0;
}

static int begin(struct api_server *s, const char *name, struct eye_err *err)
{
    struct choice c = {name, false, false};
    int rc = eye_models(s->lib, NULL, look_at, &c, err);
    if (rc)
        return rc;
    if (!c.known)
        return eye_fail(err, EYE_ENOTFOUND, "there is no model %s", name);
    if (!c.installed)
        return eye_fail(err, EYE_EBUSY, "model %s is not installed: `eyeshine model list` says how",
                        name);
    return api_switch_begin(s->change, name, err);
}

void handle_model_use(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {{"use", API_TEXT, 0, 1, 200, NULL}};
    struct eye_err err;
    const char *name = NULL;
    struct json *body = api_body(rq);
    if (!body)
        return;
    int rc = api_members(body, "the body", fields, 1, &name, NULL, &err);
    if (rc == 0 && !name)
        rc = eye_fail(&err, EYE_EINVAL, "the body needs 'use': the name of a model");
    rc = rc ? rc : begin(ctx, name, &err);
    if (rc)
        api_problem_err(rq, &err);
    else
        reply(ctx, rq, 202);
    json_free(body);
}
