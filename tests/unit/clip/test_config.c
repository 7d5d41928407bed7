/* test_config.c - both dialects, their defaults, and what must be refused. */
#include "recipe.h"

#include "clip/config.h"

static char dir[256];
static struct config c;
static struct eye_err err;

/* Load a folder with these files (NULL: not there) and, unless told otherwise, a weights file. */
static int load(const char *open_clip, const char *hf, const char *prep, const char *bert)
{
    const char *files[][2] = {{"open_clip_config.json", open_clip},
                              {"config.json", hf},
                              {"preprocessor_config.json", prep},
                              {"text_config.json", bert},
                              {"model.safetensors", ""}};
    err = (struct eye_err){0, ""};
    scratch_open(dir);
    for (size_t i = 0; i < 5; i++)
        if (files[i][1])
            scratch_text(dir, files[i][0], files[i][1]);
    int code = config_load(dir, &c, &err);
    scratch_close(dir);
    assert_int_equal(code, err.code);
    return code;
}

static int load_open_clip(const char *model_cfg, const char *rest)
{
    char text[4096];
    snprintf(text, sizeof(text), "{\"model_cfg\":%s%s}", model_cfg, rest);
    return load(text, NULL, NULL, NULL);
}

#define PLAIN "{\"embed_dim\":512,\"vision_cfg\":{},\"text_cfg\":{}}"

static void open_clip_defaults(void **state)
{
    (void)state;
    assert_int_equal(load_open_clip(PLAIN, ""), 0);
    const struct config_stack *v = &c.image.stack, *t = &c.text.stack;
    assert_int_equal(c.dim, 512);
    assert_int_equal(c.image.kind, CONFIG_VIT);
    assert_true(v->layers == 12 && v->width == 768 && v->heads == 12 && v->hidden == 3072);
    assert_true(c.image.patch == 16 && c.image.width == 224 && c.image.height == 224);
    assert_true(v->act == ACT_GELU && v->eps == 1e-5F && !v->layer_scale);
    assert_true(c.image.ln_pre && !c.image.norm_after_pool && c.image.pool == CONFIG_POOL_FIRST);
    assert_int_equal(c.text.kind, CONFIG_CLIP_TEXT);
    assert_true(t->layers == 12 && t->width == 512 && t->heads == 8 && t->hidden == 2048);
    assert_true(c.text.context == 77 && c.text.vocab == 49408 && c.text.causal);
    assert_true(c.text.pool == CONFIG_POOL_ARGMAX && c.text.proj == CONFIG_PROJ_LINEAR);
    assert_true(c.text.eos_id == 2 && !c.text.proj_bias && !c.text.strip_sep);
    assert_null(c.text.tokenizer);
    assert_true(c.mean[0] == 0.48145466F && c.std[2] == 0.27577711F);
    assert_true(c.prep.width == 224 && c.prep.height == 224 && c.prep.mode == IMAGE_SHORTEST);
    assert_true(c.prep.filter == IMAGE_BICUBIC && c.prep.fill[0] == 0);
    assert_true(recipe_ends(c.weights, "/model.safetensors"));
    assert_true(recipe_ends(c.files[0], "/open_clip_config.json"));
    assert_null(c.files[1]);
    config_release(&c);
    config_release(&c); /* harmless */
}

static void open_clip_settings(void **state)
{
    (void)state;
    assert_int_equal(
        load_open_clip(
            "{\"embed_dim\":1280,\"quick_gelu\":true,\"init_logit_bias\":-10,"
            "\"vision_cfg\":{\"image_size\":[336,224],\"layers\":48,\"width\":1664,"
            "\"head_width\":104,\"mlp_ratio\":4.9231,\"patch_size\":14,"
            "\"no_ln_pre\":true,\"pool_type\":\"avg\",\"final_ln_after_pool\":true,"
            "\"ls_init_value\":0.0001,\"patch_dropout\":0.5,\"attentional_pool\":false,"
            "\"timm_model_name\":null,\"norm_kwargs\":{\"eps\":1e-6}},"
            "\"text_cfg\":{\"context_length\":32,\"vocab_size\":32000,\"hf_tokenizer_name\":"
            "\"bert-base-uncased\",\"tokenizer_kwargs\":{\"strip_sep_token\":true},"
            "\"width\":1280,\"heads\":20,\"layers\":32,\"pool_type\":\"last\","
            "\"no_causal_mask\":1,\"proj_bias\":true,\"act_kwargs\":{}}}",
            ",\"preprocess_cfg\":{\"mean\":0.5,\"std\":[0.25,0.5,1],\"size\":999,"
            "\"interpolation\":\"bilinear\",\"resize_mode\":\"longest\",\"fill_color\":128}"),
        0);
    assert_true(c.image.height == 336 && c.image.width == 224 && c.prep.height == 336);
    assert_int_equal(c.image.stack.hidden, 8192); /* int(1664 * 4.9231) */
    assert_true(c.image.stack.heads == 16 && c.image.stack.act == ACT_QUICK_GELU);
    assert_true(c.image.stack.layer_scale && c.image.stack.eps == 1e-6F && !c.image.ln_pre);
    assert_true(c.image.pool == CONFIG_POOL_MEAN && c.image.norm_after_pool);
    assert_true(!c.text.causal && c.text.pool == CONFIG_POOL_LAST && c.text.proj_bias);
    assert_true(c.text.strip_sep && c.text.stack.eps == 1e-5F && !c.text.stack.layer_scale);
    assert_true(c.text.stack.act == ACT_QUICK_GELU);
    assert_string_equal(c.text.tokenizer, "bert-base-uncased");
    assert_true(c.mean[1] == 0.5F && c.std[0] == 0.25F && c.std[2] == 1.0F);
    assert_true(c.prep.filter == IMAGE_BILINEAR && c.prep.mode == IMAGE_LONGEST);
    assert_int_equal(c.prep.fill[2], 128);
    config_release(&c);
}

