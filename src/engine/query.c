/* query.c - what is asked for, as vectors: words, pictures, or a picture of the library itself. */
#include <unistd.h>

#include "engine/engine.h"

struct encoder {
    eye_lib *lib;
    struct eng_model *model;
    struct store *store; /* may be NULL */
    int64_t model_id;
};

/* Words or a prepared picture through the model; as many at once as there are threads. */
static int run_model(const struct encoder *e, const char *words, const struct image *img,
                     float *out, struct eye_err *err)
{
    struct pool *pool = NULL;
    struct clip *clip = e->model->clip;
    int rc = eng_pool(e->lib, &pool, err);
    if (rc < 0) {
        return rc;
    }
    eng_turn_begin(&e->lib->turns);
    struct clip_work *work = clip_work_new(clip, 1, pool, err);
    rc = !work   ? EYE_ENOMEM
         : words ? clip_encode_text(clip, work, words, out, err)
                 : clip_encode_images(clip, work, img, 1, out, err);
    if (work) {
        clip_work_free(work);
    }
    eng_turn_end(&e->lib->turns);
    return rc;
}

static int encode_words(const struct encoder *e, const char *words, float *out, struct eye_err *err)
{
    const struct clip_info *info = clip_info(e->model->clip);
    size_t dim = (size_t)info->dim;
    if (eng_encodings_get(e->lib->encodings, &info->weights, words, out, dim)) {
        return 0;
    }
    int rc = run_model(e, words, NULL, out, err);
    if (rc == 0) {
        eng_encodings_put(e->lib->encodings, &info->weights, words, out, dim);
    }
    return rc;
}

static int encode_fd(const struct encoder *e, int fd, float *out, struct eye_err *err)
{
    struct decoder_pool *decoder;
    struct image img = {0, 0, NULL};
    int rc = eng_decoder(e->lib, &decoder, err);
    rc = rc < 0 ? rc : decoder_decode(decoder, fd, clip_prep(e->model->clip), &img, NULL, err);
    rc = rc < 0 ? rc : run_model(e, NULL, &img, out, err);
    image_release(&img);
    return rc;
}

static int encode_file(const struct encoder *e, const char *path, float *out, struct eye_err *err)
{
    struct stat st;
    struct eye_err why = {0};
    int fd = eng_open_file(path, &st, &why);
    if (fd < 0) {
        return eye_fail(err, fd, "%s", why.msg);
    }
    int rc = encode_fd(e, fd, out, &why);
    close(fd);
    if (rc < 0) {
        bool named = strstr(why.msg, eng_path_name(path)) != NULL;
        return named ? eye_fail(err, rc, "%s", why.msg)
                     : eye_fail(err, rc, "%s: %s", path, why.msg);
    }
    return 0;
}

static int copy_stored(const struct encoder *e, int64_t id, float *out, struct eye_err *err)
{
    int dim = clip_info(e->model->clip)->dim, rc = 0;
    bool there = false;
    uint16_t *row = mem_calloc((size_t)dim, sizeof *row, err);
    if (!row) {
        return EYE_ENOMEM;
    }
    if (e->store && e->model_id) {
        rc = store_vector_rows(e->store, e->model_id, dim, &id, 1, row, &there, err);
    }
    if (there) {
        half_to_floats(row, out, (size_t)dim);
    } else if (rc == 0) {
        rc = eye_fail(err, EYE_ENOTFOUND, "no picture with id %lld is in the library",
                      (long long)id);
    }
    free(row);
    return rc;
}

static int encode_one(const struct encoder *e, const eye_query *q, float *out, struct eye_err *err)
{
    if (q->image_path) {
        return encode_file(e, q->image_path, out, err);
    }
    if (q->image_fd >= 0) {
        return encode_fd(e, q->image_fd, out, err);
    }
    if (q->like) {
        return copy_stored(e, q->like, out, err);
    }
    return encode_words(e, q->words, out, err);
}

static int check(const eye_query *q, struct eye_err *err)
{
    int given = !!q->words + !!q->image_path + (q->image_fd >= 0) + !!q->like;
    if (given != 1) {
        return eye_fail(err, EYE_EINVAL,
                        "a query is words, a picture or an id: exactly one of them, not %d", given);
    }
    return 0;
}

int eng_queries_encode(eye_lib *lib, struct eng_model *model, struct store *s, int64_t id,
                       const eye_query *queries, size_t nq, float *out, struct eye_err *err)
{
    struct encoder e = {lib, model, s, id};
    size_t dim = (size_t)clip_info(model->clip)->dim;
    struct decoder_pool *decoder;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < nq; i++) {
        rc = check(&queries[i], err);
        if (rc == 0 && (queries[i].image_path || queries[i].image_fd >= 0)) {
            rc = eng_decoder(lib, &decoder, err); /* forked before the weights are unpacked */
        }
    }
    for (size_t i = 0; rc == 0 && i < nq; i++) {
        rc = encode_one(&e, &queries[i], out + i * dim, err);
    }
    return rc;
}
