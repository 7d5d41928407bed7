/* test_near.c - groups of near hashes against the plainest way to find them, in any order of input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/cpu.h"
#include "engine/duplicates.h"

static uint64_t seed;

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A hash with 32 bits set. */
static uint64_t any_hash(void)
{
    uint64_t hash = 0;
    for (int n = 0; n < 32;) {
        uint64_t bit = UINT64_C(1) << (any() % 64);
        n += !(hash & bit);
        hash |= bit;
    }
    return hash;
}

/* Some pairs of bits changed: it keeps 32 of them. */
static uint64_t moved(uint64_t hash, int pairs)
{
    for (int i = 0; i < pairs; i++) {
        uint64_t on, off;
        do
            on = UINT64_C(1) << (any() % 64);
        while (!(hash & on));
        do
            off = UINT64_C(1) << (any() % 64);
        while (hash & off);
        hash = (hash & ~on) | off;
    }
    return hash;
}

/* Families of near hashes, strangers, and some without a hash. Sizes that meet, shapes that do not. */
static struct store_look *make_looks(size_t n)
{
    static const int sizes[][2] = {
        {4000, 3000}, {2000, 1500}, {400, 300}, {3000, 4000}, {401, 300}};
    struct store_look *looks = calloc(n, sizeof *looks);
    uint64_t family = any_hash();
    assert_non_null(looks);
    for (size_t i = 0; i < n; i++) {
        if (any() % 6 == 0)
            family = any_hash();
        const int *size = sizes[any() % 5];
        looks[i] = (struct store_look){.id = (int64_t)i + 1,
                                       .phash = any() % 20 ? moved(family, (int)(any() % 5)) : 0,
                                       .tie = any(),
                                       .size = 1000 + any() % 4,
                                       .width = size[0],
                                       .height = size[1]};
    }
    return looks;
}

static bool all_alike; /* the judge has nothing against anybody */

/* Two in eleven pairs are not near by what the judge says; the same whatever the order. */
static float cosine_of(const struct store_look *a, const struct store_look *b)
{
    uint64_t mix = (a->tie ^ b->tie) % 11;
    return all_alike ? 0.9f : mix == 0 ? 0.3f : mix == 1 ? NAN : 0.9f;
}

struct judge {
    const struct store_look *looks;
    uint64_t asked;
};

static int judge(void *ctx, size_t rep, const uint32_t *others, size_t n, float *cosines,
                 struct eye_err *err)
{
    struct judge *j = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        assert_true(others[i] > rep && (i == 0 || others[i] > others[i - 1]));
        cosines[i] = cosine_of(&j->looks[rep], &j->looks[others[i]]);
        j->asked++;
    }
    return 0;
}

static struct eng_grouping find(struct store_look *looks, size_t n, int distance, struct pool *pool)
{
    struct eng_grouping g;
    struct eye_err err = {0};
    struct judge j = {looks, 0};
    eng_looks_sort(looks, n);
    struct eng_near near = {
        .looks = looks, .n = n, .distance = distance, .cosine = 0.5f, .judge = judge, .ctx = &j};
    if (eng_near_find(&near, pool, &g, NULL, &err) != 0)
        fail_msg("%s", err.msg);
    return g;
}

/* By the rule, word for word. looks are sorted. */
static struct eng_grouping by_hand(const struct store_look *looks, size_t n, int distance)
{
    struct eng_grouping g = {.groups = NULL};
    bool *taken = calloc(n, 1);
    for (size_t p = 0; p < n; p++) {
        bool begun = false;
        for (size_t q = p + 1; q < n && !taken[p] && looks[p].phash; q++) {
            int bits = __builtin_popcountll(looks[p].phash ^ looks[q].phash);
            if (taken[q] || !looks[q].phash || bits > distance ||
                !eng_same_shape(&looks[p], &looks[q]) || !(cosine_of(&looks[p], &looks[q]) >= 0.5f))
                continue;
            struct eng_member self = {.id = looks[p].id, .cosine = 1};
            struct eng_member other = {.id = looks[q].id, .distance = (int8_t)bits, .cosine = 0.9f};
            if (!begun) {
                assert_int_equal(eng_grouping_begin(&g, NULL), 0);
                assert_int_equal(eng_grouping_add(&g, &self, NULL), 0);
            }
            begun = true;
            assert_int_equal(eng_grouping_add(&g, &other, NULL), 0);
            taken[q] = true;
        }
    }
    free(taken);
    assert_int_equal(eng_grouping_sort(&g, NULL), 0);
    return g;
}

