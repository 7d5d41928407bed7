/* config_openclip.c - open_clip_config.json with the defaults of open_clip 3.3.0.
 *
 * Members are taken strictly: open_clip itself refuses a member that it does not know, and a setting that would
 * change the result but is not computed here must not pass silently. Those that act only in training are listed and ignored. */
#include "clip/config_read.h"

static const char *const model_keys[] = {"embed_dim",
                                         "vision_cfg",
                                         "text_cfg",
                                         "quick_gelu",
                                         "custom_text",
                                         "init_logit_scale",
                                         "nonscalar_logit_scale",
                                         "output_dict",
                                         "cast_dtype",
                                         "init_logit_bias",
                                         "multimodal_cfg",
                                         NULL};

static const char *const vision_keys[] = {"layers",
                                          "width",
                                          "head_width",
                                          "mlp_ratio",
                                          "patch_size",
                                          "image_size",
                                          "ls_init_value",
                                          "patch_dropout",
                                          "attentional_pool",
                                          "no_ln_pre",
                                          "pos_embed_type",
                                          "final_ln_after_pool",
                                          "pool_type",
                                          "output_tokens",
                                          "act_kwargs",
                                          "norm_kwargs",
                                          "block_type",
                                          "qk_norm",
                                          "scale_heads",
                                          "scale_attn",
                                          "scale_attn_inner",
                                          "scale_fc",
                                          "scaled_cosine_attn",
                                          "attn_pooler_queries",
                                          "timm_model_name",
                                          "timm_pool",
                                          "timm_proj",
                                          "timm_proj_bias",
                                          "timm_drop",
                                          "timm_drop_path",
                                          "attn_pooler_heads",
                                          "timm_model_pretrained",
                                          NULL};

static const char *const text_keys[] = {"context_length",
                                        "vocab_size",
                                        "hf_tokenizer_name",
                                        "tokenizer_mode",
                                        "tokenizer_kwargs",
                                        "width",
                                        "heads",
                                        "layers",
                                        "mlp_ratio",
                                        "ls_init_value",
                                        "embed_cls",
                                        "pad_id",
                                        "eos_id",
                                        "no_causal_mask",
                                        "final_ln_after_pool",
                                        "pool_type",
                                        "proj_bias",
                                        "proj_type",
                                        "output_tokens",
                                        "act_kwargs",
                                        "norm_kwargs",
                                        "block_type",
                                        "qk_norm",
                                        "scaled_cosine_attn",
                                        "scale_heads",
                                        "scale_attn",
                                        "scale_attn_inner",
                                        "scale_fc",
                                        "hf_model_name",
                                        "hf_proj_type",
                                        "hf_pooler_type",
                                        "hf_model_pretrained",
                                        NULL};

/* What both towers of open_clip's own transformer share. */
static void parse_stack(struct config_reader *r, struct config_stack *s, bool quick_gelu)
{
    s->layers = config_size(r, "layers", 12, CONFIG_LAYERS_MAX);
    double ratio = config_num(r, "mlp_ratio", 4.0, 0.01, 16);
    s->hidden = (size_t)((double)s->width * ratio); /* Python's int(): towards zero */
    s->act = quick_gelu ? ACT_QUICK_GELU : ACT_GELU;
    s->layer_scale = json_get(r->obj, "ls_init_value") != NULL;
    struct config_reader norm = *r;
    norm.obj = json_get(r->obj, "norm_kwargs");
    norm.section = "norm_kwargs";
    if (norm.obj)
        config_known(&norm, (const char *const[]){"eps", NULL});
    s->eps = (float)config_num(&norm, "eps", 1e-5, 0, 1);
    if (!r->code)
        r->code = norm.code;
    config_refuse(r, "act_kwargs", "another form of GELU");
    config_refuse(r, "qk_norm", "normalised queries and keys");
    config_refuse(r, "scaled_cosine_attn", "cosine attention");
    config_refuse(r, "scale_heads", "scaled attention heads");
    config_refuse(r, "scale_attn", "a norm after attention");
    config_refuse(r, "scale_attn_inner", "a norm inside attention");
    config_refuse(r, "scale_fc", "a norm inside the MLP");
    config_stack_check(r, s);
}

