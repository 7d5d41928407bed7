/* grouping.c - groups of pictures as they are found, and the order that makes them the same each time.
 *
 * Whoever comes first in the order represents: most pixels, then most bytes, then the lowest SHA-256. No id is in it, because ids
 * follow the order of indexing; two pictures with the same 64 bits of SHA-256 do not happen. */
#include "engine/duplicates.h"

void eng_grouping_release(struct eng_grouping *g)
{
    free(g->groups);
    free(g->members);
    *g = (struct eng_grouping){.groups = NULL};
}

int eng_grouping_begin(struct eng_grouping *g, struct eye_err *err)
{
    if (g->ngroups == g->groups_cap) {
        size_t cap = g->groups_cap ? 2 * g->groups_cap : 64;
        struct eng_group *groups = mem_realloc(g->groups, cap, sizeof *groups, err);
        if (!groups) {
            return EYE_ENOMEM;
        }
        g->groups = groups;
        g->groups_cap = cap;
    }
    g->groups[g->ngroups++] = (struct eng_group){.first = g->nmembers};
    return 0;
}

int eng_grouping_add(struct eng_grouping *g, const struct eng_member *member, struct eye_err *err)
{
    if (g->nmembers == g->members_cap) {
        size_t cap = g->members_cap ? 2 * g->members_cap : 256;
        struct eng_member *members = mem_realloc(g->members, cap, sizeof *members, err);
        if (!members) {
            return EYE_ENOMEM;
        }
        g->members = members;
        g->members_cap = cap;
    }
    g->members[g->nmembers++] = *member;
    g->groups[g->ngroups - 1].n++;
    return 0;
}

struct keyed {
    int64_t id;
    struct eng_group group;
};

static int by_id(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Groups only name a range of members, so these stay where they are. */
int eng_grouping_sort(struct eng_grouping *g, struct eye_err *err)
{
    struct keyed *keyed = mem_calloc(g->ngroups, sizeof *keyed, err);
    if (!keyed) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < g->ngroups; i++) {
        keyed[i] = (struct keyed){g->members[g->groups[i].first].id, g->groups[i]};
    }
    if (g->ngroups) {
        qsort(keyed, g->ngroups, sizeof *keyed, by_id);
    }
    for (size_t i = 0; i < g->ngroups; i++) {
        g->groups[i] = keyed[i].group;
    }
    free(keyed);
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct store_look *x = a, *y = b;
    int64_t px = (int64_t)x->width * x->height, py = (int64_t)y->width * y->height;
    if (px != py) {
        return px > py ? -1 : 1;
    }
    if (x->size != y->size) {
        return x->size > y->size ? -1 : 1;
    }
    if (x->tie != y->tie) {
        return x->tie < y->tie ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

void eng_looks_sort(struct store_look *looks, size_t n)
{
    if (n) {
        qsort(looks, n, sizeof *looks, by_rank);
    }
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Cross products: as far apart as the ratios are. A side that was rounded to whole pixels moves them by less than the larger picture's
 * longer side. */
bool eng_same_shape(const struct store_look *a, const struct store_look *b)
{
    int64_t x = (int64_t)a->width * b->height, y = (int64_t)b->width * a->height;
    int64_t off = x > y ? x - y : y - x;
    int64_t side = larger(larger(a->width, a->height), larger(b->width, b->height));
    return off * 50 <= larger(x, y) || off < side;
}
