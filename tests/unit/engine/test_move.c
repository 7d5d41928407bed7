/* test_move.c - one library copied into another: all of it, only what is missing, and what does not go. */
#include "engine/backup_fixture.h"

struct moving {
    eye_lib *to;
    char dir[600];
    eye_move_counts n;
    int stop_at; /* calls of progress; 0: never */
    int calls;
    bool phases[3];
};

static int on_progress(void *ctx, eye_move_phase phase, uint64_t done, uint64_t total,
                       const char *waiting)
{
    struct moving *m = ctx;
    assert_true(done <= total);
    assert_null(waiting);
    m->phases[phase] = true;
    return m->stop_at && ++m->calls >= m->stop_at;
}

static void open_to(struct fx *fx, struct moving *m, const char *name)
{
    eye_options o = fx_options(fx);
    o.library = bx_path(fx, name, m->dir);
    m->to = eye_open(&o, &fx->err);
    assert_non_null(m->to);
}

static int move_rc(struct fx *fx, struct moving *m, bool dry)
{
    eye_move_options o = {.dry_run = dry, .progress = on_progress, .ctx = m};
    m->calls = 0;
    fx->err = (struct eye_err){0};
    return eye_move(fx->lib, m->to, &o, &m->n, &fx->err);
}

static void assert_moved(const struct moving *m, uint64_t pictures, uint64_t files,
                         uint64_t failures, uint64_t known)
{
    assert_int_equal(m->n.pictures, pictures);
    assert_int_equal(m->n.files, files);
    assert_int_equal(m->n.failures, failures);
    assert_int_equal(m->n.known, known);
}

/* Every picture of `lib` with everything that a result tells, by hash, as text; yours. */
static char *told(struct fx *fx, eye_lib *lib)
{
    eye_find_options o = {.limit = 1000, .min_score = -2};
    eye_term term = {.query = EYE_QUERY_INIT, .weight = 1};
    eye_results *r;
    struct buf b;
    term.query.words = "a picture of something";
    buf_init(&b, 1 << 20);
    FX_OK(fx, eye_find(lib, &term, 1, &o, &r, &fx->err));
    for (size_t i = 0; i < eye_results_count(r); i++) {
        const eye_result *e = eye_results_at(r, i);
        eye_picture *p;
        FX_OK(fx, eye_picture_get(lib, e->id, &p, &fx->err));
        buf_printf(&b, NULL, "%.6f %s %s %zu %d %d %s %lld %lld %d %.9f %.9f", (double)e->score,
                   e->hash, e->path, e->paths, e->width, e->height, e->format,
                   (long long)e->added_at, (long long)e->taken_at, p->has_gps, p->lat, p->lon);
        for (size_t k = 0; k < p->npaths; k++)
            buf_printf(&b, NULL, " <%s>", p->paths[k]);
        buf_putc(&b, '\n', NULL);
        eye_picture_free(p);
    }
    eye_results_free(r);
    return buf_detach(&b, NULL);
}

static void assert_same_library(struct fx *fx, eye_lib *a, eye_lib *b)
{
    char *one = told(fx, a), *two = told(fx, b);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

static void test_all_of_it(void **state)
{
    struct fx *fx = bx_new(state);
    struct moving m = {.to = NULL};
    uint64_t findings = 0;
    fx_picture(fx, "copy.bmp", 1);
    fx_index(fx, "");
    open_to(fx, &m, "there");
    FX_OK(fx, move_rc(fx, &m, true)); /* what it would do, failures too */
    assert_moved(&m, 5, 6, 1, 0);
    FX_OK(fx, move_rc(fx, &m, false));
    assert_moved(&m, 5, 6, 1, 0);
    assert_true(m.phases[0] && m.phases[1] && m.phases[2]);
    assert_int_equal(m.n.here, 5);
    assert_int_equal(m.n.there, 5);
    assert_int_equal(m.n.asked, 5);
    assert_int_equal(m.n.compared, 25); /* of five pictures each has five neighbours with itself */
    assert_int_equal(m.n.missing, 0);
    assert_true(m.n.same > 0.999999);
    assert_same_library(fx, fx->lib, m.to);
    FX_OK(fx, eye_verify(m.to, true, NULL, NULL, &findings, &fx->err));
    assert_int_equal(findings, 0);

    /* nothing is embedded again: times, sizes, failures and roots came along */
    eye_index_progress p;
    FX_OK(fx, eye_index(m.to, NULL, 0, NULL, &p, &fx->err));
    assert_int_equal(p.unchanged, 6);
    assert_int_equal(p.failed, 1); /* known to fail, not tried again */
    assert_int_equal(p.indexed + p.updated + p.linked + p.removed, 0);
    eye_close(m.to);
    fx_free(fx);
}

/* A copy goes on where it was, and a second one brings what is new. */
static void test_only_what_is_missing(void **state)
{
    struct fx *fx = fx_new(state);
    struct moving m = {.stop_at = 2};
    char name[32];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i + 10);
    }
    fx_index(fx, "");
    open_to(fx, &m, "there");
    assert_int_equal(move_rc(fx, &m, false), EYE_ECANCELLED); /* after the first batch */
    assert_non_null(strstr(fx->err.msg, "what was copied is kept"));
    assert_int_equal(m.n.pictures, 512);
    m.stop_at = 0;
    FX_OK(fx, move_rc(fx, &m, true)); /* what it would do */
    assert_moved(&m, 88, 88, 0, 512);
    FX_OK(fx, move_rc(fx, &m, false));
    assert_moved(&m, 88, 88, 0, 512);
    assert_int_equal(m.n.there, 600);
    assert_int_equal(m.n.asked, 100);
    assert_true(m.n.same > 0.999999);
    FX_OK(fx, move_rc(fx, &m, false));
    assert_moved(&m, 0, 0, 0, 600);

    fx_picture(fx, "new.bmp", 9999);
    fx_picture(fx, "again.bmp", 10); /* another file of a picture that is there */
    fx_index(fx, "");
    FX_OK(fx, move_rc(fx, &m, false));
    assert_moved(&m, 2, 3, 0, 599);
    assert_same_library(fx, fx->lib, m.to);
    eye_close(m.to);
    fx_free(fx);
}

