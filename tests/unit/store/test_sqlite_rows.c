/* sqlite_rows.c: vectors by id, in walks and look-ups, and a model's all in pages. */
#include "fixture.h"

enum { N = 200 };

/* What the picture with the k-th id shows: on a server ids are in no order of time. */
static int number[N];

static void sort(int64_t *ids)
{
    for (int i = 0; i < N; i++)
        number[i] = i;
    for (int i = 1; i < N; i++)
        for (int k = i; k > 0 && ids[k - 1] > ids[k]; k--) {
            int64_t id = ids[k];
            int n = number[k];
            ids[k] = ids[k - 1];
            number[k] = number[k - 1];
            ids[k - 1] = id;
            number[k - 1] = n;
        }
}

/* N pictures, every third gone again, and one of another model at the end. */
static void fill(struct lib *l, int64_t *ids)
{
    char rel[16];
    OK(l, store_begin(l->s, &l->err));
    for (int i = 0; i < N; i++) {
        snprintf(rel, sizeof rel, "%c%d", 'a' + i % 26, i);
        ids[i] = add(l, rel, rel);
    }
    for (int i = 2; i < N; i += 3) {
        snprintf(rel, sizeof rel, "%c%d", 'a' + i % 26, i);
        OK(l, store_file_remove(l->s, l->root, rel, &l->err));
    }
    if (l->remote) {
        OK(l, store_commit(l->s, &l->err));
        sort(ids);
        return;
    }
    int64_t other;
    struct hash h = hash_of("other");
    uint16_t row[DIM];
    OK(l, store_model(l->s, &h, "other", DIM, true, &other, &l->err));
    unit_row(3, row);
    OK(l, store_vector_put(l->s, ids[0], other, row, DIM, &l->err));
    OK(l, store_commit(l->s, &l->err));
    sort(ids);
}

static void expect(const uint16_t *row, int i)
{
    uint16_t want[DIM];
    unit_row('a' + i % 26, want);
    assert_memory_equal(row, want, sizeof want);
}

static void any_ids_give_their_rows(void **state)
{
    struct lib *l = *state;
    int64_t ids[N], asked[N + 2];
    uint16_t rows[(N + 2) * DIM];
    bool there[N + 2];
    fill(l, ids);
    for (int every = 1; every < 40; every = every * 2 + 1) { /* near each other and far apart */
        size_t n = 0;
        for (int i = 0; i < N; i += every)
            asked[n++] = ids[i];
        asked[n++] = ids[N - 1] + 5; /* never was */
        asked[n++] = ids[N - 1] + 5000;
        memset(there, true, sizeof there);
        OK(l, store_vector_rows(l->s, l->model, DIM, asked, n, rows, there, &l->err));
        for (size_t k = 0; k + 2 < n; k++) {
            int i = number[k * (size_t)every];
            assert_int_equal(there[k], i % 3 != 2);
            if (there[k])
                expect(rows + k * DIM, i);
        }
        assert_false(there[n - 2]);
        assert_false(there[n - 1]);
    }
    OK(l, store_vector_rows(l->s, l->model, DIM, asked, 0, rows, there, &l->err));
    OK(l, store_vector_rows(l->s, 4711, DIM, ids, 5, rows, there, &l->err));
    assert_false(there[0] || there[4]);
}

static void pages_give_all_of_a_model(void **state)
{
    struct lib *l = *state;
    int64_t ids[N], page[N], bare[N];
    uint16_t rows[N * DIM];
    fill(l, ids);
    for (size_t max = 1; max <= N; max += 33) {
        int64_t after = 0;
        size_t n = max, at = 0, m;
        while (n == max) {
            OK(l, store_vectors_after(l->s, l->model, DIM, after, page, rows, max, &n, &l->err));
            OK(l, store_vector_ids(l->s, l->model, after, bare, max, &m, &l->err));
            assert_int_equal(m, n);
            for (size_t k = 0; k < n; k++, at++) {
                while (number[at] % 3 == 2)
                    at++;
                assert_int_equal(page[k], ids[at]);
                assert_int_equal(bare[k], ids[at]);
                expect(rows + k * DIM, number[at]);
                after = page[k];
            }
        }
        while (at < N && number[at] % 3 == 2)
            at++;
        assert_int_equal(at, N);
    }
}

static void what_is_damaged_is_told(void **state)
{
    struct lib *l = *state;
    embedded_only(l);
    int64_t ids[N], page[N];
    uint16_t rows[N * DIM];
    bool there[N];
    size_t n;
    fill(l, ids);
    char sql[200];
    static const char *const bad[] = {"x'0011'", "x'00007c000000000000000000000000ff'"};
    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql, "UPDATE embedding SET vector = %s WHERE id = (%lld << 40 | %lld)",
                 bad[i], (long long)l->model, (long long)ids[4]);
        raw_sql(l, sql);
        assert_int_equal(store_vector_rows(l->s, l->model, DIM, ids, 10, rows, there, &l->err),
                         EYE_EFORMAT);
        assert_int_equal(store_vector_rows(l->s, l->model, DIM, ids + 4, 1, rows, there, &l->err),
                         EYE_EFORMAT);
        assert_non_null(strstr(l->err.msg, "picture"));
        assert_int_equal(store_vectors_after(l->s, l->model, DIM, 0, page, rows, N, &n, &l->err),
                         EYE_EFORMAT);
        OK(l, store_vector_rows(l->s, l->model, DIM, ids, 4, rows, there, &l->err));
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, embedded_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(any_ids_give_their_rows),
        T(pages_give_all_of_a_model),
        E(what_is_damaged_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
