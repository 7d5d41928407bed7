/* Embeddings: two models side by side, loading, what is left to embed, the generation. */
#include "fixture.h"

static void loaded_as_they_were_put(void **state)
{
    struct lib *l = *state;
    int64_t ids[300];
    uint16_t row[DIM];
    OK(l, store_begin(l->s, &l->err));
    for (int i = 0; i < 300; i++) {
        char rel[16];
        snprintf(rel, sizeof rel, "%c%d", 'a' + i % 26, i);
        ids[i] = add(l, rel, rel);
    }
    OK(l, store_commit(l->s, &l->err));
    struct vector_set *set = store_load_vectors(l->s, l->model, DIM, &l->err);
    assert_non_null(set);
    assert_int_equal(vector_count(set), 300);
    for (int i = 0; i < 300; i++) {
        unit_row('a' + i % 26, row);
        assert_memory_equal(vector_row(set, ids[i]), row, sizeof row);
    }
    vector_free(set);
}

static void models_do_not_mix(void **state)
{
    struct lib *l = *state;
    struct hash h = hash_of("wide"), g = hash_of("empty");
    int64_t wide, empty, id = add(l, "a", "a"), two = add(l, "b", "b");
    uint16_t row[16] = {0, 0, 0x3c00};
    OK(l, store_model(l->s, &h, "wide", 16, true, &wide, &l->err));
    OK(l, store_model(l->s, &g, "empty", 3, true, &empty, &l->err));
    OK(l, store_vector_put(l->s, two, wide, row, 16, &l->err));
    struct vector_set *set = store_load_vectors(l->s, wide, 16, &l->err);
    assert_int_equal(vector_count(set), 1);
    assert_memory_equal(vector_row(set, two), row, sizeof row);
    vector_free(set);
    set = store_load_vectors(l->s, l->model, DIM, &l->err);
    assert_int_equal(vector_count(set), 2);
    assert_non_null(vector_row(set, id));
    vector_free(set);
    set = store_load_vectors(l->s, empty, 3, &l->err);
    assert_int_equal(vector_count(set), 0);
    vector_free(set);
    assert_null(store_load_vectors(l->s, wide, DIM, &l->err));
    assert_int_equal(l->err.code, EYE_EINVAL);
    assert_null(store_load_vectors(l->s, 4711, DIM, &l->err));
    assert_int_equal(l->err.code, EYE_ENOTFOUND);
    /* An orphan takes its vectors of all models along. */
    OK(l, store_file_remove(l->s, l->root, "b", &l->err));
    set = store_load_vectors(l->s, wide, 16, &l->err);
    assert_int_equal(vector_count(set), 0);
    vector_free(set);
    assert_clean(l);
}

static void put_replaces_and_refuses(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "a", "a");
    uint16_t row[DIM];
    unit_row(5, row);
    OK(l, store_vector_put(l->s, id, l->model, row, DIM, &l->err));
    struct vector_set *set = store_load_vectors(l->s, l->model, DIM, &l->err);
    assert_int_equal(vector_count(set), 1);
    assert_memory_equal(vector_row(set, id), row, sizeof row);
    vector_free(set);
    assert_int_equal(stats_of(l).embedded, 1);
    assert_int_equal(store_vector_put(l->s, 4711, l->model, row, DIM, &l->err), EYE_ENOTFOUND);
    row[1] = 0xfc00;
    assert_int_equal(store_vector_put(l->s, id, l->model, row, DIM, &l->err), EYE_EINVAL);
    assert_clean(l);
}

static void the_generation_follows_vectors_only(void **state)
{
    struct lib *l = *state;
    int64_t g = generation_of(l), id = add(l, "a", "a");
    uint16_t row[DIM];
    assert_true(generation_of(l) > g);
    g = generation_of(l);
    set_file(l, l->root, "b", id);
    OK(l, store_setting_set(l->s, "k", "v", &l->err));
    fail_file(l, l->root, "c", "no");
    OK(l, store_file_remove(l->s, l->root, "b", &l->err));
    assert_int_equal(generation_of(l), g);
    unit_row(3, row);
    OK(l, store_vector_put(l->s, id, l->model, row, DIM, &l->err)); /* replaced: changed too */
    assert_true(generation_of(l) > g);
    g = generation_of(l);
    struct store *other = store_open(l->dir, false, false, &l->err);
    assert_int_equal(store_file_remove(other, l->root, "a", &l->err), 0);
    store_close(other);
    assert_true(generation_of(l) > g); /* by anyone */
}

