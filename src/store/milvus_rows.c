/* milvus_rows.c - answers as columns that may be believed.
 *
 * An answer names its columns and says for each its type and values; nothing promises that a column that was asked for is there, of that type, as long as the
 * others, or made of finite numbers. All of that is looked at once, here, so that whoever reads a value can take it. The values stay where protobuf-c
 * unpacked them: 16,384 vectors are not copied again. A hit list is flat, with a count a query, and the counts are what an attacker or a bug would
 * get wrong first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/milvus_wire.h"

struct column {
    enum milvus_type type;
    size_t dim;
    const int64_t *ints;
    const double *reals;
    char *const *texts;
    const float *vectors; /* [n, dim] */
};

struct milvus_rows {
    ProtobufCMessage *owner; /* what the columns point into */
    size_t n, ncols;
    uint32_t *order; /* row i is at order[i]; NULL: at i */
    struct column cols[];
};

void milvus_rows_free(struct milvus_rows *rows)
{
    if (!rows)
        return;
    if (rows->owner)
        protobuf_c_message_free_unpacked(rows->owner, NULL);
    free(rows->order);
    free(rows);
}

size_t milvus_rows_n(const struct milvus_rows *rows)
{
    return rows->n;
}

static size_t place_of(const struct milvus_rows *rows, size_t i)
{
    return rows->order ? rows->order[i] : i;
}

int64_t milvus_rows_int(const struct milvus_rows *rows, size_t col, size_t i)
{
    return rows->cols[col].ints[place_of(rows, i)];
}

double milvus_rows_real(const struct milvus_rows *rows, size_t col, size_t i)
{
    return rows->cols[col].reals[place_of(rows, i)];
}

const char *milvus_rows_text(const struct milvus_rows *rows, size_t col, size_t i)
{
    return rows->cols[col].texts[place_of(rows, i)];
}

const float *milvus_rows_vector(const struct milvus_rows *rows, size_t col, size_t i)
{
    const struct column *c = &rows->cols[col];
    return c->vectors + place_of(rows, i) * c->dim;
}

/* ---- one column ---- */

static int take_vectors(struct column *c, const Mv__VectorField *v, size_t n, int dim)
{
    size_t want = 0;
    if (v->dim != dim || !size_mul(n, (size_t)dim, &want) || v->float_vector->n_data != want)
        return -1;
    c->vectors = v->float_vector->data;
    for (size_t i = 0; i < want; i++)
        if (!isfinite(c->vectors[i]))
            return -1;
    return 0;
}

/* How many values a column holds, if they are of its type. */
static size_t length_of(const Mv__FieldData *data, const struct milvus_field *field)
{
    const Mv__ScalarField *s = data->scalars;
    switch (field->type) {
    case MILVUS_INT: return s && s->long_data ? s->long_data->n_data : 0;
    case MILVUS_REAL: return s && s->double_data ? s->double_data->n_data : 0;
    case MILVUS_TEXT: return s && s->string_data ? s->string_data->n_data : 0;
    case MILVUS_VECTOR:
        return data->vectors && data->vectors->float_vector && field->dim > 0
                   ? data->vectors->float_vector->n_data / (size_t)field->dim
                   : 0;
    }
    return 0;
}

/* The values of a column of n rows, whose number was looked at. */
static int take_column(struct column *c, const Mv__FieldData *data,
                       const struct milvus_field *field, size_t n)
{
    const Mv__ScalarField *s = data->scalars;
    c->type = field->type;
    c->dim = field->dim > 0 ? (size_t)field->dim : 0;
    if (data->type != (int32_t)field->type || length_of(data, field) != n)
        return -1;
    if (n == 0)
        return 0;
    switch (field->type) {
    case MILVUS_INT: c->ints = s->long_data->data; return 0;
    case MILVUS_TEXT: c->texts = s->string_data->data; return 0;
    case MILVUS_REAL:
        c->reals = s->double_data->data;
        for (size_t i = 0; i < n; i++)
            if (!isfinite(c->reals[i]))
                return -1;
        return 0;
    case MILVUS_VECTOR: return take_vectors(c, data->vectors, n, field->dim);
    }
    return -1;
}

static const Mv__FieldData *find_column(Mv__FieldData *const *data, size_t ndata, const char *name)
{
    for (size_t i = 0; i < ndata; i++)
        if (strcmp(data[i]->field_name, name) == 0)
            return data[i];
    return NULL;
}

static struct milvus_rows *rows_new(size_t n, size_t ncols, struct eye_err *err)
{
    struct milvus_rows *rows = mem_calloc(1, sizeof(*rows) + ncols * sizeof(struct column), err);
    if (rows) {
        rows->n = n;
        rows->ncols = ncols;
    }
    return rows;
}

/* Columns of exactly n rows. Does not take `data`'s owner. */
static struct milvus_rows *take_columns(Mv__FieldData *const *data, size_t ndata,
                                        const struct milvus_field *fields, size_t nfields, size_t n,
                                        const char *what, struct eye_err *err)
{
    struct milvus_rows *rows = rows_new(n, nfields, err);
    for (size_t i = 0; rows && i < nfields; i++) {
        const Mv__FieldData *d = find_column(data, ndata, fields[i].name);
        const char *wrong = NULL;
        if (!d && n > 0)
            wrong = "is missing from";
        else if (d && take_column(&rows->cols[i], d, &fields[i], n) != 0)
            wrong = "has wrong values in";
        if (wrong) {
            eye_fail(err, EYE_EFORMAT, "%s: the field %s %s the answer", what, fields[i].name,
                     wrong);
            milvus_rows_free(rows);
            rows = NULL;
        }
    }
    return rows;
}

