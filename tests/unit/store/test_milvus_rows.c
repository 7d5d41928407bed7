/* Answers that are not what was asked for: every way a column, a count or a score can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/milvus_wire.h"

enum { INTS, REALS, TEXTS, VECTORS, COLUMNS };
static const struct milvus_field fields[COLUMNS] = {{"id", MILVUS_INT, 0},
                                                    {"lat", MILVUS_REAL, 0},
                                                    {"rel", MILVUS_TEXT, 0},
                                                    {"vector", MILVUS_VECTOR, 2}};
static struct eye_err err;

/* An answer of three rows, in pieces that a test may bend before it is sent. */
static struct {
    int64_t ints[4];
    double reals[4];
    char *texts[4];
    float vectors[8];
    Mv__LongArray longs;
    Mv__DoubleArray doubles;
    Mv__StringArray strings;
    Mv__FloatArray floats;
    Mv__ScalarField scalars[3];
    Mv__VectorField vector;
    Mv__FieldData data[COLUMNS], *list[COLUMNS];
    Mv__QueryResults query;
} a;

static int prepare(void **state)
{
    (void)state;
    memset(&a, 0, sizeof(a));
    static const int64_t ints[] = {30, 10, 20, 0};
    memcpy(a.ints, ints, sizeof(ints));
    for (int i = 0; i < 4; i++) {
        a.reals[i] = i / 2.0;
        a.texts[i] = (char *)(uintptr_t)(i == 1 ? "" : "x");
        a.vectors[2 * i] = (float)i;
    }
    mv__long_array__init(&a.longs);
    mv__double_array__init(&a.doubles);
    mv__string_array__init(&a.strings);
    mv__float_array__init(&a.floats);
    mv__vector_field__init(&a.vector);
    mv__query_results__init(&a.query);
    a.longs.data = a.ints, a.doubles.data = a.reals, a.strings.data = a.texts;
    a.floats.data = a.vectors;
    a.longs.n_data = a.doubles.n_data = a.strings.n_data = 3;
    a.floats.n_data = 6;
    a.vector.dim = 2;
    a.vector.float_vector = &a.floats;
    for (int i = 0; i < COLUMNS; i++) {
        mv__field_data__init(&a.data[i]);
        a.data[i].type = (int32_t)fields[i].type;
        a.data[i].field_name = (char *)(uintptr_t)fields[i].name;
        a.list[i] = &a.data[i];
        if (i != VECTORS) {
            mv__scalar_field__init(&a.scalars[i]);
            a.data[i].scalars = &a.scalars[i];
        }
    }
    a.scalars[INTS].long_data = &a.longs;
    a.scalars[REALS].double_data = &a.doubles;
    a.scalars[TEXTS].string_data = &a.strings;
    a.data[VECTORS].vectors = &a.vector;
    a.query.fields_data = a.list;
    a.query.n_fields_data = COLUMNS;
    return 0;
}

/* Over the wire and back, as an answer comes. */
static struct milvus_rows *take(size_t nfields, size_t max)
{
    size_t n = mv__query_results__get_packed_size(&a.query);
    uint8_t *bytes = malloc(n + 1);
    assert_non_null(bytes);
    mv__query_results__pack(&a.query, bytes);
    ProtobufCMessage *m = milvus_unpack(&mv__query_results__descriptor, bytes, n, "here", &err);
    free(bytes);
    assert_non_null(m);
    err.code = 0;
    return milvus_rows_of_query((Mv__QueryResults *)m, fields, nfields, max, "here", &err);
}

static void refused(void)
{
    struct milvus_rows *rows = take(COLUMNS, 3);
    assert_null(rows);
    assert_int_equal(err.code, EYE_EFORMAT);
}