/* Originals are not opened: they may be on a disk that is in a drawer. */
static void test_originals_away(void **state)
{
    struct fx *fx = fx_new(state);
    struct moving m = {.to = NULL};
    char away[600];
    eye_index_progress p;
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_index(fx, "");
    assert_int_equal(rename(fx->photos, bx_path(fx, "away", away)), 0);
    open_to(fx, &m, "there");
    FX_OK(fx, move_rc(fx, &m, false));
    assert_moved(&m, 2, 2, 0, 0);
    FX_OK(fx, eye_index(m.to, NULL, 0, NULL, &p, &fx->err));
    assert_int_equal(p.offline_roots, 1);
    assert_int_equal(p.removed, 0);
    assert_same_library(fx, fx->lib, m.to);
    eye_close(m.to);
    fx_free(fx);
}

/* What `to` knows beyond it stays, and what `from` says of a path counts. */
static void test_into_one_in_use(void **state)
{
    struct fx *fx = fx_new(state);
    struct moving m = {.to = NULL};
    char other[600], path[700];
    const char *paths[] = {other, fx->photos};
    struct stat st;
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    open_to(fx, &m, "there");
    bx_path(fx, "other", other);
    snprintf(path, sizeof path, "%s/o.bmp", other);
    fx_picture(fx, path, 7);
    fx_picture(fx, "a.bmp", 2); /* `to` sees other bytes at that path */
    FX_OK(fx, eye_index(m.to, paths, 2, NULL, NULL, &fx->err));
    FX_OK(fx, move_rc(fx, &m, false));
    assert_moved(&m, 1, 1, 0, 0);
    assert_int_equal(m.n.here, 1);
    assert_int_equal(m.n.there, 2); /* the picture that was at a.bmp lost its only file */
    assert_int_equal(stat(path, &st), 0);
    eye_close(m.to);
    fx_free(fx);
}

static void test_what_does_not_go(void **state)
{
    struct fx *fx = fx_new(state);
    struct moving m = {.to = NULL};
    int lock = -1;
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    eye_move_options many = {.sample = 1000000};
    assert_int_equal(eye_move(fx->lib, fx->lib, NULL, NULL, &fx->err), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "into itself"));

    eye_options o = fx_options(fx);
    o.library = bx_path(fx, "second", m.dir);
    o.model = "second";
    m.to = eye_open(&o, &fx->err);
    assert_non_null(m.to);
    const char *photos = fx->photos;
    FX_OK(fx, eye_index(m.to, &photos, 1, NULL, NULL, &fx->err));
    eye_close(m.to);
    open_to(fx, &m, "second");
    assert_int_equal(move_rc(fx, &m, false), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "of the model 'second', those to be copied of 'starter'"));
    assert_int_equal(eye_move(fx->lib, m.to, &many, NULL, &fx->err), EYE_EINVAL);
    eye_close(m.to);

    open_to(fx, &m, "busy");
    FX_OK(fx, eng_lock(m.to, &lock, &fx->err));
    assert_int_equal(move_rc(fx, &m, false), EYE_EBUSY);
    eng_unlock(lock);
    eye_close(m.to);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),        cmocka_unit_test(test_only_what_is_missing),
        cmocka_unit_test(test_originals_away),   cmocka_unit_test(test_into_one_in_use),
        cmocka_unit_test(test_what_does_not_go),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