static void assert_same(const struct eng_grouping *a, const struct eng_grouping *b)
{
    assert_int_equal(a->ngroups, b->ngroups);
    assert_int_equal(a->nmembers, b->nmembers);
    for (size_t i = 0; i < a->ngroups; i++) {
        const struct eng_group *x = &a->groups[i], *y = &b->groups[i];
        assert_int_equal(x->n, y->n);
        for (size_t k = 0; k < x->n; k++) {
            const struct eng_member *m = &a->members[x->first + k], *o = &b->members[y->first + k];
            assert_int_equal(m->id, o->id);
            assert_int_equal(m->distance, o->distance);
            assert_true(fabsf(m->cosine - o->cosine) < 1e-6f);
        }
    }
}

static void groups_are_those_of_the_rule(void **state)
{
    static const int distances[] = {0, 1, 3, 4, 6, 7, 8, 11, 12, 16};
    struct pool *pool = pool_new(2, NULL);
    enum cpu_level level = cpu_level();
    (void)state;
    seed = 42;
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        for (int portable = 0; portable < 2; portable++) {
            size_t n = 500 + any() % 2500, members = 0;
            struct store_look *looks = make_looks(n);
            cpu_level_force(portable ? CPU_PORTABLE : level);
            struct eng_grouping got = find(looks, n, distances[i], pool);
            struct eng_grouping want = by_hand(looks, n, distances[i]);
            assert_same(&got, &want);
            for (size_t k = 0; k < got.ngroups; k++)
                members += got.groups[k].n;
            assert_true(members > n / 20);
            eng_grouping_release(&got);
            eng_grouping_release(&want);
            free(looks);
        }
    }
    cpu_level_force(level);
    pool_free(pool);
}

static void the_order_of_input_changes_nothing(void **state)
{
    enum { N = 1500 };
    (void)state;
    seed = 7;
    struct store_look *looks = make_looks(N), shuffled[N];
    for (int distance = 6; distance <= 14; distance += 4) {
        struct eng_grouping first = find(looks, N, distance, NULL);
        for (int round = 0; round < 5; round++) {
            memcpy(shuffled, looks, sizeof shuffled);
            for (size_t i = N - 1; i > 0; i--) {
                size_t k = any() % (i + 1);
                struct store_look t = shuffled[i];
                shuffled[i] = shuffled[k];
                shuffled[k] = t;
            }
            struct eng_grouping again = find(shuffled, N, distance, NULL);
            assert_same(&first, &again);
            eng_grouping_release(&again);
        }
        eng_grouping_release(&first);
    }
    free(looks);
}

static struct store_look look(int64_t id, uint64_t hash, int width, int height, uint64_t size)
{
    return (struct store_look){.id = id,
                               .phash = hash,
                               .tie = (uint64_t)id << 20,
                               .size = size,
                               .width = width,
                               .height = height};
}

/* a is near b, b near c, a not near c. Whoever is best decides, and nobody is in a group through a third. */
static void a_chain_is_not_one_group(void **state)
{
    (void)state;
    seed = 3;
    all_alike = true;
    const uint64_t a = any_hash();
    uint64_t b, c;
    do {
        b = moved(a, 3);
        c = moved(b, 3);
    } while (__builtin_popcountll(a ^ c) < 8 || __builtin_popcountll(a ^ b) != 6 ||
             __builtin_popcountll(b ^ c) != 6);
    struct store_look ends[] = {look(1, a, 400, 300, 9), look(2, b, 200, 150, 8),
                                look(3, c, 100, 75, 7)};
    struct eng_grouping g = find(ends, 3, 6, NULL);
    assert_int_equal(g.ngroups, 1); /* a and b; c stays alone though b is near it */
    assert_int_equal(g.groups[0].n, 2);
    assert_int_equal(g.members[0].id, 1);
    assert_int_equal(g.members[1].id, 2);
    eng_grouping_release(&g);
    struct store_look middle[] = {look(1, a, 200, 150, 9), look(2, b, 400, 300, 8),
                                  look(3, c, 100, 75, 7)};
    g = find(middle, 3, 6, NULL);
    assert_int_equal(g.ngroups, 1);
    assert_int_equal(g.groups[0].n, 3);
    assert_int_equal(g.members[0].id, 2);
    eng_grouping_release(&g);
    all_alike = false;
}