static void takes_what_is_right(void **state)
{
    (void)state;
    struct milvus_rows *rows = take(COLUMNS, 3);
    assert_non_null(rows);
    assert_int_equal(milvus_rows_n(rows), 3);
    assert_int_equal(milvus_rows_int(rows, INTS, 2), 20);
    assert_true(milvus_rows_real(rows, REALS, 1) == 0.5);
    assert_string_equal(milvus_rows_text(rows, TEXTS, 0), "x");
    assert_string_equal(milvus_rows_text(rows, TEXTS, 1), "");
    assert_true(milvus_rows_vector(rows, VECTORS, 2)[0] == 2);
    assert_int_equal(milvus_rows_sort(rows, &err), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(milvus_rows_int(rows, INTS, i), 10 * (i + 1));
    assert_true(milvus_rows_vector(rows, VECTORS, 0)[0] == 1); /* all columns in the same order */
    assert_string_equal(milvus_rows_text(rows, TEXTS, 0), "");
    milvus_rows_free(rows);
    a.list[0] = &a.data[3], a.list[3] = &a.data[0]; /* in any order */
    rows = take(COLUMNS, 3);
    assert_non_null(rows);
    assert_int_equal(milvus_rows_int(rows, INTS, 0), 30);
    milvus_rows_free(rows);
    a.query.n_fields_data = 0; /* nothing found */
    rows = take(COLUMNS, 3);
    assert_non_null(rows);
    assert_int_equal(milvus_rows_n(rows), 0);
    assert_int_equal(milvus_rows_sort(rows, &err), 0);
    milvus_rows_free(rows);
}

static void counts_rows(void **state)
{
    (void)state;
    struct milvus_rows *rows = take(COLUMNS, 2); /* more than asked for */
    assert_null(rows);
    assert_int_equal(err.code, EYE_EFORMAT);
    a.longs.n_data = 2;
    refused();
    a.longs.n_data = 4;
    rows = take(COLUMNS, 100);
    assert_null(rows);
    a.longs.n_data = 3;
    a.doubles.n_data = 4;
    refused();
    a.doubles.n_data = 3;
    a.strings.n_data = 0;
    refused();
    a.strings.n_data = 3;
    a.floats.n_data = 5;
    refused();
    a.longs.n_data = 0; /* no rows by the first, some by the others */
    refused();
}

static void misses_columns(void **state)
{
    (void)state;
    for (int i = 0; i < COLUMNS; i++) {
        prepare(NULL);
        a.data[i].field_name = (char *)(uintptr_t) "other";
        refused();
        assert_non_null(strstr(err.msg, fields[i].name));
        prepare(NULL);
        a.data[i].scalars = NULL;
        a.data[i].vectors = NULL;
        refused();
    }
    prepare(NULL);
    a.scalars[REALS].double_data = NULL;
    refused();
    prepare(NULL);
    a.vector.float_vector = NULL;
    refused();
}

static void checks_types_and_values(void **state)
{
    (void)state;
    for (int i = 0; i < COLUMNS; i++) {
        prepare(NULL);
        a.data[i].type = 23;
        refused();
    }
    prepare(NULL);
    a.vector.dim = 3;
    refused();
    prepare(NULL);
    a.vector.dim = -2;
    refused();
    prepare(NULL);
    a.vectors[5] = NAN;
    refused();
    prepare(NULL);
    a.vectors[0] = INFINITY;
    refused();
    prepare(NULL);
    a.reals[2] = NAN;
    refused();
}

/* ---- hits ---- */

static int64_t ids[6] = {1, 2, 3, 4, 5, 6}, topks[3] = {2, 0, 3};
static float scores[6] = {0.9f, 0.8f, 0.7f, 0.6f, 0.5f, 0.4f};
static Mv__LongArray id_list;
static Mv__IDs id_field;
static Mv__SearchResultData data;
static struct milvus_ask ask;
static struct milvus_found found;

static int prepare_hits(void **state)
{
    (void)state;
    prepare(NULL);
    mv__long_array__init(&id_list);
    mv__ids__init(&id_field);
    mv__search_result_data__init(&data);
    id_list.data = ids;
    id_list.n_data = 5;
    id_field.int_id = &id_list;
    data.ids = &id_field;
    data.scores = scores;
    data.n_scores = 5;
    topks[0] = 2, topks[1] = 0, topks[2] = 3;
    data.topks = topks;
    data.n_topks = 3;
    scores[1] = 0.8f;
    ask = (struct milvus_ask){.nq = 3, .topk = 3, .dim = 2};
    return 0;
}

static int take_hits(void)
{
    Mv__SearchResults r = MV__SEARCH_RESULTS__INIT;
    r.results = &data;
    size_t n = mv__search_results__get_packed_size(&r);
    uint8_t *bytes = malloc(n + 1);
    assert_non_null(bytes);
    mv__search_results__pack(&r, bytes);
    ProtobufCMessage *m = milvus_unpack(&mv__search_results__descriptor, bytes, n, "here", &err);
    free(bytes);
    assert_non_null(m);
    return milvus_rows_of_search((Mv__SearchResults *)m, &ask, &found, "here", &err);
}

static void takes_hits(void **state)
{
    (void)state;
    assert_int_equal(take_hits(), 0);
    assert_int_equal(found.counts[0], 2);
    assert_int_equal(found.counts[1], 0);
    assert_int_equal(found.counts[2], 3);
    assert_int_equal(found.ids[1], 2);
    assert_int_equal(found.ids[2], 0);
    assert_int_equal(found.ids[6], 3);
    assert_true(found.scores[8] == 0.5f);
    milvus_found_release(&found);
    a.longs.n_data = 5; /* with fields: as many as hits, flat */
    data.fields_data = a.list;
    data.n_fields_data = 1;
    ask.fields = fields;
    ask.nfields = 1;
    a.longs.data = ids;
    assert_int_equal(take_hits(), 0);
    assert_int_equal(milvus_rows_int(found.rows, 0, 4), 5);
    milvus_found_release(&found);
    a.longs.n_data = 4;
    assert_int_equal(take_hits(), EYE_EFORMAT);
    assert_null(found.ids);
}

static void adds_up_hits(void **state)
{
    (void)state;
    topks[2] = 2;
    assert_int_equal(take_hits(), EYE_EFORMAT);
    topks[2] = 4; /* more than topk, and than there are */
    assert_int_equal(take_hits(), EYE_EFORMAT);
    topks[0] = 5, topks[2] = 0; /* adds up, but is more than was asked for */
    assert_int_equal(take_hits(), EYE_EFORMAT);
    topks[0] = 3, topks[1] = -1, topks[2] = 3;
    assert_int_equal(take_hits(), EYE_EFORMAT);
    prepare_hits(NULL);
    data.n_topks = 2;
    assert_int_equal(take_hits(), EYE_EFORMAT);
    prepare_hits(NULL);
    data.n_scores = 4;
    assert_int_equal(take_hits(), EYE_EFORMAT);
    prepare_hits(NULL);
    id_field.int_id = NULL;
    assert_int_equal(take_hits(), EYE_EFORMAT);
    prepare_hits(NULL);
    scores[1] = NAN;
    assert_int_equal(take_hits(), EYE_EFORMAT);
}

/* ---- memory ---- */

/* Two bytes on the wire that take forty in memory, 20 million times. */
static void bounds_memory(void **state)
{
    (void)state;
    size_t n = 40000000;
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i += 2) {
        bytes[i] = 0x12; /* fields_data, empty */
        bytes[i + 1] = 0;
    }
    assert_null(milvus_unpack(&mv__query_results__descriptor, bytes, n, "here", &err));
    assert_int_equal(err.code, EYE_ELIMIT);
    assert_null(milvus_unpack(&mv__query_results__descriptor, bytes, 3, "here", &err));
    assert_int_equal(err.code, EYE_EFORMAT);
    free(bytes);
    ProtobufCMessage *m = milvus_unpack(&mv__query_results__descriptor, NULL, 0, "here", &err);
    assert_non_null(m);
    protobuf_c_message_free_unpacked(m, NULL);
}

