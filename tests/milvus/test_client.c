/* The client against a real server: life of a collection, rows in and out, search, what errors look like. */
#include "live.h"

#include <math.h>

enum { DIM = 32, ROWS = 3000 };

static struct milvus *db;
static struct eye_err err;

#define OK(call) assert_int_equal_msg((call), #call)
static void assert_int_equal_msg(int rc, const char *what)
{
    if (rc != 0)
        print_error("%s: %d %s\n", what, rc, err.msg);
    assert_int_equal(rc, 0);
}

/* ---- a schema: pictures (int key) and files (text key) ---- */

static const struct milvus_field picture_fields[] = {{"id", MILVUS_INT, 0},
                                                     {"vector", MILVUS_VECTOR, DIM},
                                                     {"size", MILVUS_INT, 0},
                                                     {"lat", MILVUS_REAL, 0},
                                                     {"camera", MILVUS_TEXT, 0}};
static const struct milvus_field file_fields[] = {
    {"id", MILVUS_TEXT, 0}, {"rel", MILVUS_TEXT, 0}, {"stub", MILVUS_VECTOR, 2}};

static void create(enum milvus_which which, const struct milvus_field *fields, size_t n)
{
    Mv__FieldSchema f[8], *list[8];
    Mv__KeyValuePair pair[8], *pairs[8];
    char value[8][16];
    for (size_t i = 0; i < n; i++) {
        mv__field_schema__init(&f[i]);
        mv__key_value_pair__init(&pair[i]);
        f[i].name = (char *)(uintptr_t)fields[i].name;
        f[i].data_type = (int32_t)fields[i].type;
        f[i].is_primary_key = i == 0;
        snprintf(value[i], sizeof(value[i]), "%d", fields[i].dim ? fields[i].dim : 4096);
        pair[i].key = (char *)(uintptr_t)(fields[i].dim ? "dim" : "max_length");
        pair[i].value = value[i];
        pairs[i] = &pair[i];
        if (fields[i].dim || fields[i].type == MILVUS_TEXT) {
            f[i].type_params = &pairs[i];
            f[i].n_type_params = 1;
        }
        list[i] = &f[i];
    }
    Mv__CollectionSchema schema = MV__COLLECTION_SCHEMA__INIT;
    schema.name = (char *)(uintptr_t)milvus_collection(db, which);
    schema.description = (char *)(uintptr_t) "{\"eyeshine\":1}";
    schema.fields = list;
    schema.n_fields = n;
    Mv__CreateCollectionRequest r = MV__CREATE_COLLECTION_REQUEST__INIT;
    r.collection_name = schema.name;
    r.schema.len = mv__collection_schema__get_packed_size(&schema);
    r.schema.data = malloc(r.schema.len);
    mv__collection_schema__pack(&schema, r.schema.data);
    r.shards_num = 1;
    r.consistency_level = 2;
    OK(milvus_call(db, "CreateCollection", &r.base, &mv__status__descriptor, NULL, &err));
    free(r.schema.data);
}

static void make_index(enum milvus_which which, const char *field)
{
    Mv__KeyValuePair pair[3] = {MV__KEY_VALUE_PAIR__INIT, MV__KEY_VALUE_PAIR__INIT,
                                MV__KEY_VALUE_PAIR__INIT},
                     *pairs[3] = {&pair[0], &pair[1], &pair[2]};
    static const char *const texts[] = {"index_type", "FLAT", "metric_type", "IP", "params", "{}"};
    for (size_t i = 0; i < 3; i++) {
        pair[i].key = (char *)(uintptr_t)texts[2 * i];
        pair[i].value = (char *)(uintptr_t)texts[2 * i + 1];
    }
    Mv__CreateIndexRequest r = MV__CREATE_INDEX_REQUEST__INIT;
    r.collection_name = (char *)(uintptr_t)milvus_collection(db, which);
    r.field_name = (char *)(uintptr_t)field;
    r.index_name = r.field_name;
    r.extra_params = pairs;
    r.n_extra_params = 3;
    OK(milvus_call(db, "CreateIndex", &r.base, &mv__status__descriptor, NULL, &err));
    Mv__LoadCollectionRequest load = MV__LOAD_COLLECTION_REQUEST__INIT;
    load.collection_name = r.collection_name;
    load.replica_number = 1;
    OK(milvus_call(db, "LoadCollection", &load.base, &mv__status__descriptor, NULL, &err));
    for (int32_t state = 0, i = 0; state != 3; i++) {
        Mv__GetLoadStateRequest g = MV__GET_LOAD_STATE_REQUEST__INIT;
        ProtobufCMessage *reply = NULL;
        g.collection_name = r.collection_name;
        OK(milvus_call(db, "GetLoadState", &g.base, &mv__get_load_state_response__descriptor,
                       &reply, &err));
        state = ((Mv__GetLoadStateResponse *)reply)->state;
        protobuf_c_message_free_unpacked(reply, NULL);
        assert_true(i < 300);
        if (state != 3)
            OK(milvus_wait(db, milvus_now_ms(), 100, "loading", -1, &err));
    }
}

