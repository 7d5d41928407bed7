/* jobs_fixture.h - staging files, asking for jobs and waiting for them. */
#ifndef TEST_ENGINE_JOBS_FIXTURE_H
#define TEST_ENGINE_JOBS_FIXTURE_H

#include "fixture.h"

#include "descriptors.h"

#include <dirent.h>
#include <unistd.h>

enum { JX_ITEMS = 600 };

/* A copy of eye_job without what it borrows. */
struct jx_job {
    eye_job job;
    char title[600], note[EYE_ERR_MSG_MAX];
};

struct jx_item {
    eye_item item;
    char name[400], reason[400], code[32];
};

static inline int jx_copy(void *ctx, const eye_job *job)
{
    struct jx_job *out = ctx;
    out->job = *job;
    snprintf(out->title, sizeof out->title, "%s", job->title);
    snprintf(out->note, sizeof out->note, "%s", job->note);
    return 0;
}

static inline struct jx_job jx_get(struct fx *fx, int64_t id)
{
    struct jx_job job;
    FX_OK(fx, eye_job_get(fx->lib, id, jx_copy, &job, &fx->err));
    return job;
}

struct jx_items {
    struct jx_item items[JX_ITEMS];
    size_t n;
};

static inline int jx_copy_item(void *ctx, const eye_item *item)
{
    struct jx_items *out = ctx;
    assert_true(out->n < JX_ITEMS);
    struct jx_item *to = &out->items[out->n++];
    to->item = *item;
    snprintf(to->name, sizeof to->name, "%s", item->name);
    snprintf(to->reason, sizeof to->reason, "%s", item->reason);
    snprintf(to->code, sizeof to->code, "%s", item->code);
    return 0;
}

static inline struct jx_items *jx_items(struct fx *fx, int64_t job, int state)
{
    struct jx_items *out = calloc(1, sizeof *out);
    FX_OK(fx, eye_job_items(fx->lib, job, 0, JX_ITEMS, state, jx_copy_item, out, &fx->err));
    return out;
}

/* The item called so; its state, picture and reason are all that tests ask. */
static inline struct jx_item jx_item(struct fx *fx, int64_t job, const char *name)
{
    struct jx_item found = {.item.seq = 0};
    struct jx_items *all = jx_items(fx, job, -1);
    for (size_t i = 0; i < all->n; i++)
        if (!strcmp(all->items[i].name, name))
            found = all->items[i];
    free(all);
    assert_int_not_equal(found.item.seq, 0);
    return found;
}

static inline void jx_start(struct fx *fx)
{
    FX_OK(fx, eye_jobs_start(fx->lib, NULL, NULL, &fx->err));
}

static inline void jx_pause(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* Until the job is finished; at most 60 s. */
static inline struct jx_job jx_wait(struct fx *fx, int64_t id)
{
    for (int i = 0; i < 12000; i++) {
        struct jx_job job = jx_get(fx, id);
        if (job.job.state >= EYE_JOB_DONE)
            return job;
        jx_pause(5);
    }
    struct jx_job job = jx_get(fx, id);
    print_message("job %d: state %d, %d of %d, %s\n", (int)id, (int)job.job.state,
                  (int)job.job.done, (int)job.job.total, job.note);
    fail_msg("a job does not end");
    return job;
}

static inline int64_t jx_new(struct fx *fx)
{
    int64_t id = 0;
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_UPLOAD, "test", &id, &fx->err));
    return id;
}

/* These bytes as a file of the spool. */
static inline void jx_stage(struct fx *fx, const char *data, size_t len, char path[600])
{
    const char *spool = eye_spool_dir(fx->lib, &fx->err);
    assert_non_null(spool);
    snprintf(path, 600, "%s/stage-XXXXXX", spool);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static inline int64_t jx_add_bytes(struct fx *fx, int64_t job, const char *name, const void *data,
                                   size_t len)
{
    char path[600];
    int64_t seq = 0;
    jx_stage(fx, data, len, path);
    FX_OK(fx, eye_job_add(fx->lib, job, name, path, &seq, &fx->err));
    assert_int_not_equal(access(path, F_OK), 0);
    return seq;
}

static inline int64_t jx_add_file(struct fx *fx, int64_t job, const char *name, const char *from)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 26);
    assert_int_equal(fs_read_all(from, &bytes, NULL), 0);
    int64_t seq = jx_add_bytes(fx, job, name, bytes.data, bytes.len);
    buf_release(&bytes);
    return seq;
}

/* The picture of this seed. */
static inline int64_t jx_add(struct fx *fx, int64_t job, const char *name, uint64_t seed)
{
    char path[600];
    snprintf(path, sizeof path, "%s/picture-%" PRIu64 ".bmp", fx->dir, seed);
    fx_picture(fx, path, seed);
    int64_t seq = jx_add_file(fx, job, name, path);
    unlink(path);
    return seq;
}

static inline void jx_close(struct fx *fx, int64_t job)
{
    FX_OK(fx, eye_job_close(fx->lib, job, &fx->err));
}

static inline bool jx_there(struct fx *fx, const char *rel)
{
    char path[1200];
    struct stat st;
    snprintf(path, sizeof path, "%s/uploads/%s", fx->library, rel);
    return lstat(path, &st) == 0;
}

/* Names in a folder of the library. */
static inline int jx_count(struct fx *fx, const char *name)
{
    char path[600];
    int n = 0;
    snprintf(path, sizeof path, "%s/%s", fx->library, name);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

#endif
