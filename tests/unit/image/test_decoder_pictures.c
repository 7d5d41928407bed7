/* test_decoder_pictures.c - real pictures through decoder processes: each format's codec must live with the sandbox
 * (threads, locks, files it would like to open) and give there what it gives here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/decoder_internal.h"

static const struct image_prep small_prep = {.width = 8, .height = 8};

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { BMP_HEAD = 54, BMP_SIDE = 64 };

/* A 24-bit BMP, 64 x 64, of one colour. */
static size_t make_bmp(uint8_t *out)
{
    static const uint8_t head[BMP_HEAD] = {'B',      'M', 0,        0, 0,  0, 0, 0, 0,        0,
                                           BMP_HEAD, 0,   0,        0, 40, 0, 0, 0, BMP_SIDE, 0,
                                           0,        0,   BMP_SIDE, 0, 0,  0, 1, 0, 24};
    size_t size = BMP_HEAD + BMP_SIDE * BMP_SIDE * 3;
    memcpy(out, head, BMP_HEAD);
    out[2] = (uint8_t)size;
    out[3] = (uint8_t)(size >> 8);
    for (size_t i = BMP_HEAD; i < size; i += 3)
        memcpy(out + i, "\x10\x80\xf0", 3); /* blue, green, red */
    return size;
}

/* Decodes what is at `path` here and in a worker: same outcome, same pixels. */
static void compare_with_here(struct decoder_pool *pool, const char *path)
{
    struct image_prep prep = {.width = 32, .height = 32};
    struct image full = {0, 0, NULL}, here = {0, 0, NULL}, there = {0, 0, NULL};
    struct image_meta meta = {.format = IMAGE_UNKNOWN}, meta_there = {.format = IMAGE_UNKNOWN};
    struct eye_err err = {0, ""}, err_there = {0, ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *data = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
    int code =
        image_decode(data, (size_t)st.st_size, &image_limits_default, 64, &full, &meta, &err);
    if (code == 0)
        code = image_prepare(&full, meta.width, meta.height, &prep, &here, &err);
    int code_there = decoder_decode(pool, fd, &prep, &there, &meta_there, &err_there);
    if (code != code_there || strcmp(err.msg, err_there.msg) != 0)
        fail_msg("%s: here %d %s, there %d %s", path, code, err.msg, code_there, err_there.msg);
    if (code != 0)
        fail_msg("%s: %s", path, err.msg);
    assert_memory_equal(here.rgb, there.rgb, 32 * 32 * 3);
    assert_int_equal(meta.width, meta_there.width);
    assert_int_equal(meta.height, meta_there.height);
    assert_int_equal(meta.format, meta_there.format);
    assert_int_equal(meta.orientation, meta_there.orientation);
    assert_int_equal(meta.taken_at, meta_there.taken_at);
    assert_string_equal(meta.camera, meta_there.camera);
    image_release(&full);
    image_release(&here);
    image_release(&there);
    free(data);
    close(fd);
}

static bool is_picture(const char *name)
{
    static const char *const ends[] = {".jpg", ".png",  ".webp", ".gif",  ".tif",
                                       ".bmp", ".heic", ".avif", ".tiff", ".jpeg"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(ends) / sizeof(ends[0]); i++)
        if (strcmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static void test_pictures_of_all_formats(void **state)
{
    (void)state;
    struct eye_err err = {0, ""};
    struct decoder_pool *pool = decoder_open(2, NULL, &err);
    if (!pool)
        fail_msg("%s", err.msg);
    const char *folder = "tests/golden/pixels";
    DIR *dir = opendir(folder);
    int compared = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (is_picture(e->d_name)) {
            compare_with_here(pool, path);
            compared++;
        }
    }
    closedir(dir);
    assert_true(compared >= 20);
    decoder_close(pool);
}

/* decoder_job_picture as a file looks that is cut short, or grows, between fstat and read. */
static int job_of_changed_file(int fd, uint64_t size, const struct image_limits *limits,
                               const struct image_prep *prep, struct image *out,
                               struct image_meta *meta, struct eye_err *err)
{
    char last = 0;
    bool shrank = pread(fd, &last, 1, (off_t)size - 1) == 1 && last == 'S';
    return decoder_job_picture(fd, shrank ? size + 10 : size - 1, limits, prep, out, meta, err);
}

static void test_file_changes_meanwhile(void **state)
{
    (void)state;
    uint8_t bmp[BMP_HEAD + BMP_SIDE * BMP_SIDE * 3 + 1];
    size_t len = make_bmp(bmp);
    struct eye_err err = {0, ""};
    struct image img = {0, 0, NULL};
    struct image_meta meta;
    struct decoder_pool *pool = decoder_open_job(job_of_changed_file, 1, NULL, &err);
    assert_non_null(pool);
    bmp[len] = 'S';
    int shrank = file_of(bmp, len + 1);
    assert_int_equal(decoder_decode(pool, shrank, &small_prep, &img, &meta, &err), EYE_EIO);
    assert_non_null(strstr(err.msg, "shorter"));
    bmp[len] = 'G';
    int grew = file_of(bmp, len + 1);
    assert_int_equal(decoder_decode(pool, grew, &small_prep, &img, &meta, &err), 0);
    assert_int_equal(meta.width, BMP_SIDE);
    assert_memory_equal(img.rgb, "\xf0\x80\x10", 3);
    image_release(&img);
    close(shrank);
    close(grew);
    decoder_close(pool);
}

static void test_file_that_is_no_picture(void **state)
{
    (void)state;
    struct eye_err err = {0, ""};
    struct image img = {0, 0, NULL};
    struct decoder_pool *pool = decoder_open(1, NULL, &err);
    assert_non_null(pool);
    int fd = file_of("This is a letter.\n", 18);
    assert_int_equal(ftruncate(fd, 400 << 20), 0); /* only its start is read: this is quick */
    double start = now();
    assert_int_equal(decoder_decode(pool, fd, &small_prep, &img, NULL, &err), EYE_EFORMAT);
    assert_true(strlen(err.msg) > 0);
    assert_true(now() - start < 1.0 || SANDBOX_SANITIZED);
    close(fd);
    decoder_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures_of_all_formats),
        cmocka_unit_test(test_file_changes_meanwhile),
        cmocka_unit_test(test_file_that_is_no_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
