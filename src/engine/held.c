/* held.c - renames among known names: the links that take another picture's place, in an order that loses none.
 *
 * After "a is b now, b is c now" each name shows a known picture, but writing the first link takes the last file from
 * the picture that the second one wants, and the store drops a picture that nobody shows. So such links wait until
 * the rest is written; then each goes after the one that gives its old picture a new file. What goes round in a
 * circle (two names swapped) cannot be ordered: one of the circle is embedded again. A run that is stopped drops
 * them; the next one hashes those few files again. */
#include "engine/ingest.h"

bool eng_held_take(struct eng_writer *w, struct eng_item *item)
{
    if (item->kind != ENG_LINK || item->again || !item->picture || !item->target ||
        item->target == item->picture) {
        return false;
    }
    if (w->nheld == w->held_cap) {
        size_t cap = w->held_cap ? 2 * w->held_cap : 64;
        struct eng_item **held = mem_realloc(w->held, cap, sizeof(struct eng_item *), NULL);
        if (!held) {
            return false; /* at worst something is embedded again */
        }
        w->held = held;
        w->held_cap = cap;
    }
    w->held[w->nheld++] = item;
    return true;
}

static int by_target(const void *a, const void *b)
{
    const struct eng_item *x = *(struct eng_item *const *)a, *y = *(struct eng_item *const *)b;
    return (x->target > y->target) - (x->target < y->target);
}

/* First of the held [n], sorted, that links to `picture`; n: none. */
static size_t first_for(struct eng_item *const *held, size_t n, int64_t picture)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (held[mid]->target < picture) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < n && held[lo]->target == picture ? lo : n;
}

/* order [n]: a chain is followed from each item that is not placed yet to the one that must go before it, and so on,
 * and then laid down from its end. The first of several links to a picture is enough to keep it. */
static void place_all(struct eng_item *const *held, size_t n, bool *placed, size_t *chain,
                      struct eng_item **order)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        for (size_t at = i; at < n && !placed[at];) {
            placed[at] = true;
            chain[len++] = at;
            at = first_for(held, n, held[at]->picture);
        }
        while (len) {
            order[done++] = held[chain[--len]];
        }
    }
}

/* Yours; NULL: out of memory. */
static struct eng_item **in_order(struct eng_item **held, size_t n, struct eye_err *err)
{
    struct eng_item **order = mem_calloc(n, sizeof(struct eng_item *), err);
    bool *placed = order ? mem_calloc(n, sizeof *placed, err) : NULL;
    size_t *chain = placed ? mem_calloc(n, sizeof *chain, err) : NULL;
    if (chain) {
        qsort(held, n, sizeof(struct eng_item *), by_target);
        place_all(held, n, placed, chain, order);
    } else {
        free(order);
        order = NULL;
    }
    free(placed);
    free(chain);
    return order;
}

void eng_held_write(struct eng_writer *w, struct eye_err *err)
{
    size_t n = w->nheld;
    if (n == 0 || w->rc < 0 || w->cancelled) {
        return;
    }
    struct eng_item **order = in_order(w->held, n, err);
    if (!order) {
        w->rc = EYE_ENOMEM;
        return;
    }
    w->nheld = 0;
    for (size_t i = 0; i < n; i++) {
        if (w->cancelled) {
            eng_writer_discard(w, order[i]);
        } else {
            eng_writer_put(w, order[i], err);
            eng_writer_progress(w, false);
        }
    }
    free(order);
    eng_writer_flush(w, err);
}