#define LITE(more) "{\"timm_model_name\":\"tf_efficientnet_lite0\"" more "}"
#define BERT_CFG "\"text_cfg\":{\"hf_model_name\":\"x/y\",\"hf_tokenizer_name\":\"x/y\""
#define BERT                                                                                       \
    "{\"model_type\":\"bert\",\"hidden_size\":384,\"num_hidden_layers\":6,"                        \
    "\"num_attention_heads\":12,\"intermediate_size\":1536,\"hidden_act\":\"gelu\"}"

static void starter_shape(void **state)
{
    (void)state;
    static const struct {
        const char *vision, *text;
        enum config_proj image_proj, text_proj;
        enum config_pool pool;
    } cases[] = {
        {LITE(""), "", CONFIG_PROJ_LINEAR, CONFIG_PROJ_MLP, CONFIG_POOL_MEAN},
        {LITE(",\"timm_proj\":\"mlp\""), ",\"hf_proj_type\":\"linear\"", CONFIG_PROJ_MLP,
         CONFIG_PROJ_LINEAR, CONFIG_POOL_MEAN},
        {LITE(",\"timm_proj\":null"), ",\"hf_proj_type\":null,\"hf_pooler_type\":null",
         CONFIG_PROJ_CLASSIFIER, CONFIG_PROJ_NONE, CONFIG_POOL_POOLER},
        {LITE(",\"timm_proj\":\"none\""), ",\"hf_pooler_type\":\"cls_last_hidden_state_pooler\"",
         CONFIG_PROJ_NONE, CONFIG_PROJ_MLP, CONFIG_POOL_FIRST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text),
                 "{\"model_cfg\":{\"embed_dim\":384,\"custom_text\":true,\"vision_cfg\":%s,%s%s}}}",
                 cases[i].vision, BERT_CFG, cases[i].text);
        if (load(text, NULL, NULL, BERT))
            fail_msg("%s", err.msg);
        assert_int_equal(c.image.kind, CONFIG_EFFICIENTNET);
        assert_string_equal(c.image.name, "EfficientNet-Lite0");
        assert_int_equal(c.image.proj, cases[i].image_proj);
        assert_int_equal(c.text.kind, CONFIG_BERT);
        assert_int_equal(c.text.proj, cases[i].text_proj);
        assert_int_equal(c.text.pool, cases[i].pool);
        assert_true(c.text.stack.eps == 1e-12F && c.text.stack.heads == 12);
        assert_true(c.text.vocab == 30522 && c.text.positions == 512 && c.text.types == 2);
        assert_true(recipe_ends(c.files[1], "/text_config.json"));
        config_release(&c);
    }
}

