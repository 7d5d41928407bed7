/* test_towers.c - embeddings of every kind of tower beside open_clip's, on every kernel level. */
#include "recipe.h"

#include "base/cpu.h"
#include "clip/clip.h"
#include "clip/encode.h"

#define GOLDEN "tests/golden/embeddings"
enum { PICTURES = 3, TEXTS_MAX = 8, IDS_MAX = 32 };
static const double cosine_wanted = 0.99999;

struct texts {
    int ids[TEXTS_MAX][IDS_MAX];
    size_t len[TEXTS_MAX], n;
};

static void read_texts(const char *folder, struct texts *t)
{
    char path[512], line[600];
    scratch_path(folder, "ids.txt", path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    *t = (struct texts){.n = 0};
    for (; fgets(line, sizeof(line), f); t->n++) {
        int used;
        assert_true(t->n < TEXTS_MAX);
        for (const char *p = line; sscanf(p, " %d%n", &t->ids[t->n][t->len[t->n]], &used) == 1;
             p += used)
            t->len[t->n]++;
    }
    fclose(f);
    assert_true(t->n >= 4);
}

static float *read_expected(const char *folder, size_t n)
{
    char path[512];
    scratch_path(folder, "expected.f16", path);
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_int_equal(fs_read_all(path, &b, NULL), 0);
    assert_int_equal(b.len, n * 2);
    float *out = malloc(n * sizeof(float));
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, b.data + 2 * i, 2);
        out[i] = f16_to_f32(h);
    }
    buf_release(&b);
    return out;
}

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

static void check_rows(const char *what, const float *got, const float *expected, size_t n,
                       size_t dim)
{
    for (size_t i = 0; i < n; i++) {
        double c = cosine(got + i * dim, expected + i * dim, dim);
        if (!(c >= cosine_wanted))
            fail_msg("%s %zu: cosine %.7f", what, i, c);
        double len = cosine(got + i * dim, got + i * dim, dim);
        float self = 0;
        for (size_t k = 0; k < dim; k++)
            self += got[i * dim + k] * got[i * dim + k];
        assert_true(len > 0.999 && fabsf(self - 1) < 1e-4F);
        for (size_t k = 0; k < i; k++) /* a constant answer must not pass */
            assert_true(cosine(got + i * dim, got + k * dim, dim) < 0.992);
    }
}

/* Encode all inputs of a case with what is asked of the machine and compare. */
static void run_case(const char *dir, const char *folder, struct pool *pool, int max_batch)
{
    struct eye_err err = {0, ""};
    struct clip *clip = clip_open(dir, &err);
    if (!clip)
        fail_msg("%s: %s", folder, err.msg);
    const struct image_prep *prep = clip_prep(clip);
    size_t dim = (size_t)clip_info(clip)->dim;
    struct texts texts;
    read_texts(folder, &texts);
    float *expected = read_expected(folder, (PICTURES + texts.n) * dim);
    float *got = calloc((PICTURES + texts.n) * dim, sizeof(float));
    struct clip_work *work = clip_work_new(clip, max_batch, pool, &err);
    assert_non_null(work);
    struct image images[PICTURES];
    for (size_t i = 0; i < PICTURES; i++)
        images[i] = (struct image){prep->width, prep->height,
                                   recipe_picture(i, (size_t)prep->height, (size_t)prep->width)};
    if (clip_encode_images(clip, work, images, PICTURES, got, &err))
        fail_msg("%s: %s", folder, err.msg);
    check_rows("picture", got, expected, PICTURES, dim);
    for (size_t i = 0; i < texts.n; i++)
        if (clip_encode_ids(clip, work, texts.ids[i], texts.len[i], got + (PICTURES + i) * dim,
                            &err))
            fail_msg("%s: %s", folder, err.msg);
    check_rows("text", got + PICTURES * dim, expected + PICTURES * dim, texts.n, dim);
    for (size_t i = 0; i < PICTURES; i++)
        free(images[i].rgb);
    free(got);
    free(expected);
    clip_work_free(work);
    clip_close(clip);
}

