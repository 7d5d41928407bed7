/* code_scan*.c: estimates and hits by the definition, the same bits on every level; and that they estimate. */
#include "codes.h"

enum { BLOCKS = 5, ROWS = BLOCKS * CODE_BLOCK };

struct codes {
    size_t pdim;
    uint8_t bits[ROWS * 256], blocks[BLOCKS * 4 * 2048 + 1]; /* + 1: blocks need no alignment */
    float factors[ROWS];
};

static void random_codes(struct codes *c, size_t pdim, uint64_t *seed, int fill)
{
    c->pdim = pdim;
    for (size_t i = 0; i < ROWS * pdim / 8; i++)
        c->bits[i] = fill >= 0 ? (uint8_t)fill : (uint8_t)next_random(seed);
    for (size_t i = 0; i < ROWS; i++)
        c->factors[i] = i % 9 == 8 ? 0 : 0.03f + (float)(next_random(seed) % 1000) / 1e5f;
    for (size_t b = 0; b < BLOCKS; b++)
        code_block(c->bits + b * CODE_BLOCK * pdim / 8, CODE_BLOCK, pdim,
                   c->blocks + 1 + b * 4 * pdim);
}

static uint32_t table_sum(const struct codes *c, const struct code_query *cq, size_t row)
{
    uint32_t sum = 0;
    for (size_t g = 0; g < c->pdim / 4; g++) {
        unsigned byte = c->bits[row * c->pdim / 8 + g / 2];
        sum += cq->lut[16 * g + (g % 2 ? byte >> 4 : byte & 15)];
    }
    return sum;
}

static void check(const struct codes *c, const struct code_query *cq)
{
    float want[ROWS], est[ROWS], middle = 0;
    uint32_t hits[BLOCKS];
    for (size_t i = 0; i < ROWS; i++) {
        volatile float product = cq->step * (float)table_sum(c, cq, i);
        volatile float sum = product + cq->bias;
        want[i] = c->factors[i] * sum;
        middle = i == ROWS / 2 ? want[i] : middle;
    }
    const float floors[] = {-INFINITY, INFINITY, 0, middle};
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++)
        for (size_t f = 0; f < 4; f++) {
            code_scan_fn *scan = code_scan_kernel((enum cpu_level)level);
            memset(est, 0x55, sizeof est);
            memset(hits, 0x55, sizeof hits);
            scan(c->blocks + 1, c->factors, BLOCKS, cq, floors[f], est, hits);
            for (size_t i = 0; i < ROWS; i++) {
                assert_true(est[i] == want[i]);
                assert_int_equal(hits[i / CODE_BLOCK] >> (i % CODE_BLOCK) & 1,
                                 want[i] >= floors[f]);
            }
        }
}

static void estimates_by_the_definition(void **state)
{
    (void)state;
    static struct codes codes;
    static float q[2048];
    uint64_t seed = 31;
    for (size_t d = 0; d < CODE_DIMS; d++)
        for (int round = 0; round < 6; round++) {
            size_t pdim = ((size_t)code_dims[d] + 63) / 64 * 64;
            struct code_query cq;
            random_unit(&seed, q, pdim);
            for (size_t i = 0; i < pdim && round == 1; i++)
                q[i] = 1; /* every table reaches its top */
            assert_int_equal(code_query_init(&cq, q, pdim, NULL), 0);
            if (round == 2)
                memset(cq.lut, 63, 4 * pdim); /* no sum may wrap */
            random_codes(&codes, pdim, &seed, round == 3 ? 0 : round == 4 || round == 1 ? 255 : -1);
            check(&codes, &cq);
            code_query_release(&cq);
        }
}

/* Rows around a mean, rotated at random again and again: the estimate's mean is the truth. */
static void estimates_have_no_bias(void **state)
{
    (void)state;
    enum { DIM = 128, SEEDS = 400 };
    float mean[DIM], row[DIM], q[DIM], pmean[DIM], prow[DIM], pq[DIM], diff[DIM];
    uint64_t seed = 32;
    for (int pair = 0; pair < 10; pair++) {
        random_unit(&seed, mean, DIM);
        random_unit(&seed, row, DIM);
        random_unit(&seed, q, DIM);
        for (size_t i = 0; i < DIM; i++) {
            row[i] = 0.7f * mean[i] + 0.7f * row[i];
            q[i] = 0.5f * mean[i] + 0.5f * q[i] + 0.4f * row[i];
        }
        double off = 0, square = 0, truth = float_dot(row, q, DIM);
        for (uint64_t s = 0; s < SEEDS; s++) {
            struct rotation *r = rotation_new(DIM, s, NULL);
            struct code_query cq;
            uint8_t bits[DIM / 8], block[4 * DIM];
            float factors[CODE_BLOCK] = {0}, est[CODE_BLOCK];
            uint32_t hits;
            rotation_apply(r, mean, pmean);
            rotation_apply(r, row, prow);
            rotation_apply(r, q, pq);
            for (size_t i = 0; i < DIM; i++)
                diff[i] = prow[i] - pmean[i];
            code_signs(diff, DIM, bits, factors);
            code_block(bits, 1, DIM, block);
            assert_int_equal(code_query_init(&cq, pq, DIM, NULL), 0);
            code_scan_kernel(cpu_level())(block, factors, 1, &cq, 0, est, &hits);
            double error = float_dot(mean, q, DIM) + (double)est[0] - truth;
            off += error;
            square += error * error;
            code_query_release(&cq);
            rotation_free(r);
        }
        double deviation = sqrt(square / SEEDS);
        assert_true(deviation < 0.12);
        assert_true(fabs(off / SEEDS) < 4 * deviation / sqrt(SEEDS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_by_the_definition),
        cmocka_unit_test(estimates_have_no_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
