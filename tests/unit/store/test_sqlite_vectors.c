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
    embedded_only(l);
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
    embedded_only(l);
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
    for (size_t i = 1; i < nwant; i++) /* on a server ids are in no order of time */
        for (size_t k = i; k > 0 && want[k - 1] > want[k]; k--) {
            id = want[k];
            want[k] = want[k - 1];
            want[k - 1] = id;
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
    embedded_only(l);
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, embedded_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(loaded_as_they_were_put),  E(models_do_not_mix),
        T(put_replaces_and_refuses), E(the_generation_follows_vectors_only),
        T(unembedded_in_pages),      E(a_vector_of_the_wrong_length_is_not_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