static void parse_vit(struct config_reader *r, struct config_image *c, bool quick_gelu)
{
    static const char *const pools[] = {"tok", "avg", NULL};
    config_refuse(r, "attentional_pool", "attentional pooling (CoCa)");
    if (json_is_array(json_get(r->obj, "layers")))
        config_unsupported(r, "a ResNet image tower (vision_cfg.layers is a list)");
    c->kind = CONFIG_VIT;
    c->patch = config_size(r, "patch_size", 16, 256);
    c->stack.width = config_size(r, "width", 768, CONFIG_WIDTH_MAX);
    size_t head_width = config_size(r, "head_width", 64, CONFIG_WIDTH_MAX);
    c->stack.heads = c->stack.width / head_width;
    c->ln_pre = !config_bool(r, "no_ln_pre");
    c->norm_after_pool = config_bool(r, "final_ln_after_pool");
    c->pool = config_word(r, "pool_type", pools, 0) == 0 ? CONFIG_POOL_FIRST : CONFIG_POOL_MEAN;
    c->proj = CONFIG_PROJ_LINEAR;
    parse_stack(r, &c->stack, quick_gelu);
    if (!r->code && (c->width < c->patch || c->height < c->patch))
        config_fail(r, "patch_size", "is larger than the picture");
}

static void parse_timm(struct config_reader *r, struct config_image *c, const char *name)
{
    static const char *const projs[] = {"linear", "mlp", "none", "", NULL};
    static const char *const pools[] = {"avg", NULL};
    static const char family[] = "tf_efficientnet_lite";
    size_t n = sizeof(family) - 1;
    bool known = strncmp(name, family, n) == 0 && name[n] >= '0' && name[n] <= '4' &&
                 (name[n + 1] == '\0' || name[n + 1] == '.');
    if (!known) {
        char what[120];
        snprintf(what, sizeof(what), "the timm image tower '%.60s'", name);
        config_unsupported(r, what);
        return;
    }
    c->kind = CONFIG_EFFICIENTNET;
    snprintf(c->name, sizeof(c->name), "EfficientNet-Lite%c", name[n]);
    config_word(r, "timm_pool", pools, 0);
    c->proj_bias = config_bool(r, "timm_proj_bias");
    if (config_is_null(r, "timm_proj")) {
        c->proj = CONFIG_PROJ_CLASSIFIER; /* timm's own last layer projects */
        return;
    }
    switch (config_word(r, "timm_proj", projs, 0)) {
    case 1: c->proj = CONFIG_PROJ_MLP; break;
    case 2: c->proj = CONFIG_PROJ_NONE; break;
    case 3: c->proj = CONFIG_PROJ_CLASSIFIER; break;
    default: c->proj = CONFIG_PROJ_LINEAR;
    }
}

static void parse_image(struct config_reader *r, struct config_image *c, bool quick_gelu)
{
    config_known(r, vision_keys);
    config_pair(r, "image_size", 224, &c->height, &c->width);
    const char *timm = json_get_str(r->obj, "timm_model_name", "");
    if (*timm)
        parse_timm(r, c, timm);
    else
        parse_vit(r, c, quick_gelu);
}

/* tokenizer_kwargs: only strip_sep_token changes ids in a way that is known here. */
static void parse_tokenizer(struct config_reader *r, struct config_text *c)
{
    const char *name = json_get_str(r->obj, "hf_tokenizer_name", "");
    config_refuse(r, "tokenizer_mode", "a special tokenizer mode");
    struct config_reader k = *r;
    k.section = "tokenizer_kwargs";
    k.obj = json_get(r->obj, "tokenizer_kwargs");
    if (k.obj)
        config_known(&k, (const char *const[]){"strip_sep_token", NULL});
    c->strip_sep = config_bool(&k, "strip_sep_token");
    if (!r->code)
        r->code = k.code;
    if (!r->code && *name) {
        c->tokenizer = mem_strdup(name, r->err);
        r->code = c->tokenizer ? 0 : EYE_ENOMEM;
    }
}

static void parse_clip_text(struct config_reader *r, struct config_text *c, bool quick_gelu)
{
    static const char *const pools[] = {"first", "last", "argmax", "eos", NULL};
    static const enum config_pool pool_of[] = {CONFIG_POOL_FIRST, CONFIG_POOL_LAST,
                                               CONFIG_POOL_ARGMAX, CONFIG_POOL_EOS};
    static const char *const projs[] = {"linear", "none", NULL};
    c->kind = CONFIG_CLIP_TEXT;
    c->vocab = config_size(r, "vocab_size", 49408, 1 << 24);
    c->stack.width = config_size(r, "width", 512, CONFIG_WIDTH_MAX);
    c->stack.heads = config_size(r, "heads", 8, CONFIG_WIDTH_MAX);
    c->pool = pool_of[config_word(r, "pool_type", pools, 2)];
    c->eos_id = (int)config_num(r, "eos_id", 2, 0, 1 << 24);
    c->pad_id = 0; /* what open_clip's tokenizers pad with; pad_id masks only CoCa's class token */
    c->causal = !config_bool(r, "no_causal_mask");
    c->proj = config_word(r, "proj_type", projs, 0) == 0 ? CONFIG_PROJ_LINEAR : CONFIG_PROJ_NONE;
    c->proj_bias = config_bool(r, "proj_bias");
    config_refuse(r, "embed_cls", "a class token in the text tower (CoCa)");
    parse_stack(r, &c->stack, quick_gelu);
}