static void make_folder(const char *folder, char dir[256])
{
    static const char *const files[] = {"open_clip_config.json", "config.json", "text_config.json",
                                        "vocab.txt"};
    char path[512];
    scratch_open(dir);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        recipe_copy(folder, dir, files[i]);
    scratch_path(folder, "tensors.txt", path);
    recipe_weights(path, dir, "open_clip_model.safetensors", NULL, NULL);
}

static void each_shape(void **state)
{
    const char *name = *state;
    char dir[256], folder[256];
    snprintf(folder, sizeof(folder), GOLDEN "/%s", name);
    make_folder(folder, dir);
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
        cpu_level_force((enum cpu_level)level);
        run_case(dir, folder, NULL, 8);
    }
    cpu_level_force(cpu_level_max());
    struct pool *pool = pool_new(3, NULL);
    assert_non_null(pool);
    run_case(dir, folder, pool, 1); /* one picture at a time, products shared by threads */
    pool_free(pool);
    scratch_close(dir);
}

/* A batch gives bit by bit what single pictures give. */
static void batch_is_exact(void **state)
{
    (void)state;
    char dir[256];
    make_folder(GOLDEN "/vit-exact-p16-640", dir);
    struct clip *clip = clip_open(dir, NULL);
    assert_non_null(clip);
    struct clip_work *work = clip_work_new(clip, 16, NULL, NULL);
    struct image images[5];
    float *all = calloc(5 * 640, sizeof(float)), one[640];
    for (uint64_t i = 0; i < 5; i++)
        images[i] = (struct image){64, 64, recipe_picture(i, 64, 64)};
    assert_int_equal(clip_encode_images(clip, work, images, 5, all, NULL), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(clip_encode_images(clip, work, &images[i], 1, one, NULL), 0);
        assert_memory_equal(one, all + i * 640, sizeof(one));
        free(images[i].rgb);
    }
    free(all);
    clip_work_free(work);
    clip_close(clip);
    scratch_close(dir);
}

static void wrong_input(void **state)
{
    (void)state;
    char dir[256];
    struct eye_err err;
    make_folder(GOLDEN "/vit-f16-64", dir);
    struct clip *clip = clip_open(dir, NULL);
    assert_non_null(clip);
    struct clip_work *work = clip_work_new(clip, 1, NULL, NULL);
    float out[64];
    struct image image = {32, 64, recipe_picture(0, 64, 32)};
    assert_int_equal(clip_encode_images(clip, work, &image, 1, out, &err), EYE_EINVAL);
    free(image.rgb);
    assert_int_equal(clip_encode_images(clip, work, NULL, 0, out, &err), 0);
    int beyond[] = {298, 300, 299};
    assert_int_equal(clip_encode_ids(clip, work, beyond, 3, out, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "token 300"));
    assert_int_equal(clip_encode_ids(clip, work, beyond, 0, out, &err), EYE_EINVAL);
    assert_int_equal(clip_encode_ids(clip, work, beyond, 17, out, &err), EYE_EINVAL);
    assert_null(clip_work_new(clip, 0, NULL, &err));
    clip_work_free(work);
    clip_close(clip);
    scratch_close(dir);
}

