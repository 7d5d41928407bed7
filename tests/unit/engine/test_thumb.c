/* test_thumb.c - thumbnails: made once, kept, made again when the cache lost them, served when nothing can be kept. */
#include "engine/fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/thumb.h"

/* A BMP of one colour; the size is what differs. */
static void write_bmp(const struct fx *fx, const char *name, int width, int height, uint8_t colour)
{
    size_t row = ((size_t)width * 3 + 3) / 4 * 4, size = 54 + row * (size_t)height;
    uint8_t *d = malloc(size);
    assert_non_null(d);
    memset(d, colour, size);
    memset(d, 0, 54);
    memcpy(d, "BM", 2);
    d[10] = 54, d[14] = 40, d[26] = 1, d[28] = 24;
    for (int i = 0; i < 2; i++) {
        d[18 + i] = (uint8_t)(width >> 8 * i);
        d[22 + i] = (uint8_t)(height >> 8 * i);
    }
    fx_write(fx, name, d, size);
    free(d);
}

static int64_t id_of(struct fx *fx, const char *name)
{
    int64_t id = 0, root = 0;
    struct store_root *roots;
    size_t n;
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_roots(s, &roots, &n, &fx->err));
    assert_int_equal(n, 1);
    root = roots[0].id;
    store_roots_free(roots, n);
    FX_OK(fx, store_picture_at(s, root, name, &id, &fx->err));
    eng_store_put(fx->lib, s);
    return id;
}

static struct fx *with_picture(void **state, int64_t *id)
{
    struct fx *fx = fx_new(state);
    write_bmp(fx, "a.bmp", 300, 200, 0x60);
    fx_index(fx, "");
    *id = id_of(fx, "a.bmp");
    return fx;
}

/* The size of the WebP that came; everything said about it is checked. */
static void get(struct fx *fx, int64_t id, int size, int *width, int *height, ino_t *inode)
{
    eye_file f;
    struct stat st;
    struct image img;
    FX_OK(fx, eye_thumbnail(fx->lib, id, size, &f, &fx->err));
    assert_int_equal(fstat(f.fd, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_size, f.size);
    assert_int_equal(st.st_mtim.tv_sec, f.mtime);
    assert_string_equal(f.format, "webp");
    assert_true(strlen(f.etag) > 64 && !strchr(f.etag, '"'));
    uint8_t *data = malloc(f.size);
    assert_int_equal(read(f.fd, data, f.size),
                     f.size); /* from its start, by an offset of its own */
    assert_int_equal(write(f.fd, "x", 1), -1);
    FX_OK(fx, image_decode(data, f.size, NULL, 0, &img, NULL, &fx->err));
    *width = img.width;
    *height = img.height;
    if (inode)
        *inode = st.st_ino;
    image_release(&img);
    free(data);
    close(f.fd);
}

static void assert_gets(struct fx *fx, int64_t id)
{
    int w, h;
    get(fx, id, 128, &w, &h, NULL);
    assert_int_equal(w, 128);
    assert_int_equal(h, 85);
}

static void cache_path(struct fx *fx, int64_t id, int size, char *path, size_t cap)
{
    struct store_picture p;
    char hex[HASH_HEX_LEN + 1];
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_picture_get(s, id, &p, &fx->err));
    eng_store_put(fx->lib, s);
    hash_to_hex(&p.hash, hex);
    snprintf(path, cap, "%s/thumbs/%.2s/%s-%d.webp", fx->library, hex, hex, size);
}

