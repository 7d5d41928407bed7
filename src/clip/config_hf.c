/* config_hf.c - the dialects of Hugging Face transformers: CLIPModel's config.json with preprocessor_config.json,
 * and the sizes of a BERT text tower, which open_clip takes from the hub and a folder must bring along. */
#include "clip/config_read.h"

static enum act hidden_act(struct config_reader *r, const char *fallback)
{
    const char *act = json_get_str(r->obj, "hidden_act", fallback);
    if (strcmp(act, "quick_gelu") == 0)
        return ACT_QUICK_GELU;
    if (strcmp(act, "gelu") == 0)
        return ACT_GELU;
    char what[120];
    snprintf(what, sizeof(what), "the activation '%.60s' (%s.hidden_act)", act, r->section);
    config_unsupported(r, what);
    return ACT_GELU;
}

static void parse_stack(struct config_reader *r, struct config_stack *s, size_t width,
                        size_t hidden, size_t heads)
{
    s->width = config_size(r, "hidden_size", width, CONFIG_WIDTH_MAX);
    s->hidden = config_size(r, "intermediate_size", hidden, 16 * (size_t)CONFIG_WIDTH_MAX);
    s->heads = config_size(r, "num_attention_heads", heads, CONFIG_WIDTH_MAX);
    s->layers = config_size(r, "num_hidden_layers", 12, CONFIG_LAYERS_MAX);
    s->layer_scale = false;
    config_stack_check(r, s);
}

/* Old files carry vision_config_dict beside vision_config; transformers lets the former win whole. */
static struct config_reader section_of(const struct config_reader *top, const char *key)
{
    char dict[32];
    snprintf(dict, sizeof(dict), "%s_dict", key);
    struct config_reader r = *top;
    r.section = key;
    r.obj = json_get(top->obj, dict);
    if (json_size(r.obj) == 0)
        r.obj = json_get(top->obj, key); /* may be absent: all defaults */
    return r;
}

/* A size in preprocessor_config.json: N, {"shortest_edge": N} or {"height": H, "width": W}. */
static void prep_size(struct config_reader *r, const char *key, size_t *height, size_t *width,
                      bool *squash)
{
    const struct json *v = json_get(r->obj, key);
    *squash = false;
    if (!json_is_object(v)) {
        config_pair(r, key, *height, height, width);
        return;
    }
    struct config_reader s = *r;
    s.obj = v;
    s.section = key;
    if (json_get(v, "shortest_edge")) {
        *height = *width = config_size(&s, "shortest_edge", *height, CONFIG_SIDE_MAX);
    } else {
        *squash = true;
        *height = config_size(&s, "height", *height, CONFIG_SIDE_MAX);
        *width = config_size(&s, "width", *width, CONFIG_SIDE_MAX);
    }
    r->code = s.code;
}

static int parse_preprocessor(const char *dir, struct config *out, struct eye_err *err)
{
    struct eye_err local = {0, ""};
    struct json *root = config_file(dir, "preprocessor_config.json", out, &local);
    if (!root && local.code == EYE_ENOTFOUND)
        return 0;
    if (!root)
        return eye_fail(err, local.code, "%s", local.msg);
    struct config_reader r = {out->files[1], "preprocessor_config", root, err, 0};
    config_three(&r, "image_mean", out->mean);
    config_three(&r, "image_std", out->std);
    double resample = config_num(&r, "resample", 3, 0, 5);
    if (resample < 2 || resample > 3)
        config_unsupported(&r, "a resize filter other than bicubic and bilinear");
    out->prep.filter = resample < 3 ? IMAGE_BILINEAR : IMAGE_BICUBIC;
    size_t h = out->image.height, w = out->image.width, ch = h, cw = w;
    bool squash, ignored;
    prep_size(&r, "size", &h, &w, &squash);
    prep_size(&r, "crop_size", &ch, &cw, &ignored);
    out->prep.mode = squash ? IMAGE_SQUASH : IMAGE_SHORTEST;
    if (h != out->image.height || w != out->image.width ||
        (!squash && (ch != out->image.height || cw != out->image.width)))
        config_unsupported(&r, "a resize to another size than the image tower's");
    json_free(root);
    return r.code;
}

