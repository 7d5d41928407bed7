/* rotate.c - a random rotation in n log n.
 *
 * Rounds of random signs and Walsh-Hadamard transforms (Ailon and Chazelle's fast Johnson-Lindenstrauss transform, three times
 * over). A size that is no power of two is cut into powers of two (960 = 512 + 256 + 128 + 64), each transformed
 * for itself, and the numbers are shuffled between rounds, so that every number reaches every other. Dropped: two
 * overlapping parts in turn (first 512, last 512): at 960 they share only 64, and seven eighths of a vector's energy
 * stay where they were after four rounds; padding up to a power of two: at 640 it would cost 60 % more codes.
 *
 * Only additions, and products stored before they are added: no machine may fuse anything here, so the bits are the same
 * everywhere. Segments depend on it. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "vector/code.h"

enum { ROUNDS_MAX = 4, PARTS_MAX = 6 };

struct rotation {
    size_t dim, pdim, rounds, nparts;
    size_t parts[PARTS_MAX]; /* powers of two, falling, pdim in all */
    float *signs;            /* [rounds, pdim]: sign / sqrt(size of the part) */
    uint16_t *from; /* [rounds, pdim]: where a round takes its numbers; NULL with one part */
};

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void draw_signs(const struct rotation *r, float *signs, uint64_t *state)
{
    uint64_t bits = 0;
    size_t at = 0;
    for (size_t p = 0; p < r->nparts; p++) {
        float size = 1 / sqrtf((float)r->parts[p]);
        for (size_t i = 0; i < r->parts[p]; i++, at++) {
            if (at % 64 == 0)
                bits = next_random(state);
            signs[at] = bits >> (at % 64) & 1 ? size : -size;
        }
    }
}

static void draw_order(uint16_t *from, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        from[i] = (uint16_t)i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = (size_t)((next_random(state) >> 32) * (i + 1) >> 32);
        uint16_t t = from[i];
        from[i] = from[j];
        from[j] = t;
    }
}

struct rotation *rotation_new(int dim, uint64_t seed, struct eye_err *err)
{
    if (dim < CODE_DIM_MIN || dim > CODE_DIM_MAX) {
        eye_fail(err, EYE_EINVAL, "vectors of %d numbers cannot be rotated: %d to %d can", dim,
                 CODE_DIM_MIN, CODE_DIM_MAX);
        return NULL;
    }
    struct rotation *r = mem_calloc(1, sizeof *r, err);
    if (!r)
        return NULL;
    r->dim = (size_t)dim;
    r->pdim = ((size_t)dim + 63) / 64 * 64;
    for (size_t part = CODE_DIM_MAX; part >= 64; part /= 2)
        if (r->pdim & part)
            r->parts[r->nparts++] = part;
    r->rounds = r->nparts > 1 ? ROUNDS_MAX : ROUNDS_MAX - 1;
    r->signs = mem_calloc(r->rounds * r->pdim, sizeof *r->signs, err);
    if (r->nparts > 1)
        r->from = mem_calloc(r->rounds * r->pdim, sizeof *r->from, err);
    if (!r->signs || (r->nparts > 1 && !r->from)) {
        rotation_free(r);
        return NULL;
    }
    for (size_t i = 0; i < r->rounds; i++) {
        draw_signs(r, r->signs + i * r->pdim, &seed);
        if (r->from)
            draw_order(r->from + i * r->pdim, r->pdim, &seed);
    }
    return r;
}

void rotation_free(struct rotation *r)
{
    if (r) {
        free(r->signs);
        free(r->from);
        free(r);
    }
}

size_t rotation_dims(const struct rotation *r)
{
    return r->pdim;
}

void rotate_mix_portable(float *x, size_t n)
{
    for (size_t h = 1; h < n; h *= 2)
        for (size_t i = 0; i < n; i += 2 * h)
            for (size_t j = i; j < i + h; j++) {
                float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
}

static void mix(float *x, size_t n, enum cpu_level level)
{
#if defined(__x86_64__)
    if (level >= CPU_AVX2) {
        rotate_mix_avx2(x, n);
        return;
    }
#endif
    (void)level;
    rotate_mix_portable(x, n);
}

void rotation_apply(const struct rotation *r, const float *in, float *out)
{
    float last[CODE_DIM_MAX];
    enum cpu_level level = cpu_level();
    size_t n = r->pdim;
    memcpy(out, in, r->dim * sizeof *out);
    memset(out + r->dim, 0, (n - r->dim) * sizeof *out);
    for (size_t round = 0; round < r->rounds; round++) {
        const float *signs = r->signs + round * n;
        if (r->from) {
            const uint16_t *from = r->from + round * n;
            memcpy(last, out, n * sizeof *out);
            for (size_t i = 0; i < n; i++)
                out[i] = last[from[i]] * signs[i];
        } else {
            for (size_t i = 0; i < n; i++)
                out[i] *= signs[i];
        }
        for (size_t p = 0, at = 0; p < r->nparts; at += r->parts[p++])
            mix(out + at, r->parts[p], level);
    }
}