static void test_sizes(void **state)
{
    static const int cases[][3] = {{1, 64, 43},     {64, 64, 43},    {65, 128, 85},
                                   {256, 256, 171}, {257, 300, 200}, {1024, 300, 200},
                                   {2048, 300, 200}};
    int64_t id;
    struct fx *fx = with_picture(state, &id);
    eye_file f;
    int w, h;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        get(fx, id, cases[i][0], &w, &h, NULL);
        assert_int_equal(w, cases[i][1]);
        assert_int_equal(h, cases[i][2]);
    }
    assert_int_equal(eye_thumbnail(fx->lib, id, 0, &f, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_thumbnail(fx->lib, id, 2049, &f, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_thumbnail(fx->lib, id + 77, 64, &f, &fx->err), EYE_ENOTFOUND);
    fx_free(fx);
}

static void test_kept(void **state)
{
    int64_t id;
    int w, h;
    ino_t first, again;
    char path[700];
    struct stat st;
    struct fx *fx = with_picture(state, &id);
    get(fx, id, 100, &w, &h, &first);
    get(fx, id, 128, &w, &h, &again);
    assert_int_equal(first, again);
    cache_path(fx, id, 128, path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_ino, first);
    assert_int_equal(st.st_mode & 077, 0);
    fx_unlink(fx, "a.bmp"); /* the original is out of reach: what is kept still serves */
    fx_reopen(fx);
    get(fx, id, 128, &w, &h, &again);
    assert_int_equal(first, again);
    eye_file f;
    assert_int_equal(eye_thumbnail(fx->lib, id, 64, &f, &fx->err), EYE_ENOTFOUND);
    fx_free(fx);
}

static void test_use_is_noted_and_the_time_stays(void **state)
{
    int64_t id;
    char path[700];
    struct stat st;
    struct fx *fx = with_picture(state, &id);
    struct timespec old[2] = {{1000000, 0}, {2000000, 0}};
    assert_gets(fx, id);
    cache_path(fx, id, 128, path, sizeof path);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_gets(fx, id);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_atim.tv_sec > time(NULL) - 60);
    assert_int_equal(st.st_mtim.tv_sec, 2000000);
    fx_free(fx);
}

static void test_damage_and_deletion(void **state)
{
    int64_t id;
    char path[700], folder[400];
    struct stat st;
    struct fx *fx = with_picture(state, &id);
    assert_gets(fx, id);
    cache_path(fx, id, 128, path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 10), 0);
    assert_gets(fx, id);
    assert_int_equal(truncate(path, 0), 0);
    assert_gets(fx, id);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_gets(fx, id);
    snprintf(folder, sizeof folder, "%s/thumbs", fx->library);
    fx_rm(folder);
    assert_gets(fx, id);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    fx_free(fx);
}

static void test_nothing_can_be_kept(void **state)
{
    int64_t id;
    char folder[400];
    struct fx *fx = with_picture(state, &id);
    snprintf(folder, sizeof folder, "%s/thumbs", fx->library);
    int fd = open(folder, O_WRONLY | O_CREAT, 0600); /* a file where the folder should be */
    close(fd);
    fx->log[0] = '\0';
    assert_gets(fx, id);
    assert_gets(fx, id);
    const char *told = strstr(fx->log, "cannot be kept");
    assert_non_null(told);
    assert_null(strstr(told + 1, "cannot be kept"));
    unlink(folder);
    eye_close(fx->lib);
    eye_options o = fx_options(fx);
    o.create = false;
    o.read_only = true;
    fx->lib = eye_open(&o, &fx->err);
    assert_non_null(fx->lib);
    assert_gets(fx, id);
    assert_int_equal(access(folder, F_OK), -1);
    fx_free(fx);
}

static void test_failures_pass_and_are_not_kept(void **state)
{
    int64_t id;
    char path[600];
    eye_file f;
    struct fx *fx = with_picture(state, &id);
    fx_path(fx, "a.bmp", path);
    struct stat st;
    int fd = open(path, O_WRONLY);
    uint8_t bits = 77;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pwrite(fd, &bits, 1, 28), 1); /* 77 bits a pixel */
    assert_int_equal(futimens(fd, (struct timespec[2]){st.st_atim, st.st_mtim}), 0);
    assert_int_equal(eye_thumbnail(fx->lib, id, 128, &f, &fx->err), EYE_EFORMAT);
    assert_true(strlen(fx->err.msg) > 5);
    bits = 24;
    assert_int_equal(pwrite(fd, &bits, 1, 28), 1);
    close(fd);
    assert_gets(fx, id);
    fx_free(fx);
}

struct asker {
    struct fx *fx;
    int64_t id;
    int wrong;
    pthread_mutex_t lock;
};

/* Another picture in a file of the same size: none of it is shown or kept under the old one's hash. */
static void test_changed_files_give_none(void **state)
{
    int64_t id;
    char path[700];
    struct stat st;
    eye_file f;
    struct fx *fx = with_picture(state, &id);
    fx_path(fx, "a.bmp", path);
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){{1000, 0}, {1000, 0}}, 0), 0);
    assert_gets(fx, id); /* only touched */
    write_bmp(fx, "a.bmp", 300, 200, 0x90);
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){{2000, 0}, {2000, 0}}, 0), 0);
    assert_int_equal(eye_thumbnail(fx->lib, id, 256, &f, &fx->err), EYE_ENOTFOUND);
    cache_path(fx, id, 256, path, sizeof path);
    assert_int_not_equal(stat(path, &st), 0);
    assert_gets(fx, id); /* was kept before */
    fx_free(fx);
}

