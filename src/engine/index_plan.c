/* index_plan.c - which segments are made next, and of what.
 *
 * The tail becomes a segment once it has some 16,000 rows; with it go all segments that are no larger than what it has taken up so far. So
 * a row is written again only into a segment at least twice as large: n rows cost n log n, and there are no more than log n
 * segments. (Never merging was tried on paper: a million rows in 61 segments of 16,000, each with a mean and a query table of its own.)
 *
 * A segment of which a quarter is dead is written again without: dead rows are scanned like live ones, and each deletion must be kept in
 * the log for as long as a segment has the row. */
#include "engine/index.h"

enum { DEAD_SHARE = 4, LOG_SHARE = 4, PARTS_MAX = 64 };

bool eng_plan_is_for(const struct vector_spec *spec)
{
    return spec->dim >= ENG_DIM_MIN && spec->dim <= ENG_DIM_MAX;
}

/* The smallest segment that is not taken yet; n: none. */
static size_t smallest(const struct eng_plan_part *parts, size_t n, uint64_t taken)
{
    size_t least = n;
    for (size_t i = 0; i < n; i++) {
        if (!(taken >> i & 1) && (least == n || parts[i].live < parts[least].live)) {
            least = i;
        }
    }
    return least;
}

/* Everything that is no larger than what there is already. */
static uint64_t take_up(const struct eng_plan_part *parts, size_t n, size_t have, uint64_t taken)
{
    size_t i;
    while ((i = smallest(parts, n, taken)) < n && parts[i].live <= have) {
        taken |= UINT64_C(1) << i;
        have += parts[i].live;
    }
    return taken;
}

static bool is_rotten(const struct eng_plan_part *part)
{
    return (part->rows - part->live) * DEAD_SHARE > part->rows;
}

struct eng_plan eng_plan(const struct eng_plan_part *parts, size_t n, size_t tail, uint64_t log,
                         size_t few)
{
    struct eng_plan plan = {.what = ENG_PLAN_NOTHING};
    size_t total = tail;
    n = n < PARTS_MAX ? n : PARTS_MAX;
    for (size_t i = 0; i < n; i++) {
        total += parts[i].live;
    }
    if (n > 0 && total < few / 2) {
        plan.what = ENG_PLAN_DISSOLVE;
        return plan;
    }
    bool long_log = log > LOG_SHARE * (uint64_t)few;
    if (n == 0 && tail < few) {
        plan.what = long_log ? ENG_PLAN_FORGET : ENG_PLAN_NOTHING;
        return plan;
    }
    if (tail >= few || long_log) {
        plan.what = ENG_PLAN_MAKE;
        plan.tail = true;
        plan.take = take_up(parts, n, tail, 0);
        if (tail == 0 && plan.take == 0) { /* for the log to be told, something is to be written */
            plan.take = UINT64_C(1) << smallest(parts, n, 0);
        }
        return plan;
    }
    for (size_t i = 0; i < n && plan.what == ENG_PLAN_NOTHING; i++) {
        if (is_rotten(&parts[i])) {
            plan.what = ENG_PLAN_MAKE;
            plan.take = take_up(parts, n, parts[i].live, UINT64_C(1) << i);
        }
    }
    return plan;
}

static size_t few_of(const eye_lib *lib)
{
    return lib->knobs->few ? lib->knobs->few : ENG_INDEX_FEW;
}

static void parts_of(const struct vector_index *ix, struct eng_plan_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t live;
        parts[i].rows = vector_segment_rows(vector_index_segment(ix, i, &live));
        parts[i].live = live;
    }
}

static struct eng_plan plan_of(const eye_lib *lib, const struct vector_index *ix,
                               const struct store_segment *segments, size_t tail,
                               const struct store_mark *mark)
{
    struct eng_plan_part parts[PARTS_MAX];
    size_t n = vector_index_segments(ix);
    int64_t told = n ? segments[n - 1].upto : mark->log_from;
    n = n < PARTS_MAX ? n : PARTS_MAX;
    parts_of(ix, parts, n);
    return eng_plan(parts, n, tail, (uint64_t)(mark->changes - told), few_of(lib));
}

struct eng_plan eng_plan_state(const eye_lib *lib, const struct eng_state *state)
{
    return plan_of(lib, state->ix, state->segments, state->ntail, &state->mark);
}

bool eng_plan_due(const eye_lib *lib, const struct eng_vectors *v)
{
    if (!v->model || !eng_plan_is_for(&v->spec)) {
        return false;
    }
    if (!v->ix) {
        return true;
    }
    return plan_of(lib, v->ix, v->segments, vector_index_tail(v->ix), &v->mark).what !=
           ENG_PLAN_NOTHING;
}