static void unembedded_in_pages(void **state)
{
    struct lib *l = *state;
    int64_t want[10], got[10], id;
    size_t nwant = 0, ngot = 0, n;
    for (int i = 0; i < 10; i++) {
        char rel[16];
        snprintf(rel, sizeof rel, "%d", i);
        struct store_picture p = {.hash = hash_of(rel), .format = "png"};
        uint16_t row[DIM];
        unit_row(i, row);
        OK(l, store_put(l->s, &p, l->model, i % 3 ? NULL : row, DIM, &id, &l->err));
        if (i != 4) /* 4 has no file */
            set_file(l, l->root, rel, id);
        if (i % 3 && i != 4)
            want[nwant++] = id;
    }
    int64_t after = 0;
    do {
        OK(l, store_unembedded(l->s, l->model, after, got + ngot, 2, &n, &l->err));
        ngot += n;
        after = n ? got[ngot - 1] : after;
    } while (n);
    assert_int_equal(ngot, nwant);
    assert_memory_equal(got, want, nwant * sizeof *want);
    OK(l, store_unembedded(l->s, l->model + 1, 0, got, 10, &n, &l->err));
    assert_int_equal(n, 9);
    OK(l, store_unembedded(l->s, l->model, 0, NULL, 0, &n, &l->err));
    assert_int_equal(n, 0);
}

static void a_vector_of_the_wrong_length_is_not_loaded(void **state)
{
    struct lib *l = *state;
    add(l, "a", "a");
    raw_sql(l, "UPDATE embedding SET vector = x'003c00'");
    assert_null(store_load_vectors(l->s, l->model, DIM, &l->err));
    assert_int_equal(l->err.code, EYE_EFORMAT);
    raw_sql(l, "UPDATE embedding SET vector = x'007e0000000000000000000000000000'");
    assert_null(store_load_vectors(l->s, l->model, DIM, &l->err));
    assert_int_equal(l->err.code, EYE_EFORMAT);
    assert_non_null(strstr(l->err.msg, "not finite"));
}

/* ---- bringing a set up to date ---- */

static bool same_vectors(const struct vector_set *a, const struct vector_set *b)
{
    if (vector_count(a) != vector_count(b))
        return false;
    for (int64_t id = 0; id < 2000; id++) {
        const uint16_t *x = vector_row(a, id), *y = vector_row(b, id);
        if ((x == NULL) != (y == NULL) || (x && memcmp(x, y, DIM * sizeof *x) != 0))
            return false;
    }
    return true;
}

struct follower {
    struct vector_set *set;
    struct store_mark mark;
};

/* Bring it up to date; what comes must be what a full load gives. Did it share the rows it had? */
static bool follow(struct lib *l, struct follower *f)
{
    int64_t last = f->set ? vector_last(f->set) : 0;
    const uint16_t *row = f->set ? vector_row(f->set, last) : NULL;
    struct vector_set *now = store_update_vectors(l->s, l->model, DIM, f->set, &f->mark, &l->err);
    assert_non_null(now);
    struct vector_set *full = store_load_vectors(l->s, l->model, DIM, &l->err);
    assert_true(same_vectors(now, full));
    assert_int_equal(f->mark.vectors, vector_count(full));
    bool shared = row && vector_row(now, last) == row;
    vector_free(full);
    vector_free(f->set);
    f->set = now;
    return shared;
}

static int64_t add_n(struct lib *l, int n)
{
    char rel[16];
    snprintf(rel, sizeof rel, "%c%d", 'a' + n % 26, n);
    return add(l, rel, rel);
}

static void new_rows_alone_are_read(void **state)
{
    struct lib *l = *state;
    struct follower f = {NULL, {0, 0}};
    uint16_t row[DIM];
    int64_t ids[20];
    assert_false(follow(l, &f)); /* empty */
    for (int i = 0; i < 10; i++)
        ids[i] = add_n(l, i);
    follow(l, &f);
    assert_true(follow(l, &f)); /* nothing new */
    ids[10] = add_n(l, 10);
    ids[11] = add_n(l, 11);
    assert_true(follow(l, &f));
    /* Replaced in between: as many changes as new rows and one more. */
    unit_row(5, row);
    OK(l, store_vector_put(l->s, ids[3], l->model, row, DIM, &l->err));
    assert_false(follow(l, &f));
    ids[12] = add_n(l, 12);
    OK(l, store_vector_put(l->s, ids[4], l->model, row, DIM, &l->err));
    assert_false(follow(l, &f));
    /* Gone in between. */
    OK(l, store_file_remove(l->s, l->root, "d3", &l->err));
    assert_false(follow(l, &f));
    ids[13] = add_n(l, 13);
    OK(l, store_file_remove(l->s, l->root, "e4", &l->err));
    assert_false(follow(l, &f));
    /* One goes and one comes; the last one goes; the last one goes and another comes. */
    OK(l, store_file_remove(l->s, l->root, "n13", &l->err));
    assert_false(follow(l, &f));
    OK(l, store_file_remove(l->s, l->root, "m12", &l->err));
    add_n(l, 14);
    assert_false(follow(l, &f));
    assert_true(follow(l, &f));
    vector_free(f.set);
}

