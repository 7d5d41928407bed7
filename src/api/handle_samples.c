/* handle_samples.c - the sample pictures, for a library with nothing in it: copied in as an upload, so that they are the
 * library's own and outlive the program's folder. */
#include "api/internal.h"

#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

struct copying {
    eye_lib *lib;
    const char *spool;
    int64_t job;
};

static bool is_picture(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png",  ".webp", ".gif",
                                       ".tif", ".tiff", ".heic", ".avif", ".bmp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof ends[0]; i++)
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static int add_sample(const struct copying *c, const char *path, const char *name,
                      struct eye_err *err)
{
    char as[300];
    char staged[4096];
    int64_t seq = 0;
    snprintf(as, sizeof as, "samples/%s", name);
    int n = snprintf(staged, sizeof staged, "%s/sample-%lld-%s", c->spool, (long long)c->job, name);
    if (n < 0 || (size_t)n >= sizeof staged)
        return eye_fail(err, EYE_EINVAL, "%s: the path is too long", name);
    int rc = fs_copy(path, staged, err);
    if (rc)
        return rc;
    rc = eye_job_add(c->lib, c->job, as, staged, &seq, err);
    if (rc)
        unlink(staged);
    return rc;
}

static int on_file(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    const struct copying *c = ctx;
    const char *slash = strrchr(item->path, '/');
    const char *name = slash ? slash + 1 : item->path;
    if (item->event != FS_WALK_FILE || !is_picture(name))
        return 0;
    return add_sample(c, item->path, name, err);
}

static int copy_all(struct api_server *s, int64_t *job, struct eye_err *err)
{
    struct copying c = {s->lib, eye_spool_dir(s->lib, err), 0};
    if (!c.spool)
        return err->code;
    int rc = eye_job_new(s->lib, EYE_JOB_UPLOAD, "samples", &c.job, err);
    if (rc)
        return rc;
    rc = fs_walk(s->cfg.samples_dir, on_file, &c, err);
    rc = rc ? rc : eye_job_close(s->lib, c.job, err);
    if (rc)
        eye_job_cancel(s->lib, c.job, NULL);
    *job = c.job;
    return rc;
}

void handle_samples(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    eye_status st;
    int64_t job = 0;
    if (!api_no_query(rq))
        return;
    int rc = eye_status_get(s->lib, &st, &err);
    if (rc == 0 && !s->cfg.samples_dir)
        rc = eye_fail(&err, EYE_EBUSY, "this server has no sample pictures");
    if (rc == 0 && st.pictures > 0)
        rc = eye_fail(&err, EYE_EBUSY,
                      "the samples are for an empty library: this has %llu pictures",
                      (unsigned long long)st.pictures);
    rc = rc ? rc : copy_all(s, &job, &err);
    if (rc)
        api_problem_err(rq, &err);
    else
        api_reply_job(s, rq, 202, job);
}