/* Opening names the tensor that is missing or has another shape. */
static void broken_weights(void **state)
{
    (void)state;
    static const struct {
        const char *name, *instead, *message;
    } cases[] = {
        {"visual.transformer.resblocks.1.mlp.c_fc.bias", NULL, "is missing"},
        {"visual.positional_embedding", "visual.positional_embedding F32 16 128",
         "[16 x 128], but the configuration asks for [17 x 128]"},
        {"ln_final.weight", "ln_final.weight F32 128 1", "ln_final.weight has shape [128 x 1]"},
        {"text_projection", "text_projection F32 64 128", "text_projection"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char dir[256];
        struct eye_err err = {0, ""};
        scratch_open(dir);
        recipe_copy(GOLDEN "/vit-f16-64", dir, "open_clip_config.json");
        recipe_weights(GOLDEN "/vit-f16-64/tensors.txt", dir, "model.safetensors", cases[i].name,
                       cases[i].instead);
        assert_null(clip_open(dir, &err));
        assert_int_equal(err.code, EYE_EFORMAT);
        assert_non_null(strstr(err.msg, cases[i].name));
        assert_non_null(strstr(err.msg, cases[i].message));
        scratch_close(dir);
    }
}

/* Weights that are no numbers give an error, not a vector of NaN. */
static void not_finite(void **state)
{
    (void)state;
    char dir[256], path[512];
    make_folder(GOLDEN "/vit-exact-p16-640", dir);
    scratch_path(dir, "open_clip_model.safetensors", path);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    float nan = NAN;
    assert_int_equal(fseek(f, -4, SEEK_END), 0); /* the last tensor: ln_final.bias of the text */
    assert_int_equal(fwrite(&nan, 4, 1, f), 1);
    fclose(f);
    struct eye_err err;
    struct clip *clip = clip_open(dir, &err);
    assert_non_null(clip);
    struct clip_work *work = clip_work_new(clip, 1, NULL, &err);
    float out[640];
    int ids[] = {298, 7, 299};
    assert_int_equal(clip_encode_ids(clip, work, ids, 3, out, &err), EYE_EFORMAT);
    clip_work_free(work);
    clip_close(clip);
    scratch_close(dir);
}

static void describes_itself(void **state)
{
    (void)state;
    char dir[256];
    make_folder(GOLDEN "/vit-quick-p32-512", dir);
    struct clip *clip = clip_open(dir, NULL);
    assert_non_null(clip);
    const struct clip_info *i = clip_info(clip);
    struct hash computed = i->weights;
    assert_string_equal(i->image_arch, "ViT 2x128, patch 32, 96 px");
    assert_string_equal(i->text_arch, "CLIP transformer 2x128, BPE, context 16");
    assert_string_equal(i->dtype, "f32");
    assert_string_equal(i->name, strrchr(dir, '/') + 1);
    assert_int_equal(i->dim, 512);
    assert_int_equal(i->context, 16);
    assert_false(i->text_cal.measured);
    clip_close(clip);

    scratch_text(
        dir, "eyeshine.json",
        "{\"name\":\"small\",\"licence\":\"MIT\",\"files\":{\"open_clip_model.safetensors\":{"
        "\"sha256\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}},"
        "\"calibration\":{\"text\":{\"midpoint\":0.2,\"scale\":0.05,\"floor\":0.1}}}");
    clip = clip_open(dir, NULL);
    assert_non_null(clip);
    i = clip_info(clip);
    assert_string_equal(i->name, "small");
    assert_string_equal(i->licence, "MIT");
    assert_true(i->text_cal.measured && i->text_cal.floor == 0.1F);
    assert_false(i->image_cal.measured);
    assert_int_not_equal(hash_cmp(&computed, &i->weights), 0); /* the recorded sum was taken */
    clip_close(clip);

    scratch_text(dir, "eyeshine.json",
                 "{\"files\":{\"open_clip_model.safetensors\":{\"bytes\":17,\"sha256\":"
                 "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}}}");
    struct eye_err err;
    assert_null(clip_open(dir, &err));
    assert_int_equal(err.code, EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "damaged"));
    scratch_close(dir);
}

