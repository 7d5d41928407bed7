/* rescore.c - how many candidates of the 1-bit scan are looked at again.
 *
 * Fitted to `recall ROWS DIM 100 grid` (tests/recall) so that text-like queries, the harder ones, find 0.985 of the ten, 48 or 100 best.
 * What that needs grows with n^0.45 (more rows are as close as an estimate may be off) and falls with dim^1.1 (the estimate's
 * error falls with the root of it); a longer list needs less than its share, k^0.5, for its worst rows decide and they lie
 * denser. The figures: docs/PERFORMANCE.md. A candidate costs a microsecond at most, so the rule errs on the side of more. */
#include <math.h>

#include "vector/vector.h"

size_t vector_rescore(size_t n, size_t k, int dim)
{
    double rows = (double)(n > 1 ? n : 1), few = (double)(k > 10 ? k : 10);
    double r = 1150 * pow(rows / 1e5, 0.45) * sqrt(few / 10) * pow(512.0 / dim, 1.1);
    double least = 4 * (double)k + 100;
    r = r < least ? least : r;
    return r < rows ? (size_t)r : n;
}