struct milvus_rows *milvus_rows_of_query(Mv__QueryResults *reply, const struct milvus_field *fields,
                                         size_t nfields, size_t max, const char *what,
                                         struct eye_err *err)
{
    const Mv__FieldData *first =
        nfields > 0 ? find_column(reply->fields_data, reply->n_fields_data, fields[0].name) : NULL;
    size_t n = first ? length_of(first, &fields[0]) : 0;
    struct milvus_rows *rows = NULL;
    if (!first && reply->n_fields_data > 0)
        eye_fail(err, EYE_EFORMAT, "%s: the field %s is missing from the answer", what,
                 nfields > 0 ? fields[0].name : "");
    else if (n > max)
        eye_fail(err, EYE_EFORMAT, "%s: the answer has %zu rows where at most %zu were asked for",
                 what, n, max);
    else
        rows =
            take_columns(reply->fields_data, reply->n_fields_data, fields, nfields, n, what, err);
    if (rows)
        rows->owner = &reply->base;
    else
        protobuf_c_message_free_unpacked(&reply->base, NULL);
    return rows;
}

/* ---- order ---- */

static int by_key(const void *a, const void *b, void *ctx)
{
    const struct column *key = ctx;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (key->type == MILVUS_TEXT) {
        int c = strcmp(key->texts[x], key->texts[y]);
        return c ? c : (x > y) - (x < y);
    }
    if (key->ints[x] != key->ints[y])
        return key->ints[x] < key->ints[y] ? -1 : 1;
    return (x > y) - (x < y);
}

int milvus_rows_sort(struct milvus_rows *rows, struct eye_err *err)
{
    free(rows->order);
    rows->order = NULL;
    if (rows->n < 2)
        return 0;
    rows->order = mem_calloc(rows->n, sizeof(*rows->order), err);
    if (!rows->order)
        return EYE_ENOMEM;
    for (size_t i = 0; i < rows->n; i++)
        rows->order[i] = (uint32_t)i;
    qsort_r(rows->order, rows->n, sizeof(*rows->order), by_key, &rows->cols[0]);
    return 0;
}

/* ---- hits ---- */

void milvus_found_release(struct milvus_found *found)
{
    free(found->counts);
    free(found->ids);
    free(found->scores);
    milvus_rows_free(found->rows);
    memset(found, 0, sizeof(*found));
}

/* Every count within topk, together what there are ids and scores of. */
static bool counts_hold(const Mv__SearchResultData *d, const struct milvus_ask *ask, size_t nids)
{
    size_t sum = 0;
    if (d->n_topks != ask->nq)
        return false;
    for (size_t q = 0; q < ask->nq; q++) {
        if (d->topks[q] < 0 || (uint64_t)d->topks[q] > ask->topk)
            return false;
        sum += (size_t)d->topks[q];
    }
    return sum == nids && sum == d->n_scores;
}

static int allocate(struct milvus_found *found, const struct milvus_ask *ask, struct eye_err *err)
{
    size_t n = 0;
    found->nq = ask->nq;
    found->topk = ask->topk;
    if (!size_mul(ask->nq, ask->topk, &n))
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    found->counts = mem_calloc(ask->nq, sizeof(*found->counts), err);
    found->ids = found->counts ? mem_calloc(n, sizeof(*found->ids), err) : NULL;
    found->scores = found->ids ? mem_calloc(n, sizeof(*found->scores), err) : NULL;
    return found->scores ? 0 : EYE_ENOMEM;
}

static int take_hits(const Mv__SearchResultData *d, const struct milvus_ask *ask,
                     struct milvus_found *found, const char *what, struct eye_err *err)
{
    const Mv__LongArray *ids = d->ids ? d->ids->int_id : NULL;
    size_t at = 0;
    if (d->n_scores == 0 && d->n_topks == 0 && (!ids || ids->n_data == 0))
        return 0; /* lite and an empty collection */
    if (!counts_hold(d, ask, ids ? ids->n_data : 0))
        return eye_fail(err, EYE_EFORMAT, "%s: the answer's numbers of hits do not fit together",
                        what);
    for (size_t q = 0; q < ask->nq; q++) {
        found->counts[q] = (size_t)d->topks[q];
        for (size_t i = 0; ids && i < found->counts[q]; i++, at++) {
            if (!isfinite(d->scores[at]))
                return eye_fail(err, EYE_EFORMAT, "%s: the answer has a score that is no number",
                                what);
            found->ids[q * ask->topk + i] = ids->data[at];
            found->scores[q * ask->topk + i] = d->scores[at];
        }
    }
    return 0;
}

int milvus_rows_of_search(Mv__SearchResults *reply, const struct milvus_ask *ask,
                          struct milvus_found *found, const char *what, struct eye_err *err)
{
    const Mv__SearchResultData *d = reply->results;
    memset(found, 0, sizeof(*found));
    int rc = allocate(found, ask, err);
    if (!rc && d)
        rc = take_hits(d, ask, found, what, err);
    if (!rc && ask->nfields > 0) {
        found->rows = take_columns(d ? d->fields_data : NULL, d ? d->n_fields_data : 0, ask->fields,
                                   ask->nfields, d ? d->n_scores : 0, what, err);
        rc = found->rows ? 0 : err ? err->code : EYE_EFORMAT;
    }
    if (!rc && found->rows)
        found->rows->owner = &reply->base;
    else
        protobuf_c_message_free_unpacked(&reply->base, NULL);
    if (rc)
        milvus_found_release(found);
    return rc;
}