static void representatives_are_the_best(void **state)
{
    struct store_look looks[] = {look(5, 1, 100, 100, 10), look(4, 1, 100, 100, 20),
                                 look(9, 1, 50, 200, 20), look(7, 1, 300, 200, 1),
                                 look(3, 1, 65500, 65500, 1)};
    static const int64_t order[] = {3, 7, 4, 9, 5};
    (void)state;
    eng_looks_sort(looks, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(looks[i].id, order[i]);
}

static bool shapes(int w1, int h1, int w2, int h2)
{
    struct store_look a = look(1, 1, w1, h1, 1), b = look(2, 1, w2, h2, 1);
    bool same = eng_same_shape(&a, &b);
    assert_true(same == eng_same_shape(&b, &a));
    return same;
}

static void shapes_are_the_same_but_for_rounding(void **state)
{
    (void)state;
    assert_true(shapes(4000, 3000, 400, 300));
    assert_true(shapes(6000, 4000, 160, 107));
    assert_true(shapes(6000, 4000, 32, 21));
    assert_true(shapes(1000, 500, 980, 500)); /* 2 % */
    assert_false(shapes(1000, 500, 970, 500));
    assert_false(shapes(4000, 3000, 3000, 4000));
    assert_false(shapes(1920, 1080, 1600, 1200));
    assert_true(shapes(65500, 65500, 65500, 65499));
}

/* A flat picture has no hash and is near nobody, least of all another flat one. */
static void without_a_hash_there_is_no_group(void **state)
{
    (void)state;
    seed = 5;
    for (int distance = 0; distance <= 16; distance += 16) {
        struct store_look looks[40];
        for (int i = 0; i < 40; i++)
            looks[i] = look(i + 1, 0, 100, 100, 5);
        looks[39].phash = any_hash();
        struct eng_grouping g = find(looks, 40, distance, NULL);
        assert_int_equal(g.ngroups, 0);
        eng_grouping_release(&g);
    }
}

/* Thousands of one hash are one group, found without asking about each pair. */
static void many_of_one_are_cheap(void **state)
{
    enum { N = 20000 };
    (void)state;
    seed = 9;
    uint64_t hash = any_hash();
    struct store_look *looks = calloc(N, sizeof *looks);
    for (int i = 0; i < N; i++)
        looks[i] = look(i + 1, hash, 100, 100, 5);
    all_alike = true;
    for (int distance = 6; distance <= 12; distance += 6) {
        struct eng_grouping g = find(looks, N, distance, NULL);
        assert_int_equal(g.ngroups, 1);
        assert_int_equal(g.nmembers, N);
        eng_grouping_release(&g);
    }
    all_alike = false;
    free(looks);
}

static int stop_soon(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx, (void)done, (void)total;
    return 1;
}

static void it_can_be_stopped(void **state)
{
    struct eng_grouping g;
    struct eye_err err = {0};
    (void)state;
    seed = 11;
    struct store_look *looks = make_looks(100);
    struct judge j = {looks, 0};
    eng_looks_sort(looks, 100);
    struct eng_near near = {.looks = looks,
                            .n = 100,
                            .distance = 6,
                            .cosine = 0.5f,
                            .judge = judge,
                            .progress = stop_soon,
                            .ctx = &j};
    assert_int_equal(eng_near_find(&near, NULL, &g, NULL, &err), EYE_ECANCELLED);
    assert_null(g.groups);
    free(looks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_those_of_the_rule),
        cmocka_unit_test(the_order_of_input_changes_nothing),
        cmocka_unit_test(a_chain_is_not_one_group),
        cmocka_unit_test(representatives_are_the_best),
        cmocka_unit_test(shapes_are_the_same_but_for_rounding),
        cmocka_unit_test(without_a_hash_there_is_no_group),
        cmocka_unit_test(many_of_one_are_cheap),
        cmocka_unit_test(it_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
