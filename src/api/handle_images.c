/* handle_images.c - the list of pictures, one picture, and forgetting one. */
#include "api/internal.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- the list ---- */

struct list {
    struct api_filter filter;
    int64_t limit;
    const char *cursor;
    uint32_t seen, filter_seen;
    struct eye_err *err;
};

static const struct api_field page_fields[] = {
    {"limit", API_INT, offsetof(struct list, limit), 1, API_LIMIT_MAX, NULL},
    {"cursor", API_TEXT, offsetof(struct list, cursor), 1, 512, NULL},
};

static int on_parameter(void *ctx, const char *name, const char *value)
{
    struct list *l = ctx;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(name, page_fields[i].name) == 0)
            return api_query_one(page_fields, 2, l, &l->seen, name, value, l->err);
    return api_query_one(api_filter_fields, API_FILTER_FIELDS, &l->filter, &l->filter_seen, name,
                         value, l->err);
}

static void reply_list(struct http_request *rq, const eye_results *found)
{
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "images");
    jw_array(&o.w);
    for (size_t i = 0; i < eye_results_count(found); i++)
        shape_summary(&o.w, eye_results_at(found, i), false);
    jw_array_end(&o.w);
    jw_kstr(&o.w, "next", eye_results_next(found));
    jw_kint(&o.w, "total", (int64_t)eye_results_total(found));
    jw_object_end(&o.w);
    api_out_send(rq, 200, &o);
}

void handle_images(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    eye_filter filter;
    eye_results *found = NULL;
    struct list l = {.limit = 48, .err = &err};
    api_filter_init(&l.filter);
    int rc = http_query_each(rq, on_parameter, &l);
    if (rc == 0) {
        api_filter_to(&l.filter, &filter);
        const eye_find_options options = {
            .limit = (size_t)l.limit, .min_score = -2, .filter = &filter, .cursor = l.cursor};
        rc = eye_find(s->lib, NULL, 0, &options, &found, &err);
    }
    if (rc == 0)
        reply_list(rq, found);
    else
        api_problem_err(rq, &err);
    eye_results_free(found);
}

/* ---- one ---- */

/* The picture that the path names; NULL: it has answered. */
static eye_picture *picture_of(struct api_server *s, struct http_request *rq)
{
    struct eye_err err;
    eye_picture *p = NULL;
    int64_t id = 0;
    if (!api_no_query(rq))
        return NULL;
    int rc = api_path_id(rq, &id, &err);
    rc = rc ? rc : eye_picture_get(s->lib, id, &p, &err);
    if (rc)
        api_problem_err(rq, &err);
    return rc ? NULL : p;
}

void handle_image(struct http_request *rq, void *ctx)
{
    struct api_out o;
    eye_picture *p = picture_of(ctx, rq);
    if (!p)
        return;
    api_out_init(&o);
    shape_picture(&o.w, p);
    api_out_send(rq, 200, &o);
    eye_picture_free(p);
}

/* ---- forgetting one ---- */

static int find_uploads(void *ctx, const eye_root *root)
{
    char **path = ctx;
    if (root->uploads && !*path)
        *path = mem_strdup(root->path, NULL);
    return 0;
}

/* Unlink `rel` below the folder `dir`, step by step and through no link, then the folders that this leaves empty. */
static void unlink_below(int dir, const char *rel)
{
    const char *slash = strchr(rel, '/');
    char name[256];
    if (!slash) {
        unlinkat(dir, rel, 0);
        return;
    }
    size_t n = (size_t)(slash - rel);
    if (n == 0 || n >= sizeof name)
        return;
    memcpy(name, rel, n);
    name[n] = '\0';
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    int below = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return;
    unlink_below(below, slash + 1);
    close(below);
    unlinkat(dir, name, AT_REMOVEDIR); /* fails if something is left in it: so it should */
}

/* Only what lies in the uploads folder is ours to delete. */
static void delete_uploads(const eye_picture *p, const char *uploads)
{
    int dir = open(uploads, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t n = strlen(uploads);
    for (size_t i = 0; dir >= 0 && i < p->npaths; i++)
        if (strcmp(p->paths[i], uploads) != 0 && api_below(uploads, p->paths[i]))
            unlink_below(dir, p->paths[i] + n + 1);
    if (dir >= 0)
        close(dir);
}

void handle_image_delete(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    uint64_t removed = 0;
    char *uploads = NULL;
    eye_picture *p = picture_of(s, rq);
    if (!p)
        return;
    int rc = eye_roots(s->lib, find_uploads, &uploads, &err);
    /* first the library, which may refuse; a file that then stays would only be found again */
    rc = rc ? rc : eye_remove(s->lib, NULL, 0, &p->id, 1, &removed, &err);
    if (rc == 0 && uploads)
        delete_uploads(p, uploads);
    free(uploads);
    eye_picture_free(p);
    if (rc) {
        api_problem_err(rq, &err);
        return;
    }
    api_library_changed(s);
    api_no_content(rq);
}
