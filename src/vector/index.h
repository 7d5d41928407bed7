/* index.h - inside of a vector_index, shared by index*.c.
 *
 * A snapshot is a list of parts, first segments, then runs of the tail, each with a live bit a row. Rows are addressed in it by slots: each
 * part begins at a whole word of a mask, and a slot is the number of a bit there. */
#ifndef VECTOR_INDEX_H
#define VECTOR_INDEX_H

#include <stdatomic.h>

#include "vector/segment.h"
#include "vector/set.h"
#include "vector/vector.h"

/* Bits that snapshots share until one changes them. */
struct index_bits {
    atomic_uint refs;
    size_t words;
    uint64_t word[];
};

struct index_part {
    struct vector_segment *seg; /* or: */
    struct vector_set *set;     /* a run of the tail, ids ascending */
    struct index_bits *live;    /* bits behind the last row are 0 */
    size_t nlive;
};

struct vector_index {
    struct vector_spec spec;
    struct index_part *parts; /* [nparts]: nsegs segments, then the runs from old to new */
    size_t nparts, nsegs, cap;
};

static inline size_t part_rows(const struct index_part *part)
{
    return part->seg ? part->seg->rows : part->set->count;
}

static inline size_t part_words(const struct index_part *part)
{
    return (part_rows(part) + 63) / 64;
}

static inline int64_t part_id(const struct index_part *part, size_t row)
{
    return part->seg ? part->seg->ids[row] : *set_ids(part->set, row);
}

/* The first row from `from` on whose id is not below `id`; the number of rows if there is none. Quick when it is near. */
size_t part_seek(const struct index_part *part, size_t from, int64_t id);

/* Bits of our own with room for `words`, what is new zero. EYE_ENOMEM, nothing changed. */
int bits_own(struct index_bits **bits, size_t words, struct eye_err *err);
void bits_unref(struct index_bits *bits); /* NULL is fine */

static inline void bits_set(struct index_bits *bits, size_t i)
{
    bits->word[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void bits_clear(struct index_bits *bits, size_t i)
{
    bits->word[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

void part_release(struct index_part *part);
/* A part at `at`, those behind move on. */
int index_insert(struct vector_index *ix, size_t at, const struct index_part *part,
                 struct eye_err *err);

#endif
