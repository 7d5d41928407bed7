/* recipe.h - model folders from a recipe: the generator of tools/golden/make_embeddings.py once more, in C.
 *
 * Header only, for the tests of src/clip. Everything is asserted: a recipe that cannot be made is a broken test. */
#ifndef TEST_CLIP_RECIPE_H
#define TEST_CLIP_RECIPE_H

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "tensor/tensor.h"

/* ---- a folder that goes away ---- */

static inline void scratch_open(char dir[256])
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, 256, "%s/eyeshine-clip-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
}

static inline void scratch_path(const char *dir, const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", dir, name);
}

static inline void scratch_close(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        scratch_path(dir, e->d_name, path);
        assert_int_equal(unlink(path), 0);
    }
    closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

static inline void scratch_write(const char *dir, const char *name, const void *data, size_t len)
{
    char path[512];
    scratch_path(dir, name, path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline void scratch_text(const char *dir, const char *name, const char *text)
{
    scratch_write(dir, name, text, strlen(text));
}

/* ---- the generator ---- */

static inline uint64_t recipe_seed(const char *name)
{
    uint64_t h = 0xCBF29CE484222325U;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001B3U;
    return h;
}

/* Number i of a stream, in [-1, 1), a multiple of 2^-23. */
static inline float recipe_draw(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    z = z ^ (z >> 31);
    return (float)((double)((int64_t)(z >> 40) - (1 << 23)) / (1 << 23));
}

static inline bool recipe_ends(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

struct recipe_tensor {
    char name[200], type[8];
    size_t shape[4];
    int ndim;
};

static inline void recipe_scale(const struct recipe_tensor *t, float *scale, float *offset)
{
    double s = 0, fan_in = 1, gain = 1;
    *offset = 0;
    for (int i = 1; i < t->ndim; i++)
        fan_in *= (double)t->shape[i];
    if (recipe_ends(t->name, "running_var")) {
        s = 0.5;
        *offset = 1;
    } else if (recipe_ends(t->name, "running_mean")) {
        s = 0.2;
    } else if (recipe_ends(t->name, ".gamma")) {
        s = 0.3;
        *offset = 0.6F;
    } else if (t->ndim >= 2 && strstr(t->name, "embedding") && !strstr(t->name, "patch")) {
        s = strstr(t->name, "position") ? 0.5 : 1.5;
    } else if (t->ndim >= 2) {
        if (recipe_ends(t->name, "text_projection") || strcmp(t->name, "visual.proj") == 0)
            fan_in = (double)t->shape[0];
        if (strstr(t->name, "conv") || strstr(t->name, "patch"))
            gain = 2;
        if (strstr(t->name, "blocks."))
            gain = 1.4;
        if (strstr(t->name, "out_proj") || strstr(t->name, "attention.output"))
            gain = 4;
        s = gain * sqrt(3.0 / fan_in);
    } else if (t->ndim == 1) {
        s = recipe_ends(t->name, ".weight") ? 0.3 : 0.2;
        *offset = recipe_ends(t->name, ".weight") ? 1 : 0;
    } else {
        *offset = 1;
    }
    *scale = (float)s;
}

static inline uint16_t recipe_bf16(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof(u));
    return (uint16_t)((u + 0x7FFF + (u >> 16 & 1)) >> 16); /* to nearest, ties to even */
}

static inline size_t recipe_count(const struct recipe_tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->ndim; i++)
        n *= t->shape[i];
    return n;
}

/* Append the stored numbers of one tensor. */
static inline void recipe_numbers(const struct recipe_tensor *t, struct buf *data)
{
    float scale, offset;
    recipe_scale(t, &scale, &offset);
    uint64_t seed = recipe_seed(t->name);
    size_t n = recipe_count(t), size = strcmp(t->type, "F32") == 0 ? 4 : 2;
    assert_int_equal(buf_reserve(data, n * size, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        float v = recipe_draw(seed, i) * scale;
        v += offset;
        uint16_t half = strcmp(t->type, "F16") == 0 ? f32_to_f16(v) : recipe_bf16(v);
        assert_int_equal(buf_append(data, size == 4 ? (void *)&v : (void *)&half, size, NULL), 0);
    }
}

/* A line of tensors.txt: NAME TYPE SIDE... */
static inline void recipe_parse(const char *line, struct recipe_tensor *t)
{
    int used = 0;
    *t = (struct recipe_tensor){.ndim = 0};
    assert_int_equal(sscanf(line, "%199s %7s%n", t->name, t->type, &used), 2);
    for (line += used; sscanf(line, " %zu%n", &t->shape[t->ndim], &used) == 1; line += used) {
        t->ndim++;
        assert_true(t->ndim < 4 || line[used] == '\n' || line[used] == '\0');
        if (t->ndim == 4)
            break;
    }
}

/* Write DIR/open_clip_model.safetensors from a tensors.txt, leaving out or replacing the line of tensor `skip`. */
static inline void recipe_weights(const char *recipe, const char *dir, const char *file,
                                  const char *skip, const char *instead)
{
    FILE *f = fopen(recipe, "r");
    assert_non_null(f);
    struct buf header, data;
    buf_init(&header, (size_t)1 << 20);
    buf_init(&data, (size_t)1 << 28);
    assert_int_equal(buf_puts(&header, "{\"__metadata__\":{\"format\":\"pt\"}", NULL), 0);
    char line[400];
    while (fgets(line, sizeof(line), f)) {
        struct recipe_tensor t;
        recipe_parse(line, &t);
        if (skip && strcmp(t.name, skip) == 0) {
            if (!instead)
                continue;
            recipe_parse(instead, &t);
        }
        size_t begin = data.len;
        recipe_numbers(&t, &data);
        buf_printf(&header, NULL, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", t.name, t.type);
        for (int i = 0; i < t.ndim; i++)
            buf_printf(&header, NULL, "%s%zu", i ? "," : "", t.shape[i]);
        buf_printf(&header, NULL, "],\"data_offsets\":[%zu,%zu]}", begin, data.len);
    }
    fclose(f);
    assert_int_equal(buf_putc(&header, '}', NULL), 0);
    char path[512];
    scratch_path(dir, file, path);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    uint64_t len = header.len; /* little-endian, as is this machine */
    assert_int_equal(fwrite(&len, 1, 8, out), 8);
    assert_int_equal(fwrite(header.data, 1, header.len, out), header.len);
    assert_int_equal(fwrite(data.data, 1, data.len, out), data.len);
    assert_int_equal(fclose(out), 0);
    buf_release(&header);
    buf_release(&data);
}

/* Picture k: [height, width, 3], yours. */
static inline uint8_t *recipe_picture(uint64_t k, size_t height, size_t width)
{
    size_t bw = (width + 7) / 8;
    uint8_t *rgb = malloc(height * width * 3);
    assert_non_null(rgb);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++) {
                float block = (recipe_draw(1000 + k, (y / 8 * bw + x / 8) * 3 + c) + 1) * 112;
                float noise = (recipe_draw(2000 + k, (y * width + x) * 3 + c) + 1) * 16;
                rgb[(y * width + x) * 3 + c] = (uint8_t)(floorf(block) + floorf(noise));
            }
    return rgb;
}

/* Copy DIR/name if it is there. */
static inline void recipe_copy(const char *from, const char *to, const char *name)
{
    char a[512], b[512];
    scratch_path(from, name, a);
    scratch_path(to, name, b);
    if (access(a, R_OK) == 0)
        assert_int_equal(fs_copy(a, b, NULL), 0);
}

#endif