/* The model that is shipped, from words to vector. */
static void starter(void **state)
{
    (void)state;
    enum { TEXTS = 10, DIM = 384, SIDE = 224 };
    struct eye_err err = {0, ""};
    char line[2048];
    float *expected = read_expected(GOLDEN "/starter", (PICTURES + TEXTS) * DIM);
    float *got = calloc((PICTURES + TEXTS) * DIM, sizeof(float));
    struct clip *clip = clip_open("models/starter", &err);
    if (!clip)
        fail_msg("%s", err.msg);
    struct clip_work *work = clip_work_new(clip, 1, NULL, &err);
    for (uint64_t i = 0; i < PICTURES; i++) {
        struct image image = {SIDE, SIDE, recipe_picture(i, SIDE, SIDE)};
        assert_int_equal(clip_encode_images(clip, work, &image, 1, got + i * DIM, &err), 0);
        free(image.rgb);
    }
    check_rows("picture", got, expected, PICTURES, DIM);
    FILE *f = fopen(GOLDEN "/starter/texts.txt", "r");
    assert_non_null(f);
    for (size_t i = 0; i < TEXTS; i++) {
        assert_non_null(fgets(line, sizeof(line), f));
        line[strcspn(line, "\n")] = '\0';
        assert_int_equal(clip_encode_text(clip, work, line, got + (PICTURES + i) * DIM, &err), 0);
    }
    fclose(f);
    check_rows("text", got + PICTURES * DIM, expected + PICTURES * DIM, TEXTS, DIM);
    assert_string_equal(clip_info(clip)->image_arch, "EfficientNet-Lite0, 224 px");
    assert_string_equal(clip_info(clip)->text_arch, "BERT 6x384, WordPiece, context 64");
    assert_string_equal(clip_info(clip)->dtype, "f16");
    free(got);
    free(expected);
    clip_work_free(work);
    clip_close(clip);
}

/* Threads that meet at the first use of a tower, each with its own scratch. */
struct shared {
    struct clip *clip;
    float out[24][64];
    int code[24];
};

static void encode_one(void *ctx, size_t i, int worker)
{
    struct shared *s = ctx;
    (void)worker;
    struct clip_work *work = clip_work_new(s->clip, 1, NULL, NULL);
    if (i % 2) {
        const int ids[] = {298, 7, 120, 299};
        s->code[i] = clip_encode_ids(s->clip, work, ids, 4, s->out[i], NULL);
    } else {
        struct image image = {64, 64, recipe_picture(1, 64, 64)};
        s->code[i] = clip_encode_images(s->clip, work, &image, 1, s->out[i], NULL);
        free(image.rgb);
    }
    clip_work_free(work);
}

static void shared_by_threads(void **state)
{
    (void)state;
    char dir[256];
    make_folder(GOLDEN "/vit-f16-64", dir);
    struct pool *pool = pool_new(4, NULL);
    struct shared *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->clip = clip_open(dir, NULL);
    assert_non_null(s->clip);
    pool_run(pool, 24, encode_one, s);
    for (size_t i = 0; i < 24; i++) {
        assert_int_equal(s->code[i], 0);
        assert_memory_equal(s->out[i], s->out[i % 2], sizeof(s->out[i]));
    }
    clip_close(s->clip);
    pool_free(pool);
    free(s);
    scratch_close(dir);
}

#define SHAPE(name)                                                                                \
    {                                                                                              \
        name, each_shape, NULL, NULL, (void *)(uintptr_t)name                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_by_threads),
        SHAPE("vit-quick-p32-512"),
        SHAPE("vit-exact-p16-640"),
        SHAPE("vit-h80-p14-768"),
        SHAPE("vit-avg-clipa-1024"),
        SHAPE("vit-avg-oblong-96"),
        SHAPE("vit-layerscale-64"),
        SHAPE("text-eos-bias-80"),
        SHAPE("text-first-none-128"),
        SHAPE("hf-clip-72"),
        SHAPE("vit-f16-64"),
        SHAPE("vit-bf16-64"),
        SHAPE("lite0-mlp-bert-mean-mlp-48"),
        SHAPE("lite0-linear-bert-cls-linear-40"),
        SHAPE("lite1-classifier-bert-row0-none-96"),
        cmocka_unit_test(starter),
        cmocka_unit_test(batch_is_exact),
        cmocka_unit_test(wrong_input),
        cmocka_unit_test(broken_weights),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(describes_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
