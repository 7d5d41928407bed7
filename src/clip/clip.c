/* clip.c - a model folder as a whole: opening, towers on demand, encoding.
 *
 * Opening checks every tensor against the configuration but packs nothing, so that `status` and a search by words never pay
 * for the image tower. After a tower is packed the pages of the file are given back: what stays are the packed
 * weights and the few rows of the embedding tables that texts touch. */
#include "clip/clip.h"

#include <pthread.h>

#include "base/buf.h"
#include "clip/config.h"
#include "clip/encode.h"
#include "clip/info.h"
#include "clip/safetensors.h"
#include "clip/token.h"
#include "clip/tower.h"
#include "clip/weights.h"

/* Rows that a matrix product should have to run at full speed, by measurement (research: 200-400). */
enum { ROWS_WANTED = 400, CONTEXT_MAX = 4096 };

struct clip {
    struct clip_info info;
    struct config config;
    struct safetensors *st;
    struct tokenizer *tokenizer;
    pthread_mutex_t lock; /* guards the making of a tower; a tower is constant once made */
    struct vit *vit;
    struct efficientnet *efficientnet;
    struct text_clip *text;
    struct bert *bert;
};

struct clip_work {
    int max_batch;
    struct pool *pool;
    float *scratch;
    size_t floats;
};

/* ---- towers ---- */

/* Build a tower, or check that it could be built. */
static int build_image(struct clip *clip, bool check_only, struct eye_err *err)
{
    struct weights w;
    weights_init(&w, clip->st, check_only, err);
    if (clip->config.image.kind == CONFIG_VIT)
        clip->vit = vit_new(&w, &clip->config);
    else
        clip->efficientnet = efficientnet_new(&w, &clip->config);
    return w.code;
}

static int build_text(struct clip *clip, bool check_only, struct eye_err *err)
{
    struct weights w;
    weights_init(&w, clip->st, check_only, err);
    if (clip->config.text.kind == CONFIG_CLIP_TEXT)
        clip->text = text_clip_new(&w, &clip->config);
    else
        clip->bert = bert_new(&w, &clip->config);
    return w.code;
}

static int need_tower(struct clip *clip, bool image, struct eye_err *err)
{
    int code = 0;
    pthread_mutex_lock(&clip->lock);
    bool there = image ? clip->vit || clip->efficientnet : clip->text || clip->bert;
    if (!there) {
        code = image ? build_image(clip, false, err) : build_text(clip, false, err);
        safetensors_forget_pages(clip->st);
    }
    pthread_mutex_unlock(&clip->lock);
    return code;
}

/* ---- opening ---- */

static int open_parts(struct clip *clip, const char *dir, struct eye_err *err)
{
    int code = config_load(dir, &clip->config, err);
    if (code)
        return code;
    clip->st = safetensors_open(clip->config.weights, err);
    if (!clip->st)
        return err ? err->code : EYE_EFORMAT;
    code = build_image(clip, true, err);
    if (!code)
        code = build_text(clip, true, err);
    if (code)
        return code;
    const struct config_text *t = &clip->config.text;
    const char *name = t->tokenizer ? t->tokenizer : t->kind == CONFIG_BERT ? "BERT" : NULL;
    clip->tokenizer = tokenizer_open(dir, name, (int)t->context, err);
    if (!clip->tokenizer)
        return err ? err->code : EYE_EFORMAT;
    return info_fill(dir, &clip->config, clip->st, tokenizer_kind(clip->tokenizer), &clip->info,
                     err);
}

struct clip *clip_open(const char *dir, struct eye_err *err)
{
    struct clip *clip = mem_calloc(1, sizeof(*clip), err);
    if (!clip)
        return NULL;
    if (pthread_mutex_init(&clip->lock, NULL) != 0) {
        eye_fail(err, EYE_ENOMEM, "cannot make a lock");
        free(clip);
        return NULL;
    }
    if (open_parts(clip, dir, err)) {
        clip_close(clip);
        return NULL;
    }
    safetensors_forget_pages(clip->st);
    return clip;
}

void clip_close(struct clip *clip)
{
    if (!clip)
        return;
    vit_free(clip->vit);
    efficientnet_free(clip->efficientnet);
    text_clip_free(clip->text);
    bert_free(clip->bert);
    tokenizer_close(clip->tokenizer);
    safetensors_close(clip->st);
    config_release(&clip->config);
    pthread_mutex_destroy(&clip->lock);
    free(clip);
}

const struct clip_info *clip_info(const struct clip *clip)
{
    return &clip->info;
}

const struct image_prep *clip_prep(const struct clip *clip)
{
    return &clip->config.prep;
}

/* ---- scratch ---- */

struct clip_work *clip_work_new(struct clip *clip, int max_batch, struct pool *pool,
                                struct eye_err *err)
{
    (void)clip; /* scratch grows to what the towers that are used need */
    if (max_batch < 1) {
        eye_fail(err, EYE_EINVAL, "a batch has at least one picture, not %d", max_batch);
        return NULL;
    }
    struct clip_work *work = mem_calloc(1, sizeof(*work), err);
    if (work) {
        work->max_batch = max_batch;
        work->pool = pool;
    }
    return work;
}