/* ---- on the way in ---- */

static void gathers_columns(void **state)
{
    (void)state;
    struct milvus_columns *c = milvus_columns_new(fields, COLUMNS, &err);
    float v[2] = {1, 2};
    assert_non_null(c);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(milvus_columns_add(c, &err), 0);
        milvus_columns_int(c, INTS, i);
        milvus_columns_real(c, REALS, NAN);
        assert_int_equal(milvus_columns_text(c, TEXTS, i % 2 ? "t" : "", &err), 0);
        milvus_columns_vector(c, VECTORS, v);
    }
    assert_int_equal(milvus_columns_n(c), 200);
    assert_int_equal(milvus_columns_text(c, TEXTS, "\xff", &err), EYE_EINTERNAL);
    milvus_columns_clear(c);
    assert_int_equal(milvus_columns_n(c), 0);
    milvus_columns_free(c);
    milvus_columns_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_what_is_right, prepare),
        cmocka_unit_test_setup(counts_rows, prepare),
        cmocka_unit_test_setup(misses_columns, prepare),
        cmocka_unit_test_setup(checks_types_and_values, prepare),
        cmocka_unit_test_setup(takes_hits, prepare_hits),
        cmocka_unit_test_setup(adds_up_hits, prepare_hits),
        cmocka_unit_test(bounds_memory),
        cmocka_unit_test(gathers_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