static void vector_of(int64_t i, float *v)
{
    double sum = 0;
    for (int d = 0; d < DIM; d++) {
        v[d] = (float)sin((double)(i + 1) * (d + 1) * 0.37 + d);
        sum += (double)v[d] * v[d];
    }
    for (int d = 0; d < DIM; d++)
        v[d] = (float)(v[d] / sqrt(sum));
}

/* Keys: some spread over 53 bits as hashes are, the rest small numbers one after the other. */
static int64_t key_of(int64_t i)
{
    return i % 3 == 0 ? i + 1 : (int64_t)(((uint64_t)i * 0x9e3779b97f4a7c15u) >> 11);
}

static void fill(void)
{
    struct milvus_columns *c = milvus_columns_new(picture_fields, 5, &err),
                          *f = milvus_columns_new(file_fields, 3, &err);
    for (int64_t i = 0; i < ROWS; i++) {
        float v[DIM];
        char text[64];
        vector_of(i, v);
        OK(milvus_columns_add(c, &err));
        milvus_columns_int(c, 0, key_of(i));
        milvus_columns_vector(c, 1, v);
        milvus_columns_int(c, 2, i);
        milvus_columns_real(c, 3, (double)i / 7);
        snprintf(text, sizeof(text), i % 10 ? "" : "camera \"%d\" \\ \xc3\xa9", (int)i);
        OK(milvus_columns_text(c, 4, text, &err));
        OK(milvus_columns_add(f, &err));
        snprintf(text, sizeof(text), "%032llx", (unsigned long long)i * 0x9e3779b97f4a7c15u);
        memmove(text, text + 16, 17); /* 16 digits, spread */
        OK(milvus_columns_text(f, 0, text, &err));
        snprintf(text, sizeof(text), "folder/%d", (int)i);
        OK(milvus_columns_text(f, 1, text, &err));
    }
    OK(milvus_upsert(db, MILVUS_PICTURES, c, &err));
    OK(milvus_upsert(db, MILVUS_FILES, f, &err));
    OK(milvus_upsert(db, MILVUS_FILES, f, &err)); /* twice is once */
    milvus_columns_free(c);
    milvus_columns_free(f);
}

static int set_up(void **state)
{
    char url[256];
    (void)state;
    db = milvus_open(live_url("client", url), NULL, &err);
    assert_non_null(db);
    create(MILVUS_PICTURES, picture_fields, 5);
    create(MILVUS_FILES, file_fields, 3);
    make_index(MILVUS_PICTURES, "vector");
    make_index(MILVUS_FILES, "stub");
    fill();
    return 0;
}

static void drop(enum milvus_which which)
{
    Mv__CollectionRequest r = MV__COLLECTION_REQUEST__INIT;
    r.collection_name = (char *)(uintptr_t)milvus_collection(db, which);
    OK(milvus_call(db, "ReleaseCollection", &r.base, &mv__status__descriptor, NULL, &err));
    OK(milvus_call(db, "DropCollection", &r.base, &mv__status__descriptor, NULL, &err));
}

static int tear_down(void **state)
{
    bool there = true;
    (void)state;
    drop(MILVUS_PICTURES);
    drop(MILVUS_FILES);
    OK(milvus_has(db, MILVUS_PICTURES, &there, &err));
    assert_false(there);
    milvus_close(db);
    return 0;
}

/* ---- tests ---- */

static void tells_its_version(void **state)
{
    int major = 0, minor = 0;
    bool lite = false, there = false;
    (void)state;
    OK(milvus_version(db, &major, &minor, &lite, &err));
    assert_int_equal(lite, live_is_lite());
    assert_int_equal(major, live_is_lite() ? 3 : 2);
    assert_int_equal(minor, live_is_lite() ? 2 : 3);
    OK(milvus_has(db, MILVUS_FILES, &there, &err));
    assert_true(there);
}

