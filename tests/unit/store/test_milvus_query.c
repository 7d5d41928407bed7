/* Walking over all rows by slices, counting, and writing in batches, against a server of arrays that gives rows in the worst order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "fake_grpc.h"
#include "store/milvus_wire.h"

enum { MAX_KEYS = 5000 };

/* What the server holds, and how it answers. */
struct table {
    int64_t keys[MAX_KEYS];
    size_t n, largest, queries, counts;
    bool text;
};

static struct fake server;
static struct milvus *m;
static struct eye_err err;
static struct table table;

/* The number behind `op` of "id OP number", or `none`. */
static int64_t bound(const char *expr, const char *op, int64_t none, bool text)
{
    const char *at = strstr(expr, op);
    if (!at)
        return none;
    at += strlen(op);
    return text ? (int64_t)strtoull(at + 1, NULL, 16) : strtoll(at, NULL, 10);
}

static void put(struct buf *answer, const ProtobufCMessage *r)
{
    size_t n = protobuf_c_message_get_packed_size(r);
    assert_int_equal(buf_reserve(answer, n, NULL), 0);
    protobuf_c_message_pack(r, (uint8_t *)answer->data + answer->len);
    answer->len += n;
}

static void answer_query(void *ctx, const uint8_t *request, size_t len, struct buf *answer)
{
    struct table *t = ctx;
    Mv__QueryRequest *q = mv__query_request__unpack(NULL, len, request);
    Mv__QueryResults r = MV__QUERY_RESULTS__INIT;
    Mv__FieldData f = MV__FIELD_DATA__INIT, *list[] = {&f};
    Mv__ScalarField s = MV__SCALAR_FIELD__INIT;
    Mv__LongArray longs = MV__LONG_ARRAY__INIT;
    Mv__StringArray strings = MV__STRING_ARRAY__INIT;
    static int64_t keys[MAX_KEYS];
    static char text[MAX_KEYS][20], *texts[MAX_KEYS];
    bool count = strcmp(q->output_fields[0], "count(*)") == 0;
    size_t limit = count ? MAX_KEYS : strtoull(q->query_params[0]->value, NULL, 10), n = 0;
    int64_t low = bound(q->expr, ">= ", INT64_MIN, t->text),
            high = bound(q->expr, "< ", INT64_MAX, t->text);
    for (size_t i = t->n; i-- > 0 && n < limit;) /* the largest first */
        if (t->keys[i] >= low && (t->keys[i] < high || high == INT64_MAX))
            keys[n++] = t->keys[i];
    int64_t total = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        snprintf(text[i], sizeof(text[i]), "%013" PRIx64 "ff", keys[i]);
        texts[i] = text[i];
    }
    longs.data = count ? &total : keys;
    longs.n_data = count ? 1 : n;
    strings.data = texts;
    strings.n_data = n;
    bool is_text = t->text && !count;
    f.field_name = q->output_fields[0];
    f.type = is_text ? MILVUS_TEXT : MILVUS_INT;
    f.scalars = &s;
    if (is_text)
        s.string_data = &strings;
    else
        s.long_data = &longs;
    r.fields_data = list;
    r.n_fields_data = 1;
    *(count ? &t->counts : &t->queries) += 1;
    if (!count && n > t->largest)
        t->largest = n;
    put(answer, &r.base);
    mv__query_request__free_unpacked(q, NULL);
}

static void begin(void)
{
    char url[100];
    fake_start(&server, 0, NULL, 0);
    server.answer = answer_query;
    server.ctx = &table;
    snprintf(url, sizeof(url), "milvus://127.0.0.1:%u/demo", server.port);
    m = milvus_open(url, NULL, &err);
    assert_non_null(m);
    memset(&table, 0, sizeof(table));
}

