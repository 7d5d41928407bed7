/* index_tail.c - the tail of an index: rows that are in no segment yet.
 *
 * A vector_set wants ascending ids, and they nearly always ascend, new pictures have the largest. One that does not (an old picture
 * was embedded again) begins a new run. Runs are merged as soon as one is not half of the one before it, so there are no more than the
 * logarithm of their rows and a row is copied no more often than that: n rows cost n log n in the worst order, and n in the
 * usual one. Dead rows stay behind when runs are merged. */
#include <string.h>

#include "base/buf.h"
#include "vector/index.h"
#include "vector/mask.h"

static struct index_part *last_run(struct vector_index *ix)
{
    return ix->nparts > ix->nsegs ? &ix->parts[ix->nparts - 1] : NULL;
}

/* Live rows from `row` on, or the end. */
static size_t next_live(const struct index_part *run, size_t row)
{
    while (row < part_rows(run) && !mask_has(run->live->word, row))
        row++;
    return row;
}

/* Append to a run, which is the last of its family or goes ways of its own; not live yet. */
static int append(struct index_part *run, int64_t id, const uint16_t *row, struct eye_err *err)
{
    int rc = bits_own(&run->live, part_rows(run) / 64 + 1, err);
    return rc ? rc : vector_add(run->set, id, row, err);
}

static int new_run(struct vector_index *ix, struct index_part *run, struct eye_err *err)
{
    *run = (struct index_part){.set = vector_new(ix->spec.dim, err),
                               .live = mem_calloc(1, sizeof *run->live, err)};
    if (run->set && run->live) {
        atomic_init(&run->live->refs, 1);
        return 0;
    }
    vector_free(run->set);
    free(run->live);
    return EYE_ENOMEM;
}

/* All live rows of a and b, by ascending id. */
static int merge_into(struct index_part *out, const struct index_part *a,
                      const struct index_part *b, struct eye_err *err)
{
    size_t i = next_live(a, 0), j = next_live(b, 0), na = part_rows(a), nb = part_rows(b);
    while (i < na || j < nb) {
        bool from_a = j == nb || (i < na && part_id(a, i) < part_id(b, j));
        const struct index_part *from = from_a ? a : b;
        size_t row = from_a ? i : j, to = part_rows(out);
        int rc = append(out, part_id(from, row), set_row(from->set, row), err);
        if (rc)
            return rc;
        bits_set(out->live, to);
        out->nlive++;
        if (from_a)
            i = next_live(a, i + 1);
        else
            j = next_live(b, j + 1);
    }
    return 0;
}

static int merge_runs(struct vector_index *ix, struct eye_err *err)
{
    while (ix->nparts >= ix->nsegs + 2) {
        struct index_part *a = &ix->parts[ix->nparts - 2], *b = a + 1, out;
        if (part_rows(b) * 2 < part_rows(a))
            break;
        int rc = new_run(ix, &out, err);
        if (rc)
            return rc;
        rc = merge_into(&out, a, b, err);
        if (rc) {
            part_release(&out);
            return rc;
        }
        part_release(a);
        part_release(b);
        *a = out;
        ix->nparts--;
    }
    return 0;
}

/* The run that takes this id. */
static int find_run(struct vector_index *ix, int64_t id, struct index_part **run,
                    struct eye_err *err)
{
    *run = last_run(ix);
    if (*run && (part_rows(*run) == 0 || id > vector_last((*run)->set)))
        return 0;
    struct index_part fresh;
    int rc = *run ? merge_runs(ix, err) : 0;
    if (rc)
        return rc;
    *run = last_run(ix);
    if (*run && id > vector_last((*run)->set))
        return 0;
    if ((rc = new_run(ix, &fresh, err)) != 0)
        return rc;
    if ((rc = index_insert(ix, ix->nparts, &fresh, err)) != 0) {
        part_release(&fresh);
        return rc;
    }
    *run = &ix->parts[ix->nparts - 1];
    return 0;
}

int vector_index_put(struct vector_index *ix, int64_t id, const uint16_t *row, struct eye_err *err)
{
    struct index_part *run;
    if (!set_finite(row, (size_t)ix->spec.dim))
        return vector_row_length(row, (size_t)ix->spec.dim, NULL, err); /* says where */
    int rc = find_run(ix, id, &run, err);
    if (rc == 0)
        rc = append(run, id, row, err);
    if (rc == 0)
        rc = vector_index_drop(ix, id, err); /* the new one is not live yet */
    if (rc)
        return rc;
    bits_set(run->live, part_rows(run) - 1);
    run->nlive++;
    return 0;
}
