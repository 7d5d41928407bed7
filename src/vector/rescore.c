/* rescore.c - how many candidates of the 1-bit scan are looked at again. */
#include <math.h>

#include "vector/vector.h"

size_t vector_rescore(size_t n, size_t k, int dim)
{
    double rows = (double)(n > 1 ? n : 1), pages = (double)(k > 10 ? k : 10) / 10;
    double r = 1000 * pow(rows / 1e6, 0.3) * pow(pages, 0.7) * 512 / dim;
    double least = 4 * (double)k + 300;
    r = r < least ? least : r;
    return r < rows ? (size_t)r : n;
}
