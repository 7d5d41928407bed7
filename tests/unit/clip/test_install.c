/* test_install.c - importing and verifying model folders, with the starter as the model. */
#include "recipe.h"

#include <ftw.h>
#include <sys/stat.h>

#include "base/json.h"
#include "clip/clip.h"

static const char *const FILES[] = {"open_clip_config.json", "open_clip_model.safetensors",
                                    "text_config.json",      "tokenizer.json",
                                    "tokenizer_config.json", "vocab.txt"};
enum { NFILES = sizeof(FILES) / sizeof(FILES[0]) };

/* dir/name as a model: links to the starter's files, and two that do not belong. */
static void make_source(const char *dir, char source[512])
{
    char cwd[400], target[512], path[1024];
    struct eye_err err;
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    scratch_path(dir, "source", source);
    assert_int_equal(mkdir(source, 0700), 0);
    for (size_t i = 0; i < NFILES; i++) {
        snprintf(target, sizeof(target), "%s/models/starter/%s", cwd, FILES[i]);
        snprintf(path, sizeof(path), "%s/%s", source, FILES[i]);
        assert_int_equal(symlink(target, path), 0);
    }
    snprintf(path, sizeof(path), "%s/pytorch_model.bin", source);
    assert_int_equal(fs_write_atomic(path, "pickle", 6, 0644, &err), 0);
    snprintf(path, sizeof(path), "%s/LICENSE.txt", source);
    assert_int_equal(fs_write_atomic(path, "free", 4, 0644, &err), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *dir)
{
    assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static bool there(const char *dir, const char *name)
{
    char path[1024];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return lstat(path, &st) == 0;
}

static size_t count_entries(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

struct seen {
    size_t files, bad;
    char bad_name[128];
};

static void note_file(void *ctx, const char *file, bool ok, const char *note)
{
    struct seen *seen = ctx;
    seen->files++;
    if (ok)
        return;
    seen->bad++;
    assert_true(*note);
    snprintf(seen->bad_name, sizeof(seen->bad_name), "%s", file);
}

static void replace_file(const char *dir, const char *name, const char *text)
{
    char path[1024];
    struct eye_err err;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644, &err), 0);
}

static void import_copies_what_belongs(void **state)
{
    (void)state;
    char dir[256], source[512], to[512], slash[520];
    struct eye_err err = {0, ""};
    scratch_open(dir);
    make_source(dir, source);
    scratch_path(dir, "models/new", to);
    snprintf(slash, sizeof(slash), "%s/", to);
    if (clip_import(source, slash, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < NFILES; i++)
        assert_true(there(to, FILES[i]));
    assert_true(there(to, "LICENSE.txt"));
    assert_true(there(to, "eyeshine.json"));
    assert_false(there(to, "pytorch_model.bin"));
    assert_int_equal(count_entries(to), NFILES + 2);
    char models[512];
    scratch_path(dir, "models", models);
    assert_int_equal(count_entries(models), 1); /* nothing left beside it */

    struct clip *a = clip_open("models/starter", &err), *b = clip_open(to, &err);
    assert_non_null(a);
    assert_non_null(b);
    assert_string_equal(clip_info(b)->name, "new");
    assert_int_equal(hash_cmp(&clip_info(a)->weights, &clip_info(b)->weights), 0);
    clip_close(a);
    clip_close(b);

    struct seen seen = {0};
    assert_int_equal(clip_verify(to, note_file, &seen, &err), 0);
    assert_int_equal(seen.files, NFILES + 1);
    assert_int_equal(seen.bad, 0);

    assert_int_equal(clip_import(source, to, &err), EYE_EEXIST);
    replace_file(to, "LICENSE.txt", "frei");
    seen = (struct seen){0};
    assert_int_equal(clip_verify(to, note_file, &seen, &err), EYE_EFORMAT);
    assert_int_equal(seen.bad, 1);
    assert_string_equal(seen.bad_name, "LICENSE.txt");
    remove_tree(dir);
}

static void damaged_source_is_refused(void **state)
{
    (void)state;
    char dir[256], source[512], to[512];
    struct eye_err err = {0, ""};
    scratch_open(dir);
    make_source(dir, source);
    scratch_path(dir, "to", to);
    replace_file(
        source, "eyeshine.json",
        "{\"name\":\"x\",\"files\":{\"vocab.txt\":{\"sha256\":\"0000000000000000000000000000000"
        "000000000000000000000000000000000\"}}}");
    assert_int_equal(clip_import(source, to, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "vocab.txt"));
    assert_int_equal(count_entries(dir), 1); /* the source only */
    struct seen seen = {0};
    assert_int_equal(clip_verify(source, note_file, &seen, &err), EYE_EFORMAT);
    assert_string_equal(seen.bad_name, "vocab.txt");

    replace_file(source, "eyeshine.json", "{\"files\":{\"../x\":{\"sha256\":\"00\"}}}");
    seen = (struct seen){0};
    assert_int_equal(clip_verify(source, note_file, &seen, &err), EYE_EFORMAT);
    assert_string_equal(seen.bad_name, "../x");
    replace_file(source, "eyeshine.json", "{");
    assert_int_equal(clip_verify(source, note_file, &seen, &err), EYE_EFORMAT);
    remove_tree(dir);
}

static void no_model_is_refused(void **state)
{
    (void)state;
    char dir[256], source[512], to[512];
    struct eye_err err = {0, ""};
    scratch_open(dir);
    scratch_path(dir, "to", to);
    assert_true(clip_import(dir, to, &err) < 0);
    assert_true(err.msg[0]);
    make_source(dir, source);
    char weights[1024];
    snprintf(weights, sizeof(weights), "%s/open_clip_model.safetensors", source);
    assert_int_equal(unlink(weights), 0);
    replace_file(source, "model.safetensors.index.json", "{}");
    assert_int_equal(clip_import(source, to, &err), EYE_EFORMAT);
    assert_true(clip_verify(source, NULL, NULL, &err) < 0);
    assert_false(there(dir, "to"));
    remove_tree(dir);
}

static void calibration_is_kept(void **state)
{
    (void)state;
    char dir[256], to[512];
    struct eye_err err = {0, ""};
    scratch_open(dir);
    scratch_path(dir, "copy", to);
    if (clip_import("models/starter", to, &err))
        fail_msg("%s", err.msg);
    struct clip *a = clip_open("models/starter", &err), *b = clip_open(to, &err);
    assert_non_null(a);
    assert_non_null(b);
    assert_true(clip_info(a)->text_cal.measured);
    assert_memory_equal(&clip_info(a)->text_cal, &clip_info(b)->text_cal,
                        sizeof(struct clip_calibration));
    assert_memory_equal(&clip_info(a)->image_cal, &clip_info(b)->image_cal,
                        sizeof(struct clip_calibration));
    assert_string_equal(clip_info(b)->name, "starter");
    assert_string_equal(clip_info(b)->licence, clip_info(a)->licence);
    clip_close(a);
    clip_close(b);
    remove_tree(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_copies_what_belongs),
        cmocka_unit_test(damaged_source_is_refused),
        cmocka_unit_test(no_model_is_refused),
        cmocka_unit_test(calibration_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
