/* names.c - see names.h. */
#include "clip/names.h"

#define OPEN_CLIP_BLOCK(tower)                                                                     \
    {                                                                                              \
        .prefix = tower "transformer.resblocks.%zu.", .in_weight = "attn.in_proj_weight",          \
        .in_bias = "attn.in_proj_bias", .out = "attn.out_proj", .fc1 = "mlp.c_fc",                 \
        .fc2 = "mlp.c_proj", .ln1 = "ln_1", .ln2 = "ln_2", .ls1 = "ls_1.gamma",                    \
        .ls2 = "ls_2.gamma"                                                                        \
    }

#define HF_BLOCK(tower)                                                                            \
    {                                                                                              \
        .prefix = tower "encoder.layers.%zu.", .query = "self_attn.q_proj",                        \
        .key = "self_attn.k_proj", .value = "self_attn.v_proj", .out = "self_attn.out_proj",       \
        .fc1 = "mlp.fc1", .fc2 = "mlp.fc2", .ln1 = "layer_norm1", .ln2 = "layer_norm2"             \
    }

#define OPEN_CLIP_VIT                                                                              \
    {                                                                                              \
        .class_embedding = "visual.class_embedding", .positions = "visual.positional_embedding",   \
        .patches = "visual.conv1.weight", .ln_pre = "visual.ln_pre", .ln_post = "visual.ln_post",  \
        .proj = "visual.proj", .proj_transposed = true, .block = OPEN_CLIP_BLOCK("visual.")        \
    }

#define OPEN_CLIP_TEXT(tower)                                                                      \
    {                                                                                              \
        .tokens = tower "token_embedding.weight", .positions = tower "positional_embedding",       \
        .ln_final = tower "ln_final", .proj = tower "text_projection", .proj_transposed = true,    \
        .linear = tower "text_projection", .block = OPEN_CLIP_BLOCK(tower)                         \
    }

/* CustomTextCLIP keeps its text tower below "text.", CLIP at the top. */
static const struct names custom = {"custom", OPEN_CLIP_VIT, OPEN_CLIP_TEXT("text.")};
static const struct names flat = {"flat", OPEN_CLIP_VIT, OPEN_CLIP_TEXT("")};

/* transformers' CLIPModel; "pre_layrnorm" is how it is spelt there. */
static const struct names hf = {"hf",
                                {.class_embedding = "vision_model.embeddings.class_embedding",
                                 .positions = "vision_model.embeddings.position_embedding.weight",
                                 .patches = "vision_model.embeddings.patch_embedding.weight",
                                 .ln_pre = "vision_model.pre_layrnorm",
                                 .ln_post = "vision_model.post_layernorm",
                                 .proj = "visual_projection.weight",
                                 .block = HF_BLOCK("vision_model.")},
                                {.tokens = "text_model.embeddings.token_embedding.weight",
                                 .positions = "text_model.embeddings.position_embedding.weight",
                                 .ln_final = "text_model.final_layer_norm",
                                 .proj = "text_projection.weight",
                                 .linear = "text_projection",
                                 .block = HF_BLOCK("text_model.")}};

const struct names_block names_bert_block = {.prefix = "text.transformer.encoder.layer.%zu.",
                                             .query = "attention.self.query",
                                             .key = "attention.self.key",
                                             .value = "attention.self.value",
                                             .out = "attention.output.dense",
                                             .fc1 = "intermediate.dense",
                                             .fc2 = "output.dense",
                                             .ln1 = "attention.output.LayerNorm",
                                             .ln2 = "output.LayerNorm"};

const struct names *names_detect(const struct safetensors *st)
{
    if (safetensors_has(st, hf.vit.patches))
        return &hf;
    return safetensors_has(st, flat.text.tokens) ? &flat : &custom;
}