static void *ask(void *arg)
{
    struct asker *a = arg;
    struct eye_err err;
    eye_file f;
    int wrong = 0;
    for (int size = 64; size <= 256; size *= 2) {
        if (eye_thumbnail(a->fx->lib, a->id, size, &f, &err) == 0)
            wrong += close(f.fd) != 0 || f.size < 30;
        else
            wrong++;
    }
    pthread_mutex_lock(&a->lock);
    a->wrong += wrong;
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static int ask_from_many(struct fx *fx, int64_t id)
{
    struct asker a = {fx, id, 0, PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &a), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    return a.wrong;
}

static void test_many_ask_at_once(void **state)
{
    int64_t id;
    struct fx *fx = with_picture(state, &id);
    assert_int_equal(ask_from_many(fx, id), 0);
    struct thumb_cache *c = thumb_cache_of(fx->lib, &fx->err);
    assert_in_range(c->serial, 3, 5); /* 24 asked for 3; a late one may just miss a landing */
    c->read_only = true;              /* then each gets a file in memory */
    char folder[400];
    snprintf(folder, sizeof folder, "%s/thumbs", fx->library);
    fx_rm(folder);
    assert_int_equal(ask_from_many(fx, id), 0);
    assert_int_equal(access(folder, F_OK), -1);
    fx_free(fx);
}

/* Sets the access time of a kept thumbnail to `age` seconds ago, so that its turn to go is known. */
static void set_age(struct fx *fx, int64_t id, long age)
{
    char path[700];
    struct timespec t[2] = {{time(NULL) - age, 0}, {0, UTIME_OMIT}};
    cache_path(fx, id, 64, path, sizeof path);
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void test_longest_unused_go(void **state)
{
    enum { N = 12 };
    struct fx *fx = fx_new(state);
    int64_t ids[N];
    char name[32], path[700];
    eye_file f;
    uint64_t each = 0;
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "p%02d.bmp", i);
        write_bmp(fx, name, 100, 100, (uint8_t)(i * 20));
    }
    fx_index(fx, "");
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "p%02d.bmp", i);
        ids[i] = id_of(fx, name);
    }
    for (int i = 0; i < N - 1; i++) {
        FX_OK(fx, eye_thumbnail(fx->lib, ids[i], 64, &f, &fx->err));
        each = f.size > each ? f.size : each;
        close(f.fd);
        set_age(fx, ids[i], 1000 - i); /* in order, all within the hour */
    }
    set_age(fx, ids[0], 5); /* used just now */
    struct thumb_cache *c = thumb_cache_of(fx->lib, &fx->err);
    assert_true(c->total > 0 && c->total <= (int64_t)(N * each));
    c->limit = (uint64_t)c->total;
    FX_OK(fx, eye_thumbnail(fx->lib, ids[N - 1], 64, &f, &fx->err)); /* one too many */
    close(f.fd);
    assert_true((uint64_t)c->total <= c->limit);
    int there = 0;
    for (int i = 0; i < N; i++) {
        cache_path(fx, ids[i], 64, path, sizeof path);
        bool kept = access(path, F_OK) == 0;
        there += kept;
        assert_true(kept || (i != 0 && i != N - 1));
        assert_true(!kept || i != 1);
    }
    assert_in_range(there, N / 2, N - 1);
    fx_free(fx);
}

static void test_forget(void **state)
{
    int64_t id;
    char path[700];
    struct store_picture p;
    struct fx *fx = with_picture(state, &id);
    assert_gets(fx, id);
    cache_path(fx, id, 128, path, sizeof path);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_picture_get(s, id, &p, &fx->err));
    eng_store_put(fx->lib, s);
    assert_int_equal(access(path, F_OK), 0);
    FX_OK(fx, eye_remove(fx->lib, NULL, 0, &id, 1, NULL, &fx->err));
    assert_int_equal(access(path, F_OK), -1);
    eng_thumbs_forget(fx->lib, &p.hash); /* nothing there: fine */
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_use_is_noted_and_the_time_stays),
        cmocka_unit_test(test_damage_and_deletion),
        cmocka_unit_test(test_nothing_can_be_kept),
        cmocka_unit_test(test_failures_pass_and_are_not_kept),
        cmocka_unit_test(test_changed_files_give_none),
        cmocka_unit_test(test_many_ask_at_once),
        cmocka_unit_test(test_longest_unused_go),
        cmocka_unit_test(test_forget),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