int config_parse_hf(const char *dir, const char *path, const struct json *root, struct config *out,
                    struct eye_err *err)
{
    struct config_reader top = {path, "config", root, err, 0};
    const char *type = json_get_str(root, "model_type", "");
    if (strcmp(type, "clip") != 0) {
        char what[120];
        snprintf(what, sizeof(what), "the Hugging Face architecture '%.60s'", type);
        return config_unsupported(&top, *type ? what : "a config.json without model_type");
    }
    out->dim = config_size(&top, "projection_dim", 512, CONFIG_WIDTH_MAX);

    struct config_reader v = section_of(&top, "vision_config");
    struct config_image *image = &out->image;
    image->kind = CONFIG_VIT;
    image->patch = config_size(&v, "patch_size", 32, 256);
    config_pair(&v, "image_size", 224, &image->height, &image->width);
    parse_stack(&v, &image->stack, 768, 3072, 12);
    image->stack.act = hidden_act(&v, "quick_gelu");
    image->stack.eps = (float)config_num(&v, "layer_norm_eps", 1e-5, 0, 1);
    image->ln_pre = true;
    image->pool = CONFIG_POOL_FIRST;
    image->proj = CONFIG_PROJ_LINEAR;
    if (!v.code && (image->width < image->patch || image->height < image->patch))
        config_fail(&v, "patch_size", "is larger than the picture");

    top.code = v.code;
    struct config_reader t = section_of(&top, "text_config");
    struct config_text *text = &out->text;
    text->kind = CONFIG_CLIP_TEXT;
    text->context = config_size(&t, "max_position_embeddings", 77, 4096);
    text->vocab = config_size(&t, "vocab_size", 49408, 1 << 24);
    parse_stack(&t, &text->stack, 512, 2048, 8);
    text->stack.act = hidden_act(&t, "quick_gelu");
    text->stack.eps = (float)config_num(&t, "layer_norm_eps", 1e-5, 0, 1);
    text->causal = true;
    text->eos_id = (int)config_num(&t, "eos_token_id", 49407, 0, 1 << 24);
    /* Files from before 2023 say 2, which was never the end token; transformers pools the largest id then. */
    text->pool = text->eos_id == 2 ? CONFIG_POOL_ARGMAX : CONFIG_POOL_EOS;
    text->proj = CONFIG_PROJ_LINEAR;
    return t.code ? t.code : parse_preprocessor(dir, out, err);
}

int config_parse_bert(const char *dir, struct config *out, struct eye_err *err)
{
    static const char *const names[] = {"text_config.json", "config.json"};
    static const char *const positions[] = {"absolute", NULL};
    struct eye_err local = {0, ""};
    struct json *root = NULL;
    size_t which = 0;
    for (; which < 2 && !root; which++) {
        root = config_file(dir, names[which], out, &local);
        if (!root && local.code != EYE_ENOTFOUND)
            return eye_fail(err, local.code, "%s", local.msg);
    }
    if (!root)
        return eye_fail(err, EYE_ENOTFOUND,
                        "%s: text_config.json is missing; it must hold the sizes of the BERT text "
                        "tower (the config.json of its Hugging Face model)",
                        dir);
    struct config_reader r = {out->files[1], "text_config", root, err, 0};
    const char *type = json_get_str(root, "model_type", "");
    if (strcmp(type, "bert") != 0) {
        char what[120];
        snprintf(what, sizeof(what), "the Hugging Face text tower '%.60s'", type);
        config_unsupported(&r, what);
    }
    struct config_text *t = &out->text;
    parse_stack(&r, &t->stack, 768, 3072, 12);
    t->stack.act = hidden_act(&r, "gelu");
    t->stack.eps = (float)config_num(&r, "layer_norm_eps", 1e-12, 0, 1);
    t->vocab = config_size(&r, "vocab_size", 30522, 1 << 24);
    t->positions = config_size(&r, "max_position_embeddings", 512, 1 << 20);
    t->types = config_size(&r, "type_vocab_size", 2, 1 << 20);
    t->pad_id = (int)config_num(&r, "pad_token_id", 0, 0, 1 << 24);
    config_word(&r, "position_embedding_type", positions, 0);
    if (!r.code && t->context > t->positions)
        config_fail(&r, "max_position_embeddings", "is smaller than the context length");
    if (!r.code && t->proj == CONFIG_PROJ_NONE && t->stack.width != out->dim)
        config_fail(&r, "hidden_size", "is not embed_dim although there is no projection");
    json_free(root);
    return r.code;
}