/* A picture that was there without a vector gets one: a new row, but not behind the others. */
static void a_row_in_the_middle_is_seen(void **state)
{
    struct lib *l = *state;
    struct follower f = {NULL, {0, 0}};
    uint16_t row[DIM];
    int64_t id;
    add_n(l, 0);
    struct store_picture p = {.hash = hash_of("late"), .format = "png"};
    OK(l, store_put(l->s, &p, l->model, NULL, DIM, &id, &l->err));
    set_file(l, l->root, "late", id);
    add_n(l, 1);
    follow(l, &f);
    unit_row(6, row);
    OK(l, store_vector_put(l->s, id, l->model, row, DIM, &l->err));
    assert_false(follow(l, &f));
    assert_non_null(vector_row(f.set, id));
    /* One in the middle and one at the end: two new rows, one of them behind. */
    struct store_picture more = {.hash = hash_of("later"), .format = "png"};
    OK(l, store_put(l->s, &more, l->model, NULL, DIM, &id, &l->err));
    set_file(l, l->root, "later", id);
    add_n(l, 2);
    follow(l, &f);
    OK(l, store_vector_put(l->s, id, l->model, row, DIM, &l->err));
    add_n(l, 3);
    assert_false(follow(l, &f));
    vector_free(f.set);
}

/* Anything, at random, by two hands: always what a full load gives. */
static void whatever_happens_it_is_the_same(void **state)
{
    struct lib *l = *state;
    struct follower f = {NULL, {0, 0}};
    struct store *other = store_open(l->dir, false, false, &l->err);
    uint32_t r = 12345;
    int made = 0, shared = 0;
    uint16_t row[DIM];
    for (int step = 0; step < 300; step++) {
        OK(l, store_begin(l->s, &l->err));
        for (int k = (int)(r >> 28) % 3; k >= 0; k--)
            add_n(l, made++);
        OK(l, store_commit(l->s, &l->err));
        r = r * 1664525 + 1013904223;
        int which = (int)(r >> 20) % made;
        char rel[16];
        snprintf(rel, sizeof rel, "%c%d", 'a' + which % 26, which);
        if ((r >> 8) % 4 == 0)
            OK(l, store_file_remove(other, l->root, rel, &l->err));
        int64_t id = 0;
        if ((r >> 12) % 5 == 0 && store_picture_at(l->s, l->root, rel, &id, NULL) == 0) {
            unit_row((int)(r >> 16), row);
            OK(l, store_vector_put(other, id, l->model, row, DIM, &l->err));
        }
        if ((r >> 4) % 3)
            shared += follow(l, &f);
    }
    assert_true(shared > 40);
    vector_free(f.set);
    store_close(other);
    assert_clean(l);
}

static void marks_and_models(void **state)
{
    struct lib *l = *state;
    struct store_mark mark = {7, 7};
    OK(l, store_vectors_mark(l->s, 4711, &mark, &l->err));
    assert_int_equal(mark.changes, 0);
    assert_int_equal(mark.vectors, 0);
    assert_null(store_update_vectors(l->s, 4711, DIM, NULL, &mark, &l->err));
    assert_int_equal(l->err.code, EYE_ENOTFOUND);
    assert_null(store_update_vectors(l->s, l->model, DIM + 1, NULL, &mark, &l->err));
    assert_int_equal(l->err.code, EYE_EINVAL);
    add(l, "a", "a"); /* nothing is left open: writing goes on */
    /* Numbers that do not fit the set at hand are not believed. */
    struct vector_set *wrong = vector_new(DIM, NULL);
    mark = (struct store_mark){0, 1};
    struct vector_set *set = store_update_vectors(l->s, l->model, DIM, wrong, &mark, &l->err);
    assert_int_equal(vector_count(set), 1);
    vector_free(set);
    vector_free(wrong);
    /* Inside of a transaction, too. */
    OK(l, store_begin(l->s, &l->err));
    add(l, "b", "b");
    set = store_update_vectors(l->s, l->model, DIM, NULL, &mark, &l->err);
    assert_int_equal(vector_count(set), 2);
    vector_free(set);
    OK(l, store_commit(l->s, &l->err));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(loaded_as_they_were_put),
        T(models_do_not_mix),
        T(put_replaces_and_refuses),
        T(the_generation_follows_vectors_only),
        T(unembedded_in_pages),
        T(a_vector_of_the_wrong_length_is_not_loaded),
        T(new_rows_alone_are_read),
        T(a_row_in_the_middle_is_seen),
        T(whatever_happens_it_is_the_same),
        T(marks_and_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