static void end(void)
{
    milvus_close(m);
    fake_stop(&server);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct seen {
    size_t n;
    bool text;
};

static int in_order(void *ctx, const struct milvus_rows *rows)
{
    struct seen *s = ctx;
    for (size_t i = 0; i < milvus_rows_n(rows); i++, s->n++) {
        char text[20];
        snprintf(text, sizeof(text), "%013" PRIx64 "ff", table.keys[s->n]);
        if (s->text)
            assert_string_equal(milvus_rows_text(rows, 0, i), text);
        else
            assert_int_equal(milvus_rows_int(rows, 0, i), table.keys[s->n]);
    }
    return 0;
}

static void walk(bool text, size_t limit, int64_t from)
{
    static const struct milvus_field key = {"id", MILVUS_INT, 0}, name = {"id", MILVUS_TEXT, 0};
    struct milvus_query q = {
        text ? MILVUS_FILES : MILVUS_PICTURES, "", text ? &name : &key, 1, limit, false};
    struct seen s = {.text = text};
    table.text = text;
    table.queries = table.counts = table.largest = 0;
    qsort(table.keys, table.n, sizeof(table.keys[0]), by_value);
    while (s.n < table.n && table.keys[s.n] < from)
        s.n++;
    int rc = milvus_walk(m, &q, from, in_order, &s, &err);
    if (rc)
        print_error("%s\n", err.msg);
    assert_int_equal(rc, 0);
    assert_int_equal(s.n, table.n);
    assert_int_equal(table.counts, 1);
    print_message("%zu keys, at most %zu a slice: %zu queries\n", table.n, limit, table.queries);
}

static void walks_hashes(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 4000; i++)
        table.keys[i] = (int64_t)(((uint64_t)(i + 1) * 0x9e3779b97f4a7c15u) >> 12);
    table.n = 4000;
    walk(false, 500, INT64_MIN);
    assert_true(table.queries < 4 * 4000 / 500);
    walk(false, 16384, INT64_MIN);
    assert_int_equal(table.queries, 1);
    walk(false, 500, table.keys[1234]);
    walk(false, 500, table.keys[3999] + 1);
    walk(true, 500, INT64_MIN);
    assert_true(table.queries < 4 * 4000 / 500);
    table.n = 0;
    walk(false, 500, INT64_MIN);
    walk(true, 500, INT64_MIN);
    end();
}

static void walks_other_keys(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 3000; i++)
        table.keys[i] = (int64_t)i + 1; /* one after the other */
    table.n = 3000;
    walk(false, 300, INT64_MIN);
    assert_true(table.queries < 120);
    walk(false, 300, 77);
    for (size_t i = 0; i < 100; i++) /* far out, on both sides */
        table.keys[3000 + i] = (i % 2 ? INT64_MAX - 1 : -5) - (int64_t)i;
    table.n = 3100;
    walk(false, 300, INT64_MIN);
    walk(false, 64, INT64_C(1) << 60);
    end();
}

/* More rows with one key than a slice may have: an error, not a loop. */
static void does_not_walk_for_ever(void **state)
{
    static const struct milvus_field name = {"id", MILVUS_TEXT, 0};
    struct milvus_query q = {MILVUS_FILES, "", &name, 1, 20, false};
    struct seen s = {.text = true};
    (void)state;
    begin();
    for (size_t i = 0; i < 100; i++)
        table.keys[i] = 42;
    table.n = 100;
    table.text = true;
    assert_int_equal(milvus_walk(m, &q, INT64_MIN, in_order, &s, &err), EYE_ELIMIT);
    assert_true(table.queries < 200);
    end();
}

static void counts(void **state)
{
    uint64_t n = 0;
    (void)state;
    begin();
    table.n = 7;
    assert_int_equal(milvus_count(m, MILVUS_PICTURES, "", false, &n, &err), 0);
    assert_int_equal(n, 7);
    end();
}

/* ---- batches ---- */

