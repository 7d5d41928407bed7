/* bench_near.c - finding near hashes among many: bench_near [PICTURES]. Random hashes, of which one in five is a copy of another one, a
 * few bits off; the judge has nothing against any of them. Prints seconds by distance, on two threads. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/duplicates.h"

static uint64_t seed = 88172645463325252u;

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int judge(void *ctx, size_t rep, const uint32_t *others, size_t n, float *cosines,
                 struct eye_err *err)
{
    (void)ctx, (void)rep, (void)others, (void)err;
    for (size_t i = 0; i < n; i++) {
        cosines[i] = 0.9f;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const int distances[] = {0, 4, 6, 8, 11, 12, 16};
    size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    struct eye_err err = {0};
    struct store_look *looks = calloc(n ? n : 1, sizeof *looks);
    struct pool *pool = pool_new(2, &err);
    if (!looks || !pool) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = any();
        if (i && any() % 5 == 0) {
            hash =
                looks[any() % i].phash ^ (UINT64_C(1) << any() % 64) ^ (UINT64_C(1) << any() % 64);
        }
        looks[i] = (struct store_look){.id = (int64_t)i + 1,
                                       .phash = hash,
                                       .tie = any(),
                                       .size = any() % 5000000,
                                       .width = 4000,
                                       .height = 3000};
    }
    eng_looks_sort(looks, n);
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        struct eng_grouping g;
        struct eng_near near = {
            .looks = looks, .n = n, .distance = distances[i], .cosine = 0.5f, .judge = judge};
        if (n > 300000 && distances[i] > ENG_BANDS_DISTANCE_MAX) {
            break;
        }
        double start = eng_now();
        clock_t cpu = clock();
        if (eng_near_find(&near, pool, &g, NULL, &err) < 0) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
        printf("%zu pictures, %2d bits: %7.2f s, %7.2f s of processors, %zu groups, %zu members\n",
               n, distances[i], eng_now() - start, (double)(clock() - cpu) / CLOCKS_PER_SEC,
               g.ngroups, g.nmembers);
        fflush(stdout);
        eng_grouping_release(&g);
    }
    pool_free(pool);
    free(looks);
    return 0;
}
