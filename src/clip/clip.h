/* clip.h - a CLIP model: pictures and words into one space of unit vectors.
 *
 * A struct clip is read-only for its users and may be shared by any number of threads; a tower is
 * mapped and packed when it is first used (under a lock). Each thread brings its own struct clip_work.
 * A model is a folder (DESIGN.md 4): open_clip_config.json or config.json, a .safetensors file, tokenizer files, and our eyeshine.json. */
#ifndef CLIP_CLIP_H
#define CLIP_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/pool.h"
#include "image/image.h"

struct clip;
struct clip_work;

/* Score (cosine) to similarity: 1 / (1 + exp(-(score - midpoint) / scale)), in (0, 1). */
struct clip_calibration {
    float midpoint, scale;
    float floor;   /* scores below are not relevant: where the relevance line is drawn */
    bool measured; /* false: a guess, the model brought none */
};

struct clip_info {
    char name[128];      /* folder's name, or "name" of eyeshine.json */
    char image_arch[96]; /* e.g. "ViT 12x768, patch 32, 224 px" */
    char text_arch[96];  /* e.g. "CLIP transformer 12x512, BPE, context 77" */
    char licence[64];    /* "" if unknown */
    char dtype[8];       /* of most stored weights: "f32", "f16", "bf16" */
    int dim;             /* of an embedding */
    int image_size;      /* pixels */
    int context;         /* tokens, including start and end */
    uint64_t parameters;
    uint64_t bytes; /* of the weights file */
    struct hash
        weights; /* identity of the model: SHA-256 over config and weights file as recorded in eyeshine.json, else computed by clip_fingerprint */
    struct clip_calibration text_cal, image_cal; /* text -> image, image -> image */
};

/* Open the model in folder `dir`: reads configuration and the tensor directory, checks that every tensor the
 * architecture needs is there in the right shape, packs nothing yet. NULL on error:
 * EYE_ENOTFOUND, EYE_EFORMAT (which tensor is missing or mis-shaped, which architecture is not supported). */
struct clip *clip_open(const char *dir, struct eye_err *err);
void clip_close(struct clip *clip);
const struct clip_info *clip_info(const struct clip *clip);
const struct image_prep *clip_prep(const struct clip *clip);

/* Scratch for up to max_batch pictures at a time. pool: shares each matrix product (for one query), or
 * NULL (for many workers with a picture each); borrowed. */
struct clip_work *clip_work_new(struct clip *clip, int max_batch, struct pool *pool,
                                struct eye_err *err);
void clip_work_free(struct clip_work *work);

/* n prepared pictures (clip_prep's size) to out [n, dim], each row of length 1. EYE_EINVAL for a wrong size,
 * EYE_EFORMAT when the weights give no finite vector. */
int clip_encode_images(struct clip *clip, struct clip_work *work, const struct image *images, int n,
                       float *out, struct eye_err *err);
/* UTF-8 text (invalid bytes become U+FFFD) to out [dim], length 1. Longer than the context: cut as the reference does. */
int clip_encode_text(struct clip *clip, struct clip_work *work, const char *text, float *out,
                     struct eye_err *err);

/* Token ids with start and end, without padding; at most `max` (>= context). Returns the count. */
int clip_tokenize(struct clip *clip, const char *text, int *ids, int max, struct eye_err *err);

/* SHA-256 of the files of a model folder against its eyeshine.json; without one only clip_open's checks. `report`
 * gets one line a file. EYE_EFORMAT when a sum differs. */
int clip_verify(const char *dir,
                void (*report)(void *ctx, const char *file, bool ok, const char *note), void *ctx,
                struct eye_err *err);

/* Copy what belongs to a model from folder `from` to the new folder `to` (atomic: made beside it, renamed), after
 * clip_open has accepted it, and write eyeshine.json (revision, sha256 of each file). EYE_EEXIST if `to` is there. */
int clip_import(const char *from, const char *to, struct eye_err *err);

/* The catalogue: OpenCLIP models known by name. */
struct clip_catalogue_entry {
    const char *name; /* our short name, e.g. "ViT-B-32/laion2b_s34b_b79k" */
    const char *repo; /* Hugging Face repository */
    const char *licence;
    uint64_t bytes; /* of the weights */
    int dim, image_size;
    double recall_flickr, recall_coco; /* published text -> image R@5 in percent; 0 if unknown */
    bool supported;                    /* by this build */
};
const struct clip_catalogue_entry *clip_catalogue(size_t *n);

#endif