static void answer_upsert(void *ctx, const uint8_t *request, size_t len, struct buf *answer)
{
    size_t *rows = ctx;
    Mv__InsertRequest *q = mv__insert_request__unpack(NULL, len, request);
    Mv__MutationResult r = MV__MUTATION_RESULT__INIT;
    assert_non_null(q);
    assert_int_equal(q->n_fields_data, 3);
    assert_int_equal(q->fields_data[0]->scalars->long_data->n_data, q->num_rows);
    assert_int_equal(q->fields_data[1]->scalars->string_data->n_data, q->num_rows);
    assert_int_equal(q->fields_data[2]->vectors->float_vector->n_data, 2 * q->num_rows);
    for (size_t i = 0; i < q->num_rows; i++) {
        int64_t k = q->fields_data[0]->scalars->long_data->data[i];
        assert_int_equal(k, *rows + i); /* each once, in order */
        assert_int_equal(strlen(q->fields_data[1]->scalars->string_data->data[i]),
                         k % 3 ? 0 : 20000);
        assert_true(q->fields_data[2]->vectors->float_vector->data[2 * i + 1] == (float)k);
    }
    assert_true(q->num_rows <= 1000 && len < 9 << 20);
    *rows += q->num_rows;
    r.upsert_cnt = q->num_rows;
    r.timestamp = *rows;
    put(answer, &r.base);
    mv__insert_request__free_unpacked(q, NULL);
}

static void writes_in_batches(void **state)
{
    static const struct milvus_field fields[] = {
        {"id", MILVUS_INT, 0}, {"text", MILVUS_TEXT, 0}, {"v", MILVUS_VECTOR, 2}};
    static char text[20001];
    size_t rows = 0;
    (void)state;
    memset(text, 't', 20000);
    begin();
    server.answer = answer_upsert;
    server.ctx = &rows;
    struct milvus_columns *c = milvus_columns_new(fields, 3, &err);
    for (int i = 0; i < 3500; i++) {
        float v[2] = {0, (float)i};
        assert_int_equal(milvus_columns_add(c, &err), 0);
        milvus_columns_int(c, 0, i);
        assert_int_equal(milvus_columns_text(c, 1, i % 3 ? "" : text, &err), 0);
        milvus_columns_vector(c, 2, v);
    }
    assert_int_equal(milvus_upsert(m, MILVUS_PICTURES, c, &err), 0);
    assert_int_equal(rows, 3500);
    assert_int_equal(fake_requests(&server), 4);
    assert_int_equal(milvus_seen(m), 3500);
    milvus_columns_free(c);
    end();
}

/* What was written is asked for: with its time, or strongly when none was told. */
static void remembers_what_it_wrote(void **state)
{
    uint64_t n = 0;
    Mv__QueryRequest *q[4];
    struct milvus_options eventually = {.consistency = MILVUS_EVENTUALLY};
    (void)state;
    begin();
    milvus_count(m, MILVUS_PICTURES, "", false, &n, &err);
    milvus_wrote(m, 0, milvus_now_ms());
    milvus_count(m, MILVUS_PICTURES, "", false, &n, &err);
    struct milvus *other = milvus_with(m, &eventually, &err);
    milvus_count(other, MILVUS_PICTURES, "", false, &n, &err);
    milvus_close(other);
    static const int levels[] = {2, 0, 3}; /* bounded, strong, eventually */
    for (size_t i = 0; i < 3; i++) {
        q[i] = mv__query_request__unpack(NULL, server.kept[i].len, (uint8_t *)server.kept[i].data);
        assert_int_equal(q[i]->consistency_level, levels[i]);
        assert_int_equal(q[i]->guarantee_timestamp, 0);
        mv__query_request__free_unpacked(q[i], NULL);
    }
    end();
    begin();
    milvus_wrote(m, UINT64_C(1000) << 18, milvus_now_ms() - 50);
    milvus_wrote(m, 0, milvus_now_ms()); /* a clock is known: at least 50 ms later */
    assert_true(milvus_must_be_strong(m));
    fake_pause(1100);
    assert_false(milvus_must_be_strong(m));
    milvus_count(m, MILVUS_PICTURES, "", false, &n, &err);
    q[3] = mv__query_request__unpack(NULL, server.kept[0].len, (uint8_t *)server.kept[0].data);
    assert_int_equal(q[3]->consistency_level, 4);
    assert_in_range(q[3]->guarantee_timestamp >> 18, 2050, 4000);
    mv__query_request__free_unpacked(q[3], NULL);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_hashes),           cmocka_unit_test(walks_other_keys),
        cmocka_unit_test(does_not_walk_for_ever), cmocka_unit_test(counts),
        cmocka_unit_test(writes_in_batches),      cmocka_unit_test(remembers_what_it_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