static void sees_what_it_wrote(void **state)
{
    uint64_t n = 0;
    (void)state;
    OK(milvus_count(db, MILVUS_PICTURES, "", false, &n, &err));
    assert_int_equal(n, ROWS);
    OK(milvus_count(db, MILVUS_FILES, NULL, true, &n, &err));
    assert_int_equal(n, ROWS);
    OK(milvus_count(db, MILVUS_PICTURES, "size < 100 and camera == \"\"", false, &n, &err));
    assert_int_equal(n, 90);
}

static void reads_every_type(void **state)
{
    struct milvus_query q = {MILVUS_PICTURES, "size in [10, 11]", picture_fields, 5, 0, false};
    struct milvus_rows *rows = NULL;
    float v[DIM];
    (void)state;
    OK(milvus_query(db, &q, &rows, &err));
    assert_int_equal(milvus_rows_n(rows), 2);
    for (size_t i = 0; i < 2; i++) {
        int64_t k = milvus_rows_int(rows, 2, i);
        assert_in_range(k, 10, 11);
        assert_int_equal(milvus_rows_int(rows, 0, i), key_of(k));
        vector_of(k, v);
        assert_memory_equal(milvus_rows_vector(rows, 1, i), v, sizeof(v));
        assert_true(milvus_rows_real(rows, 3, i) == (double)k / 7);
        assert_string_equal(milvus_rows_text(rows, 4, i),
                            k == 10 ? "camera \"10\" \\ \xc3\xa9" : "");
    }
    milvus_rows_free(rows);
    q.expr = "size == 123456";
    OK(milvus_query(db, &q, &rows, &err));
    assert_int_equal(milvus_rows_n(rows), 0);
    milvus_rows_free(rows);
}

struct seen {
    size_t n, slices, stop_after;
    int64_t last;
    char last_text[64];
    bool text, *met;
};

static int note(void *ctx, const struct milvus_rows *rows)
{
    struct seen *s = ctx;
    s->slices++;
    for (size_t i = 0; i < milvus_rows_n(rows); i++, s->n++) {
        if (s->text) {
            assert_true(strcmp(milvus_rows_text(rows, 0, i), s->last_text) > 0);
            snprintf(s->last_text, sizeof(s->last_text), "%s", milvus_rows_text(rows, 0, i));
        } else {
            assert_true(milvus_rows_int(rows, 0, i) > s->last);
            s->last = milvus_rows_int(rows, 0, i);
        }
    }
    return s->stop_after && s->slices >= s->stop_after ? 42 : 0;
}

static void walks_over_all(void **state)
{
    static const size_t limits[] = {0, 1000, 250};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct milvus_query q = {MILVUS_PICTURES, "", picture_fields, 3, limits[i], false};
        struct seen s = {.last = INT64_MIN};
        OK(milvus_walk(db, &q, INT64_MIN, note, &s, &err));
        assert_int_equal(s.n, ROWS);
        print_message("limit %zu: %zu slices of pictures\n", limits[i], s.slices);
        struct seen t = {.text = true};
        q = (struct milvus_query){MILVUS_FILES, NULL, file_fields, 2, limits[i], i == 0};
        OK(milvus_walk(db, &q, INT64_MIN, note, &t, &err));
        assert_int_equal(t.n, ROWS);
    }
}

static void walks_from_a_key(void **state)
{
    struct milvus_query q = {MILVUS_PICTURES, "size < 1500", picture_fields, 1, 200, false};
    struct seen s = {.last = INT64_MIN}, stopped = {.last = INT64_MIN, .stop_after = 2};
    size_t want = 0;
    int64_t from = 1000;
    (void)state;
    for (int64_t i = 0; i < 1500; i++)
        want += key_of(i) >= from;
    OK(milvus_walk(db, &q, from, note, &s, &err));
    assert_int_equal(s.n, want);
    assert_int_equal(milvus_walk(db, &q, INT64_MIN, note, &stopped, &err), 42);
    assert_int_equal(stopped.slices, 2);
}

