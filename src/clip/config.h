/* config.h - a model folder's configuration, checked and with open_clip's defaults filled in.
 *
 * Two dialects are read: open_clip's open_clip_config.json and the config.json of a Hugging Face CLIPModel.
 * What this program cannot compute exactly is refused here, with a sentence that names the setting. */
#ifndef CLIP_CONFIG_H
#define CLIP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "image/image.h"
#include "tensor/tensor.h"

enum config_image_kind { CONFIG_VIT, CONFIG_EFFICIENTNET };
enum config_text_kind { CONFIG_CLIP_TEXT, CONFIG_BERT };
enum config_pool {                    /* which row, or what of the rows, becomes the embedding */
                   CONFIG_POOL_FIRST, /* row 0: class token */
                   CONFIG_POOL_LAST,
                   CONFIG_POOL_ARGMAX, /* row of the largest token id */
                   CONFIG_POOL_EOS,    /* row of the first token eos_id; row 0 if there is none */
                   CONFIG_POOL_MEAN,   /* image: all but the class token; text: all but padding */
                   CONFIG_POOL_POOLER  /* BERT: tanh(dense(row 0)) */
};
enum config_proj {
    CONFIG_PROJ_NONE,
    CONFIG_PROJ_LINEAR,
    CONFIG_PROJ_MLP,       /* linear, exact GELU, linear */
    CONFIG_PROJ_CLASSIFIER /* timm's own classifier layer */
};

/* Sizes of a stack of transformer blocks. */
struct config_stack {
    size_t layers, width, heads, hidden; /* hidden: of the MLP */
    enum act act;
    float eps;        /* of its layer norms */
    bool layer_scale; /* ls_1, ls_2 */
};

struct config_image {
    enum config_image_kind kind;
    size_t width, height; /* of the input, pixels */
    size_t patch;
    struct config_stack stack;
    bool ln_pre, norm_after_pool;
    enum config_pool pool;
    enum config_proj proj;
    bool proj_bias;
    char name[48]; /* timm's model name */
};

struct config_text {
    enum config_text_kind kind;
    size_t context, vocab;
    struct config_stack stack;
    enum config_pool pool;
    int eos_id, pad_id;
    bool causal;
    enum config_proj proj;
    bool proj_bias;
    size_t positions, types; /* BERT: rows of its position and token type tables */
    bool strip_sep;          /* the end token becomes 0 (CLIPA) */
    char *tokenizer;         /* hf_tokenizer_name; NULL: CLIP BPE */
};

enum { CONFIG_FILES_MAX = 3 };

struct config {
    size_t dim; /* of an embedding */
    struct config_image image;
    struct config_text text;
    struct image_prep prep;
    float mean[3], std[3];
    char *files[CONFIG_FILES_MAX]; /* paths of what was read; NULL beyond the last */
    char *weights;                 /* path of the .safetensors file */
};

/* Read the configuration of model folder `dir`. EYE_ENOTFOUND (no configuration, no weights), EYE_EFORMAT (not
 * supported, or makes no sense). On error *out is released. */
int config_load(const char *dir, struct config *out, struct eye_err *err);
void config_release(struct config *c);

#endif