static void hugging_face(void **state)
{
    (void)state;
    assert_int_equal(load(NULL, "{\"model_type\":\"clip\"}", NULL, NULL), 0);
    assert_true(c.dim == 512 && c.image.patch == 32 && c.image.stack.width == 768);
    assert_true(c.image.stack.act == ACT_QUICK_GELU && c.text.stack.act == ACT_QUICK_GELU);
    assert_true(c.text.eos_id == 49407 && c.text.pool == CONFIG_POOL_EOS && c.text.causal);
    assert_true(c.image.ln_pre && c.image.pool == CONFIG_POOL_FIRST);
    config_release(&c);

    const char *large =
        "{\"model_type\":\"clip\",\"projection_dim\":768,"
        "\"vision_config\":{\"hidden_size\":1024,\"num_hidden_layers\":24,\"hidden_act\":\"gelu\","
        "\"num_attention_heads\":16,\"intermediate_size\":4096,\"patch_size\":14,\"image_size\":"
        "336},"
        "\"text_config\":{\"hidden_size\":1},"
        "\"text_config_dict\":{\"hidden_size\":768,\"num_attention_heads\":12,"
        "\"intermediate_size\":3072,\"eos_token_id\":2}}";
    const char *prep = "{\"image_mean\":[0.1,0.2,0.3],\"image_std\":[1,2,3],\"resample\":2,"
                       "\"size\":{\"shortest_edge\":336},\"crop_size\":336}";
    assert_int_equal(load(NULL, large, prep, NULL), 0);
    assert_true(c.image.stack.act == ACT_GELU && c.image.stack.heads == 16);
    assert_true(c.text.stack.width == 768 && c.text.pool == CONFIG_POOL_ARGMAX);
    assert_true(c.mean[2] == 0.3F && c.std[1] == 2.0F && c.prep.filter == IMAGE_BILINEAR);
    assert_true(c.prep.width == 336 && c.prep.mode == IMAGE_SHORTEST);
    assert_true(recipe_ends(c.files[1], "/preprocessor_config.json"));
    config_release(&c);

    prep = "{\"size\":{\"height\":336,\"width\":336},\"do_center_crop\":false}";
    assert_int_equal(load(NULL, large, prep, NULL), 0);
    assert_int_equal(c.prep.mode, IMAGE_SQUASH);
    config_release(&c);
    prep = "{\"size\":{\"shortest_edge\":400},\"crop_size\":336}";
    assert_int_equal(load(NULL, large, prep, NULL), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "another size"));
    assert_int_equal(load(NULL, "{\"model_type\":\"siglip\"}", NULL, NULL), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "'siglip'"));
    assert_int_equal(load(NULL, "{\"model_type\":\"clip\"}", "{\"resample\":0}", NULL),
                     EYE_EFORMAT);
}

#define VISION(x) "{\"embed_dim\":512,\"vision_cfg\":{" x "},\"text_cfg\":{}}"
#define TEXT(x) "{\"embed_dim\":512,\"vision_cfg\":{},\"text_cfg\":{" x "}}"
#define TOP(x) "{\"embed_dim\":512,\"vision_cfg\":{},\"text_cfg\":{}," x "}"

static const struct {
    const char *model_cfg, *message;
} refused[] = {
    {"{\"vision_cfg\":{},\"text_cfg\":{}}", "embed_dim"},
    {"{\"embed_dim\":512,\"text_cfg\":{}}", "vision_cfg is missing"},
    {"{\"embed_dim\":512,\"vision_cfg\":{}}", "text_cfg is missing"},
    {"{\"embed_dim\":0,\"vision_cfg\":{},\"text_cfg\":{}}", "embed_dim"},
    {"{\"embed_dim\":1e9,\"vision_cfg\":{},\"text_cfg\":{}}", "embed_dim"},
    {"{\"embed_dim\":\"512\",\"vision_cfg\":{},\"text_cfg\":{}}", "embed_dim"},
    {TOP("\"multimodal_cfg\":{\"layers\":12}"), "CoCa"},
    {TOP("\"new_thing\":1"), "new_thing"},
    {VISION("\"attentional_pool\":true"), "attentional pooling"},
    {VISION("\"attentional_pool\":\"cascade\""), "attentional pooling"},
    {VISION("\"layers\":[3,4,6,3]"), "ResNet"},
    {VISION("\"timm_model_name\":\"vit_base_patch16_siglip_224\""), "vit_base_patch16_siglip_224"},
    {VISION("\"timm_model_name\":\"tf_efficientnet_lite9\""), "tf_efficientnet_lite9"},
    {VISION("\"timm_model_name\":\"tf_efficientnet_lite0\",\"timm_pool\":\"abs_attn\""),
     "abs_attn"},
    {VISION("\"timm_model_name\":\"tf_efficientnet_lite0\",\"timm_proj\":\"conv\""), "conv"},
    {VISION("\"pool_type\":\"none\""), "pool_type = 'none'"},
    {VISION("\"pool_type\":1"), "pool_type = '?'"},
    {VISION("\"head_width\":100"), "attention heads"},
    {VISION("\"head_width\":1000"), "attention heads"},
    {VISION("\"width\":0"), "width"},
    {VISION("\"width\":-768"), "width"},
    {VISION("\"width\":768.5"), "width"},
    {VISION("\"width\":100000000"), "width"},
    {VISION("\"layers\":1000000"), "layers"},
    {VISION("\"mlp_ratio\":\"4\""), "mlp_ratio"},
    {VISION("\"mlp_ratio\":1e300"), "mlp_ratio"},
    {VISION("\"patch_size\":225"), "larger than the picture"},
    {VISION("\"image_size\":100000"), "image_size"},
    {VISION("\"image_size\":[224,224,3]"), "image_size"},
    {VISION("\"qk_norm\":true"), "normalised queries"},
    {VISION("\"scale_fc\":1"), "MLP"},
    {VISION("\"act_kwargs\":{\"approximate\":\"tanh\"}"), "GELU"},
    {VISION("\"norm_kwargs\":{\"elementwise_affine\":false}"), "elementwise_affine"},
    {VISION("\"unheard_of\":0"), "unheard_of"},
    {TEXT("\"embed_cls\":true"), "class token in the text tower"},
    {TEXT("\"pool_type\":\"none\""), "pool_type"},
    {TEXT("\"proj_type\":\"none\",\"width\":256,\"heads\":4"), "no projection"},
    {TEXT("\"heads\":7"), "attention heads"},
    {TEXT("\"context_length\":100000"), "context_length"},
    {TEXT("\"tokenizer_kwargs\":{\"clean\":\"canonicalize\"}"), "clean"},
    {TEXT("\"tokenizer_mode\":\"clips\""), "tokenizer mode"},
    {TEXT("\"hf_model_name\":\"x\",\"hf_pooler_type\":\"max_pooler\""), "max_pooler"},
    {TEXT("\"hf_model_name\":\"x\""), "text_config.json is missing"},
};

