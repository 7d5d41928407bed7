/* index_bytes.c - stage 2: the candidates' scores by their int8 rows, read from the segments' files on the pool. */
#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "vector/index_search.h"

enum { SLICE = 64 }; /* candidates an item of the pool: next to each other, they fill one read */

struct job {
    const struct index_search *s;
    size_t *slices;   /* [nasks + 1] the slice at which an ask begins */
    uint8_t *scratch; /* [workers, SEGMENT_READ_BYTES] */
    atomic_int rc;    /* the first failure */
    struct eye_err err;
};

/* Candidates [n] of one segment. */
static int score_some(const struct job *job, const struct index_ask *a, size_t part,
                      struct index_candidate *c, size_t n, uint8_t *scratch, struct eye_err *err)
{
    struct segment_query query = {&a->code, a->length};
    struct segment_score score[SLICE];
    uint32_t rows[SLICE], first = (uint32_t)(job->s->words[part] * 64);
    for (size_t i = 0; i < n; i++)
        rows[i] = c[i].slot - first;
    int rc = segment_score_rows(job->s->ix->parts[part].seg, &query, rows, n, scratch, score, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        c[i].score = score[i].score;
        c[i].slack = score[i].slack;
    }
    return rc;
}

static void score_slice(void *ctx, size_t slice, int worker)
{
    struct job *job = ctx;
    size_t ask = 0, part = 0;
    while (slice >= job->slices[ask + 1])
        ask++;
    const struct index_ask *a = &job->s->asks[ask];
    size_t at = (slice - job->slices[ask]) * SLICE;
    size_t end = a->n - at < SLICE ? a->n : at + SLICE;
    while (at < end && !atomic_load_explicit(&job->rc, memory_order_relaxed)) {
        part = index_part_of(job->s, part, a->candidates[at].slot);
        size_t n = 1;
        while (at + n < end && a->candidates[at + n].slot / 64 < job->s->words[part + 1])
            n++;
        struct eye_err err;
        int rc = score_some(job, a, part, a->candidates + at, n,
                            job->scratch + (size_t)worker * SEGMENT_READ_BYTES, &err);
        int none = 0;
        if (rc && atomic_compare_exchange_strong(&job->rc, &none, rc))
            job->err = err; /* read when the pool is through */
        at += n;
    }
}

/* That a file cannot be read is the same to who asked as that it is damaged: the segment is of no use. */
static int tell(const struct job *job, struct eye_err *err)
{
    int rc = atomic_load(&job->rc);
    if (rc == 0)
        return 0;
    return eye_fail(err, rc == EYE_EIO ? EYE_EFORMAT : rc, "%s", job->err.msg);
}

int index_score(struct index_search *s, struct eye_err *err)
{
    struct job job = {.s = s};
    atomic_init(&job.rc, 0);
    job.slices = mem_calloc(s->nasks + 1, sizeof *job.slices, err);
    job.scratch = mem_calloc((size_t)pool_threads(s->pool), SEGMENT_READ_BYTES, err);
    int rc = EYE_ENOMEM;
    if (job.slices && job.scratch) {
        for (size_t i = 0; i < s->nasks; i++) {
            size_t n = s->asks[i].done ? 0 : s->asks[i].n;
            job.slices[i + 1] = job.slices[i] + (n + SLICE - 1) / SLICE;
        }
        pool_run(s->pool, job.slices[s->nasks], score_slice, &job);
        rc = tell(&job, err);
    }
    free(job.slices);
    free(job.scratch);
    return rc;
}
