/* info.c - see info.h.
 *
 * The identity of a model is the SHA-256 over the SHA-256 of each configuration file that was read and of the weights
 * file, in that order. eyeshine.json records those sums when a model is imported, so that opening an installed model
 * reads none of its megabytes; a folder without one is hashed at each opening (55 MB: 0.05-0.2 s). */
#include "clip/info.h"

#include <math.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The sum of one file: as recorded if the size fits, else computed. */
static int sum_of(const char *path, const struct json *recorded, struct hash *out,
                  struct eye_err *err)
{
    const struct json *entry = json_get(recorded, file_name(path));
    const char *hex = json_get_str(entry, "sha256", NULL);
    if (!hex)
        return hash_file(path, out, NULL, err);
    struct stat st;
    if (stat(path, &st) != 0)
        return eye_fail(err, EYE_EIO, "%s: cannot look at the file", path);
    int64_t bytes = json_get_int(entry, "bytes", (int64_t)st.st_size);
    if (bytes != (int64_t)st.st_size)
        return eye_fail(err, EYE_EFORMAT,
                        "%s has %lld bytes, but eyeshine.json says %lld: the model is damaged or "
                        "was changed; import it again",
                        path, (long long)st.st_size, (long long)bytes);
    int code = hash_from_hex(hex, out, err);
    return code ? eye_fail_prefix(err, "%s: eyeshine.json", path) : 0;
}

static int fingerprint(const struct config *config, const struct json *recorded, struct hash *out,
                       struct eye_err *err)
{
    struct hash sums[CONFIG_FILES_MAX + 1];
    size_t n = 0;
    int code = 0;
    for (; !code && n < CONFIG_FILES_MAX && config->files[n]; n++)
        code = sum_of(config->files[n], recorded, &sums[n], err);
    if (!code)
        code = sum_of(config->weights, recorded, &sums[n++], err);
    if (!code)
        hash_bytes(sums, n * sizeof(sums[0]), out);
    return code;
}

static struct clip_calibration calibration(const struct json *v, struct clip_calibration guess)
{
    struct clip_calibration c = {(float)json_get_num(v, "midpoint", NAN),
                                 (float)json_get_num(v, "scale", NAN),
                                 (float)json_get_num(v, "floor", NAN), true};
    bool sane = fabsf(c.midpoint) <= 1 && c.scale > 0 && c.scale <= 10 && fabsf(c.floor) <= 1;
    return sane ? c : guess;
}

static void describe(const struct config *c, const char *tokenizer, struct clip_info *out)
{
    const struct config_stack *i = &c->image.stack, *t = &c->text.stack;
    char size[32];
    if (c->image.width == c->image.height)
        snprintf(size, sizeof(size), "%zu px", c->image.width);
    else
        snprintf(size, sizeof(size), "%zu x %zu px", c->image.width, c->image.height);
    if (c->image.kind == CONFIG_VIT)
        snprintf(out->image_arch, sizeof(out->image_arch), "ViT %zux%zu, patch %zu, %s", i->layers,
                 i->width, c->image.patch, size);
    else
        snprintf(out->image_arch, sizeof(out->image_arch), "%s, %s", c->image.name, size);
    snprintf(out->text_arch, sizeof(out->text_arch), "%s %zux%zu, %s, context %zu",
             c->text.kind == CONFIG_BERT ? "BERT" : "CLIP transformer", t->layers, t->width,
             tokenizer, c->text.context);
}

static int take_name(const char *dir, const struct json *root, struct clip_info *out,
                     struct eye_err *err)
{
    const char *name = json_get_str(root, "name", "");
    char *real = *name ? NULL : fs_real(dir, err);
    if (!*name && !real)
        return err ? err->code : EYE_EIO;
    snprintf(out->name, sizeof(out->name), "%s", *name ? name : file_name(real));
    free(real);
    return 0;
}

int info_fill(const char *dir, const struct config *config, const struct safetensors *st,
              const char *tokenizer, struct clip_info *out, struct eye_err *err)
{
    /* Where CLIP models of OpenAI's and LAION's kind mostly lie; "measured" says that it is a guess. */
    static const struct clip_calibration text = {0.25F, 0.025F, 0.2F, false};
    static const struct clip_calibration image = {0.75F, 0.05F, 0.6F, false};
    struct eye_err local = {0, ""};
    char *path = fs_join(dir, "eyeshine.json", err);
    if (!path)
        return EYE_ENOMEM;
    struct json *root = json_parse_file(path, (size_t)1 << 20, &local);
    free(path);
    if (!root && local.code != EYE_ENOTFOUND)
        return eye_fail(err, local.code, "%s", local.msg);

    *out = (struct clip_info){0};
    int code = take_name(dir, root, out, err);
    if (!code)
        code = fingerprint(config, json_get(root, "files"), &out->weights, err);
    describe(config, tokenizer, out);
    snprintf(out->licence, sizeof(out->licence), "%s", json_get_str(root, "licence", ""));
    snprintf(out->dtype, sizeof(out->dtype), "%s", safetensors_dtype(st));
    out->dim = (int)config->dim;
    out->image_size = (int)config->image.width;
    out->context = (int)config->text.context;
    out->parameters = safetensors_parameters(st);
    out->bytes = safetensors_bytes(st);
    const struct json *cal = json_get(root, "calibration");
    out->text_cal = calibration(json_get(cal, "text"), text);
    out->image_cal = calibration(json_get(cal, "image"), image);
    json_free(root);
    return code;
}