static void refuses_what_it_cannot_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int code = load_open_clip(refused[i].model_cfg, "");
        if (code == 0 || !strstr(err.msg, refused[i].message))
            fail_msg("%s: %d %s", refused[i].model_cfg, code, err.msg);
        assert_true(code == EYE_EFORMAT ||
                    (code == EYE_ENOTFOUND && i + 1 == sizeof(refused) / sizeof(refused[0])));
        assert_null(c.weights); /* released */
    }
    assert_int_equal(load_open_clip(PLAIN, ",\"preprocess_cfg\":{\"std\":[0.5,0,0.5]}"),
                     EYE_EFORMAT);
    assert_int_equal(load_open_clip(PLAIN, ",\"preprocess_cfg\":{\"mean\":[1,2]}"), EYE_EFORMAT);
    assert_int_equal(load_open_clip(PLAIN, ",\"preprocess_cfg\":{\"resize_mode\":\"fit\"}"),
                     EYE_EFORMAT);
    const char *roberta = "{\"model_type\":\"roberta\"}";
    char text[512];
    snprintf(text, sizeof(text), "{\"embed_dim\":384,\"vision_cfg\":{},%s}}", BERT_CFG);
    assert_int_equal(load(text, NULL, NULL, roberta), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "'roberta'"));
    assert_int_equal(load("{\"model_cfg\":", NULL, NULL, NULL), EYE_EFORMAT);
    assert_int_equal(load(NULL, NULL, NULL, NULL), EYE_ENOTFOUND);
    assert_non_null(strstr(err.msg, "not a model folder"));
}

static void explains_other_weights(void **state)
{
    (void)state;
    static const struct {
        const char *file, *message;
        int code;
    } cases[] = {
        {"open_clip_pytorch_model.bin", "pickle", EYE_EFORMAT},
        {"ViT-B-32.pt", "convert it", EYE_EFORMAT},
        {"model.safetensors.index.json", "split into several files", EYE_EFORMAT},
        {"readme.txt", "no weights", EYE_ENOTFOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scratch_open(dir);
        scratch_text(dir, "open_clip_config.json", PLAIN); /* without model_cfg around it */
        scratch_text(dir, cases[i].file, "");
        assert_int_equal(config_load(dir, &c, &err), cases[i].code);
        assert_non_null(strstr(err.msg, cases[i].message));
        scratch_text(dir, "model.safetensors", "");
        scratch_text(dir, "open_clip_model.safetensors", "");
        assert_int_equal(config_load(dir, &c, &err), 0);
        assert_true(recipe_ends(c.weights, "/open_clip_model.safetensors"));
        config_release(&c);
        scratch_close(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_clip_defaults),
        cmocka_unit_test(open_clip_settings),
        cmocka_unit_test(starter_shape),
        cmocka_unit_test(hugging_face),
        cmocka_unit_test(refuses_what_it_cannot_run),
        cmocka_unit_test(explains_other_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