static void finds_the_nearest(void **state)
{
    float v[2 * DIM];
    struct milvus_ask ask = {.queries = v, .nq = 2, .dim = DIM, .topk = 5};
    struct milvus_found found;
    (void)state;
    vector_of(77, v);
    vector_of(1234, v + DIM);
    ask.fields = picture_fields + 1;
    ask.nfields = 2;
    OK(milvus_search_call(db, &ask, &found, &err));
    assert_int_equal(found.counts[0], 5);
    assert_int_equal(found.ids[0], key_of(77));
    assert_int_equal(found.ids[5], key_of(1234));
    assert_true(fabsf(found.scores[0] - 1) < 1e-5f && found.scores[0] >= found.scores[1]);
    assert_int_equal(milvus_rows_int(found.rows, 1, 0), 77);
    assert_int_equal(milvus_rows_int(found.rows, 1, 5), 1234);
    assert_memory_equal(milvus_rows_vector(found.rows, 0, 5), v + DIM, DIM * sizeof(float));
    milvus_found_release(&found);
    ask = (struct milvus_ask){.queries = v, .nq = 1, .dim = DIM, .topk = 50, .expr = "size < 7"};
    OK(milvus_search_call(db, &ask, &found, &err));
    assert_int_equal(found.counts[0], 7);
    milvus_found_release(&found);
    ask.expr = "size < 0";
    OK(milvus_search_call(db, &ask, &found, &err));
    assert_int_equal(found.counts[0], 0);
    milvus_found_release(&found);
}

/* Also what a delete did is seen at once, though 2.3 tells no time of it. */
static void deletes(void **state)
{
    uint64_t n = 0;
    char expr[64];
    (void)state;
    for (int64_t i = 2000; i < 2010; i++) {
        snprintf(expr, sizeof(expr), "id in [%lld, 5]", (long long)key_of(i));
        OK(milvus_delete(db, MILVUS_PICTURES, expr, &err));
        snprintf(expr, sizeof(expr), "size == %lld", (long long)i);
        OK(milvus_count(db, MILVUS_PICTURES, expr, false, &n, &err));
        assert_int_equal(n, 0);
    }
    struct milvus *other = NULL; /* one that knows no clock of the server's */
    char url[256];
    other = milvus_open(live_url("client", url), NULL, &err);
    assert_non_null(other);
    for (int64_t i = 2010; i < 2015; i++) {
        snprintf(expr, sizeof(expr), "id in [%lld]", (long long)key_of(i));
        OK(milvus_delete(other, MILVUS_PICTURES, expr, &err));
        snprintf(expr, sizeof(expr), "size == %lld", (long long)i);
        OK(milvus_count(other, MILVUS_PICTURES, expr, false, &n, &err));
        assert_int_equal(n, 0);
    }
    milvus_close(other);
}

static void says_what_is_wrong(void **state)
{
    struct milvus *other = NULL;
    char url[256], longer[300];
    uint64_t n = 0;
    float v[DIM] = {1};
    struct milvus_ask ask = {.queries = v, .nq = 1, .dim = DIM, .topk = 5};
    struct milvus_found found;
    (void)state;
    snprintf(longer, sizeof(longer), "%s_none", live_url("client", url));
    other = milvus_open(longer, NULL, &err);
    assert_non_null(other);
    assert_int_equal(milvus_search_call(other, &ask, &found, &err), EYE_ENOTFOUND);
    print_message("%s\n", err.msg);
    assert_int_equal(milvus_count(other, MILVUS_FILES, "", false, &n, &err), EYE_ENOTFOUND);
    print_message("%s\n", err.msg);
    milvus_close(other);
    assert_int_not_equal(milvus_count(db, MILVUS_PICTURES, "size ===", false, &n, &err), 0);
    print_message("%d %s\n", err.code, err.msg);
    ask.expr = "nothing == 1";
    assert_int_not_equal(milvus_search_call(db, &ask, &found, &err), 0);
    print_message("%d %s\n", err.code, err.msg);
    ask = (struct milvus_ask){.queries = v, .nq = 1, .dim = DIM - 1, .topk = 5};
    assert_int_not_equal(milvus_search_call(db, &ask, &found, &err), 0);
    print_message("%d %s\n", err.code, err.msg);
    Mv__EmptyRequest nothing = MV__EMPTY_REQUEST__INIT;
    assert_int_equal(
        milvus_call(db, "NoSuchCall", &nothing.base, &mv__status__descriptor, NULL, &err),
        EYE_EREMOTE);
    print_message("%s\n", err.msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_its_version), cmocka_unit_test(sees_what_it_wrote),
        cmocka_unit_test(reads_every_type),  cmocka_unit_test(walks_over_all),
        cmocka_unit_test(walks_from_a_key),  cmocka_unit_test(finds_the_nearest),
        cmocka_unit_test(deletes),           cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
