/* test_sqlite_looks.c - perceptual hashes: stored with a picture or later, once; copies. */
#include "fixture.h"

static const uint8_t mosaic[STORE_MOSAIC] = {9, 8, 7};

static struct store_picture picture(const char *content)
{
    struct store_picture p = {.hash = hash_of(content),
                              .size = 1000 + (uint64_t)content[0],
                              .width = 40,
                              .height = 30,
                              .format = "jpeg",
                              .taken_at = INT64_MIN,
                              .added_at = 1};
    return p;
}

static int64_t show(struct lib *l, const struct store_picture *p, const char *rel)
{
    int64_t id;
    OK(l, store_put(l->s, p, 0, NULL, 0, &id, &l->err));
    struct store_file f = {.picture = id, .root = l->root, .rel = rel, .size = p->size};
    OK(l, store_file_set(l->s, &f, &l->err));
    return id;
}

static uint64_t hash_in_store(struct lib *l, int64_t id, bool *known)
{
    struct store_record r;
    uint16_t row[DIM];
    OK(l, store_record_get(l->s, id, l->model, row, DIM, &r, &l->err));
    *known = r.picture.looked_at;
    uint64_t hash = r.picture.phash;
    store_record_release(&r);
    return hash;
}

static uint64_t unseen(struct lib *l)
{
    uint64_t n = 99;
    OK(l, store_unseen_count(l->s, &n, &l->err));
    return n;
}

static void a_hash_is_stored_once(void **state)
{
    struct lib *l = *state;
    bool known;
    uint64_t before = unseen(l);
    struct store_picture p = picture("p");
    p.looked_at = true;
    p.phash = UINT64_C(0xffffffff00000000);
    int64_t id = show(l, &p, "p.jpg");
    assert_true(hash_in_store(l, id, &known) == p.phash && known);
    p.phash = 1; /* the same bytes once more */
    show(l, &p, "p.jpg");
    assert_true(hash_in_store(l, id, &known) == UINT64_C(0xffffffff00000000));
    OK(l, store_look_set(l->s, id, 2, mosaic, &l->err));
    assert_true(hash_in_store(l, id, &known) == UINT64_C(0xffffffff00000000));
    assert_int_equal(unseen(l), before);
    OK(l, store_look_set(l->s, 999999, 2, mosaic, &l->err)); /* nobody there: nothing happens */
}

static void one_that_was_never_computed_comes_later(void **state)
{
    struct lib *l = *state;
    bool known;
    uint64_t before = unseen(l);
    struct store_picture q = picture("q"), r = picture("r");
    int64_t a = show(l, &q, "q.jpg"), b = show(l, &r, "r.jpg"), ids[10];
    int64_t first = a < b ? a : b;
    size_t n;
    hash_in_store(l, a, &known);
    assert_false(known);
    assert_int_equal(unseen(l), before + 2);
    OK(l, store_unseen(l->s, first - 1, ids, 10, &n, &l->err));
    assert_int_equal(n, 2);
    assert_true(ids[0] == first && ids[1] == a + b - first);
    OK(l, store_unseen(l->s, first - 1, ids, 1, &n, &l->err));
    assert_int_equal(n, 1);
    OK(l, store_look_set(l->s, a, 0, mosaic, &l->err)); /* it has none: that is known now */
    assert_true(hash_in_store(l, a, &known) == 0 && known);
    uint8_t tiles[STORE_MOSAIC];
    OK(l, store_mosaic(l->s, a, tiles, &l->err));
    assert_memory_equal(tiles, mosaic, STORE_MOSAIC);
    assert_int_equal(store_mosaic(l->s, b, tiles, &l->err), EYE_ENOTFOUND);
    q.looked_at = true; /* known beats computed later */
    q.phash = 5;
    show(l, &q, "q.jpg");
    assert_true(hash_in_store(l, a, &known) == 0);
    r.looked_at = true; /* indexed again by a program that computes it */
    r.phash = UINT64_C(1) << 63;
    show(l, &r, "r.jpg");
    assert_true(hash_in_store(l, b, &known) == UINT64_C(1) << 63);
    assert_int_equal(unseen(l), before);
}

static void looks_are_all_pictures(void **state)
{
    struct lib *l = *state;
    struct store_picture p = picture("z");
    struct store_look *looks;
    size_t n;
    uint64_t count;
    p.looked_at = true;
    p.phash = 77;
    p.mosaic[95] = 200;
    int64_t id = show(l, &p, "z.jpg");
    OK(l, store_looks(l->s, &looks, &n, &l->err));
    OK(l, store_count(l->s, &count, &l->err));
    assert_int_equal(n, count);
    for (size_t i = 1; i < n; i++)
        assert_true(looks[i].id > looks[i - 1].id);
    const struct store_look *z = &looks[n - 1];
    assert_true(z->id == id && z->phash == 77 && z->size == 1000 + 'z' && z->width == 40 &&
                z->height == 30);
    struct hash h = hash_of("z");
    assert_int_equal(z->tie >> 56, h.bytes[0]);
    assert_int_equal(z->tie & 255, h.bytes[7]);
    free(looks);
    uint8_t tiles[STORE_MOSAIC];
    OK(l, store_mosaic(l->s, id, tiles, &l->err));
    assert_memory_equal(tiles, p.mosaic, STORE_MOSAIC);
    assert_int_equal(store_mosaic(l->s, 999999, tiles, &l->err), EYE_ENOTFOUND);
}

static void a_picture_with_two_files_is_copied(void **state)
{
    struct lib *l = *state;
    struct store_picture p = picture("c"), other = picture("d");
    int64_t *ids;
    size_t before, n;
    OK(l, store_copied(l->s, &ids, &before, &l->err));
    free(ids);
    int64_t id = show(l, &p, "c1.jpg");
    show(l, &other, "d.jpg");
    show(l, &p, "sub/c2.jpg");
    show(l, &p, "sub/c3.jpg");
    OK(l, store_copied(l->s, &ids, &n, &l->err));
    assert_int_equal(n, before + 1);
    assert_true(ids[n - 1] == id);
    free(ids);
    OK(l, store_file_remove(l->s, l->root, "c1.jpg", &l->err));
    OK(l, store_file_remove(l->s, l->root, "sub/c3.jpg", &l->err));
    OK(l, store_copied(l->s, &ids, &n, &l->err));
    assert_int_equal(n, before);
    free(ids);
}

/* Filters do not ask for it, so their answers stay good. */
static void a_hash_does_not_move_the_generation(void **state)
{
    struct lib *l = *state;
    embedded_only(l);
    struct store_picture p = picture("g");
    int64_t id = show(l, &p, "g.jpg"), before, after;
    OK(l, store_generation(l->s, &before, &l->err));
    OK(l, store_look_set(l->s, id, 3, mosaic, &l->err));
    OK(l, store_generation(l->s, &after, &l->err));
    assert_true(before == after && before > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, embedded_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(a_hash_is_stored_once),
        T(one_that_was_never_computed_comes_later),
        T(looks_are_all_pictures),
        T(a_picture_with_two_files_is_copied),
        E(a_hash_does_not_move_the_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
