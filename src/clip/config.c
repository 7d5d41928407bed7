/* config.c - find the files of a model folder and fill struct config. */
#include "clip/config.h"

#include <dirent.h>
#include <unistd.h>

#include "base/fs.h"
#include "clip/config_read.h"

/* open_clip's order of preference. */
static const char *const weight_files[] = {
    "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors"};

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* No weights that can be read: say why. */
static int explain_no_weights(const char *dir, struct eye_err *err)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char pickle[256] = "", shards[256] = "";
    while (d && (e = readdir(d)) != NULL) {
        const char *n = e->d_name;
        if (ends_with(n, ".bin") || ends_with(n, ".pt") || ends_with(n, ".pth"))
            snprintf(pickle, sizeof(pickle), "%s", n);
        if (ends_with(n, ".safetensors.index.json"))
            snprintf(shards, sizeof(shards), "%s", n);
    }
    if (d)
        closedir(d);
    if (*shards)
        return eye_fail(err, EYE_EFORMAT,
                        "%s: the weights are split into several files (%s); join them into one "
                        "open_clip_model.safetensors first",
                        dir, shards);
    if (*pickle)
        return eye_fail(err, EYE_EFORMAT,
                        "%s: %s is a Python pickle, which may run any code when it is read and is "
                        "therefore never opened; convert it to open_clip_model.safetensors with "
                        "Python (safetensors.torch.save_file) first",
                        dir, pickle);
    return eye_fail(err, EYE_ENOTFOUND, "%s: no weights: there is no open_clip_model.safetensors",
                    dir);
}

static int find_weights(const char *dir, struct config *out, struct eye_err *err)
{
    for (size_t i = 0; i < sizeof(weight_files) / sizeof(weight_files[0]); i++) {
        char *path = fs_join(dir, weight_files[i], err);
        if (!path)
            return EYE_ENOMEM;
        if (access(path, F_OK) == 0) {
            out->weights = path;
            return 0;
        }
        free(path);
    }
    return explain_no_weights(dir, err);
}

static void defaults(struct config *out)
{
    static const float mean[3] = {0.48145466F, 0.4578275F, 0.40821073F};
    static const float std[3] = {0.26862954F, 0.26130258F, 0.27577711F};
    *out = (struct config){0};
    for (int i = 0; i < 3; i++) {
        out->mean[i] = mean[i];
        out->std[i] = std[i];
    }
    out->prep.mode = IMAGE_SHORTEST;
    out->prep.filter = IMAGE_BICUBIC;
}

/* What no dialect can check alone. */
static int check_whole(const struct config *c, const char *dir, struct eye_err *err)
{
    for (int i = 0; i < 3; i++)
        if (!(c->std[i] > 0))
            return eye_fail(err, EYE_EFORMAT, "%s: the pixels' std must be above 0", dir);
    if (c->text.kind == CONFIG_CLIP_TEXT && c->text.proj == CONFIG_PROJ_NONE &&
        c->text.stack.width != c->dim)
        return eye_fail(err, EYE_EFORMAT,
                        "%s: text_cfg.width is not embed_dim although there is no projection", dir);
    return 0;
}

int config_load(const char *dir, struct config *out, struct eye_err *err)
{
    struct eye_err local = {0, ""};
    defaults(out);
    bool open_clip = true;
    struct json *root = config_file(dir, "open_clip_config.json", out, &local);
    if (!root && local.code == EYE_ENOTFOUND) {
        open_clip = false;
        root = config_file(dir, "config.json", out, &local);
    }
    int code;
    if (!root && local.code == EYE_ENOTFOUND)
        code = eye_fail(err, EYE_ENOTFOUND,
                        "%s: not a model folder: it has neither open_clip_config.json nor "
                        "config.json",
                        dir);
    else if (!root)
        code = eye_fail(err, local.code, "%s", local.msg);
    else if (open_clip)
        code = config_parse_open_clip(dir, out->files[0], root, out, err);
    else
        code = config_parse_hf(dir, out->files[0], root, out, err);
    json_free(root);
    if (!code)
        code = check_whole(out, dir, err);
    if (!code)
        code = find_weights(dir, out, err);
    out->prep.width = (int)out->image.width;
    out->prep.height = (int)out->image.height;
    if (code)
        config_release(out);
    return code;
}

void config_release(struct config *c)
{
    for (size_t i = 0; i < CONFIG_FILES_MAX; i++)
        free(c->files[i]);
    free(c->weights);
    free(c->text.tokenizer);
    *c = (struct config){0};
}