static void parse_hf_text(struct config_reader *r, struct config_text *c)
{
    static const char *const pools[] = {"mean_pooler", "cls_pooler", "cls_last_hidden_state_pooler",
                                        NULL};
    static const enum config_pool pool_of[] = {CONFIG_POOL_MEAN, CONFIG_POOL_POOLER,
                                               CONFIG_POOL_FIRST};
    static const char *const projs[] = {"linear", "mlp", NULL};
    c->kind = CONFIG_BERT;
    c->pool = config_is_null(r, "hf_pooler_type") /* the architecture's own: BERT's is cls_pooler */
                  ? CONFIG_POOL_POOLER
                  : pool_of[config_word(r, "hf_pooler_type", pools, 0)];
    c->proj = config_is_null(r, "hf_proj_type")               ? CONFIG_PROJ_NONE
              : config_word(r, "hf_proj_type", projs, 1) == 0 ? CONFIG_PROJ_LINEAR
                                                              : CONFIG_PROJ_MLP;
}

/* preprocess_cfg: the picture's size is always the tower's. */
static void parse_prep(struct config_reader *r, struct config *c)
{
    static const char *const filters[] = {"bicubic", "bilinear", "random", NULL};
    static const char *const modes[] = {"shortest", "longest", "squash", NULL};
    static const enum image_resize_mode mode_of[] = {IMAGE_SHORTEST, IMAGE_LONGEST, IMAGE_SQUASH};
    static const char *const colours[] = {"RGB", NULL};
    config_three(r, "mean", c->mean);
    config_three(r, "std", c->std);
    config_word(r, "mode", colours, 0);
    /* "random" is bicubic when not training */
    c->prep.filter =
        config_word(r, "interpolation", filters, 0) == 1 ? IMAGE_BILINEAR : IMAGE_BICUBIC;
    c->prep.mode = mode_of[config_word(r, "resize_mode", modes, 0)];
    float fill[3] = {0, 0, 0};
    config_three(r, "fill_color", fill);
    for (int i = 0; i < 3; i++)
        c->prep.fill[i] = fill[i] <= 0 ? 0 : fill[i] >= 255 ? 255 : (uint8_t)fill[i];
}

int config_parse_open_clip(const char *dir, const char *path, const struct json *root,
                           struct config *out, struct eye_err *err)
{
    struct config_reader top = {path, "model_cfg", root, err, 0};
    struct config_reader model = top;
    if (json_get(root, "model_cfg"))
        model = config_section(&top, "model_cfg");
    config_known(&model, model_keys);
    config_refuse(&model, "multimodal_cfg", "a caption decoder (CoCa)");
    out->dim = config_size(&model, "embed_dim", 0, CONFIG_WIDTH_MAX);
    if (!model.code && out->dim == 0)
        config_fail(&model, "embed_dim", "is missing");
    bool quick_gelu = config_bool(&model, "quick_gelu");

    struct config_reader vision = config_section(&model, "vision_cfg");
    parse_image(&vision, &out->image, quick_gelu);
    model.code = vision.code;
    struct config_reader text = config_section(&model, "text_cfg");
    config_known(&text, text_keys);
    out->text.context = config_size(&text, "context_length", 77, 4096);
    parse_tokenizer(&text, &out->text);
    bool bert = json_get_str(text.obj, "hf_model_name", "")[0] != '\0';
    if (bert)
        parse_hf_text(&text, &out->text);
    else
        parse_clip_text(&text, &out->text, quick_gelu);
    struct config_reader prep = top;
    prep.section = "preprocess_cfg";
    prep.obj = json_get(root, "preprocess_cfg");
    prep.code = text.code;
    if (prep.obj)
        parse_prep(&prep, out);
    if (!prep.code && bert)
        prep.code = config_parse_bert(dir, out, err);
    return prep.code;
}