void clip_work_free(struct clip_work *work)
{
    if (work)
        free(work->scratch);
    free(work);
}

static int work_reserve(struct clip_work *work, size_t floats, struct eye_err *err)
{
    if (floats <= work->floats)
        return 0;
    free(work->scratch);
    work->floats = 0;
    work->scratch = mem_calloc(floats, sizeof(float), err);
    if (!work->scratch)
        return EYE_ENOMEM;
    work->floats = floats;
    return 0;
}

/* ---- encoding ---- */

static int finish(const struct clip *clip, float *rows, size_t n, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!l2_normalise(rows + i * clip->config.dim, clip->config.dim))
            return eye_fail(err, EYE_EFORMAT,
                            "%s: the model gives no finite vector for this input; its weights are "
                            "damaged",
                            safetensors_path(clip->st));
    return 0;
}

static int check_images(const struct clip *clip, const struct image *images, int n,
                        struct eye_err *err)
{
    const struct image_prep *p = &clip->config.prep;
    for (int i = 0; i < n; i++)
        if (images[i].width != p->width || images[i].height != p->height || !images[i].rgb)
            return eye_fail(err, EYE_EINVAL, "a picture of %d x %d pixels for a model of %d x %d",
                            images[i].width, images[i].height, p->width, p->height);
    return 0;
}

/* Pictures at a time: enough rows for full speed, no more memory than that takes. */
static size_t batch_size(const struct clip *clip, const struct clip_work *work, size_t n)
{
    size_t batch = clip->vit ? ROWS_WANTED / vit_rows(clip->vit) : 1;
    if (batch > (size_t)work->max_batch)
        batch = (size_t)work->max_batch;
    if (batch > n)
        batch = n;
    return batch ? batch : 1;
}

int clip_encode_images(struct clip *clip, struct clip_work *work, const struct image *images, int n,
                       float *out, struct eye_err *err)
{
    int code = check_images(clip, images, n, err);
    if (!code)
        code = need_tower(clip, true, err);
    if (code || n < 1)
        return code;
    size_t count = (size_t)n, batch = batch_size(clip, work, count), dim = clip->config.dim;
    code = work_reserve(
        work, clip->vit ? vit_scratch(clip->vit, batch) : efficientnet_scratch(clip->efficientnet),
        err);
    if (code)
        return code;
    struct tower_run run = {work->scratch, work->pool};
    for (size_t i = 0; i < count; i += batch) {
        size_t b = count - i < batch ? count - i : batch;
        if (clip->vit)
            vit_run(clip->vit, images + i, b, out + i * dim, &run);
        else
            efficientnet_run(clip->efficientnet, &images[i], out + i * dim, &run);
    }
    return finish(clip, out, count, err);
}

static int encode_ids(struct clip *clip, struct clip_work *work, const int *ids, size_t n,
                      float *out, struct eye_err *err)
{
    const struct config_text *t = &clip->config.text;
    int padded[CONTEXT_MAX] = {0};
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= t->vocab)
            return eye_fail(err, EYE_EFORMAT,
                            "%s: the tokenizer gives token %d, but the model knows only %zu; its "
                            "vocabulary belongs to another model",
                            safetensors_path(clip->st), ids[i], t->vocab);
        padded[i] = t->strip_sep && ids[i] == ids[n - 1] ? 0 : ids[i];
    }
    int code = need_tower(clip, false, err);
    if (!code)
        code = work_reserve(
            work, clip->text ? text_clip_scratch(clip->text) : bert_scratch(clip->bert), err);
    if (code)
        return code;
    struct tower_run run = {work->scratch, work->pool};
    if (clip->text)
        text_clip_run(clip->text, padded, out, &run);
    else
        bert_run(clip->bert, padded, n, out, &run);
    return finish(clip, out, 1, err);
}

int clip_encode_ids(struct clip *clip, struct clip_work *work, const int *ids, size_t n, float *out,
                    struct eye_err *err)
{
    if (n < 1 || n > clip->config.text.context)
        return eye_fail(err, EYE_EINVAL, "%zu tokens for a context of %zu", n,
                        clip->config.text.context);
    return encode_ids(clip, work, ids, n, out, err);
}

int clip_tokenize(struct clip *clip, const char *text, int *ids, int max, struct eye_err *err)
{
    return tokenizer_encode(clip->tokenizer, text, ids, max, err);
}

int clip_encode_text(struct clip *clip, struct clip_work *work, const char *text, float *out,
                     struct eye_err *err)
{
    int ids[CONTEXT_MAX];
    int n = tokenizer_encode(clip->tokenizer, text, ids, CONTEXT_MAX, err);
    if (n < 0)
        return n;
    return clip_encode_ids(clip, work, ids, (size_t)n, out, err);
}
