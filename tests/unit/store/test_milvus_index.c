/* Which index for how many rows, what settings may say, and what a search asks of each. */
#include "fixture.h"

#include "store/milvus_index.h"

static struct milvus_index chosen(uint64_t rows, bool rabitq)
{
    struct milvus_index ix;
    struct eye_err err;
    assert_int_equal(milvus_index_choose("auto", NULL, "", rows, rabitq, &ix, &err), 0);
    return ix;
}

static void by_size(void **state)
{
    (void)state;
    assert_string_equal(chosen(0, false).type, "FLAT");
    assert_string_equal(chosen(99999, true).type, "FLAT");
    assert_string_equal(chosen(100000, true).type, "HNSW");
    assert_string_equal(chosen(100000, true).params, "{\"M\":16,\"efConstruction\":200}");
    assert_string_equal(chosen(19999999, true).type, "HNSW");
    assert_string_equal(chosen(20000000, true).type, "IVF_RABITQ");
    assert_string_equal(chosen(20000000, false).type, "DISKANN");
    assert_string_equal(chosen(20000000, true).params,
                        "{\"nlist\":17888,\"refine\":true,\"refine_type\":\"SQ8\"}");
}

static void settings(void **state)
{
    (void)state;
    struct milvus_index ix;
    struct eye_err err;
    assert_int_equal(milvus_index_choose("ivf_sq8", "", NULL, 10000, false, &ix, &err), 0);
    assert_string_equal(ix.type, "IVF_SQ8");
    assert_string_equal(ix.params, "{\"nlist\":400}");
    assert_string_equal(ix.search, "{}");
    assert_int_equal(milvus_index_choose("HNSW", "{\"M\": 32}", "{\"ef\":7}", 10, false, &ix, &err),
                     0);
    assert_string_equal(ix.params, "{\"M\": 32}");
    assert_int_equal(milvus_index_choose("SOME_NEW_ONE", "{\"x\":1}", "", 10, false, &ix, &err), 0);
    assert_string_equal(ix.type, "SOME_NEW_ONE");
    static const char *const bad[] = {"FLAT\"", "a b", "{}", "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                      "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(milvus_index_choose(bad[i], "", "", 10, false, &ix, &err), EYE_EINVAL);
        assert_non_null(strstr(err.msg, "milvus_index"));
    }
    assert_int_equal(milvus_index_choose("HNSW", "[16]", "", 10, false, &ix, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "milvus_index_params"));
    assert_int_equal(milvus_index_choose("HNSW", "", "ef=7", 10, false, &ix, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "milvus_search_params"));
}

static void search_is(const char *type, const char *params, const char *search, size_t topk,
                      enum milvus_effort effort, const char *expected)
{
    struct milvus_index ix = {.type = ""};
    struct eye_err err;
    struct buf out;
    snprintf(ix.type, sizeof ix.type, "%s", type);
    snprintf(ix.params, sizeof ix.params, "%s", params);
    snprintf(ix.search, sizeof ix.search, "%s", search);
    buf_init(&out, 4096);
    assert_int_equal(milvus_index_search(&ix, topk, effort, &out, &err), 0);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void searches(void **state)
{
    (void)state;
    search_is("FLAT", "{}", "{}", 50, MILVUS_PLAIN, "{}");
    search_is("", "{}", "{}", 50, MILVUS_THOROUGH, "{}");
    search_is("HNSW", "{}", "{}", 10, MILVUS_PLAIN, "{\"ef\":400}");
    search_is("HNSW", "{}", "{}", 10, MILVUS_FILTERED, "{\"ef\":800}");
    search_is("HNSW", "{}", "{}", 500, MILVUS_PLAIN, "{\"ef\":1000}");
    search_is("HNSW", "{}", "{}", 16384, MILVUS_PLAIN, "{\"ef\":32768}");
    search_is("HNSW", "{}", "{}", 16384, MILVUS_THOROUGH, "{\"ef\":32768}");
    search_is("HNSW", "{}", "{}", 10, MILVUS_THOROUGH, "{\"ef\":1024}");
    search_is("HNSW", "{}", "{\"ef\":64}", 10, MILVUS_PLAIN, "{\"ef\":64}");
    search_is("HNSW", "{}", "{\"ef\":64}", 100, MILVUS_PLAIN, "{\"ef\":100}");
    search_is("HNSW", "{}", "{\"ef\":64}", 10, MILVUS_THOROUGH, "{\"ef\":1024}");
    search_is("HNSW_SQ", "{}", "{\"refine_k\":1.5}", 10, MILVUS_PLAIN,
              "{\"refine_k\":1.5,\"ef\":10}");
    search_is("IVF_SQ8", "{\"nlist\":1024}", "{}", 10, MILVUS_PLAIN, "{\"nprobe\":128}");
    search_is("IVF_SQ8", "{\"nlist\":1024}", "{}", 10, MILVUS_THOROUGH, "{\"nprobe\":1024}");
    search_is("IVF_FLAT", "{\"nlist\":\"8\"}", "{}", 10, MILVUS_PLAIN, "{\"nprobe\":8}");
    search_is("IVF_FLAT", "{\"nlist\":8}", "{}", 10, MILVUS_PLAIN, "{\"nprobe\":8}");
    search_is("IVF_SQ8", "{\"nlist\":1024}", "{\"nprobe\":7}", 10, MILVUS_PLAIN, "{\"nprobe\":7}");
    search_is("DISKANN", "{}", "{}", 300, MILVUS_PLAIN, "{\"search_list\":600}");
}

static void is_it_the_one(void **state)
{
    (void)state;
    struct milvus_index flat = {"FLAT", "{}", "{}"}, hnsw = chosen(200000, false), other = hnsw;
    assert_true(milvus_index_differs(&flat, &hnsw, true, 200000));
    assert_false(milvus_index_differs(&hnsw, &hnsw, true, 200000));
    assert_false(milvus_index_differs(&hnsw, &flat, true, 60000)); /* it may grow again */
    assert_true(milvus_index_differs(&hnsw, &flat, true, 40000));
    assert_true(milvus_index_differs(&hnsw, &flat, false, 60000)); /* it was said so */
    snprintf(other.params, sizeof other.params, "{\"M\":\"16\",\"efConstruction\":\"200\"}");
    assert_false(milvus_index_differs(&other, &hnsw, false, 200000)); /* as a server tells it */
    snprintf(other.params, sizeof other.params, "{\"M\":\"32\"}");
    assert_true(milvus_index_differs(&other, &hnsw, false, 200000));
    assert_false(milvus_index_differs(&other, &hnsw, true, 200000));
    struct milvus_index none = {"", "{}", "{}"};
    assert_true(milvus_index_differs(&none, &flat, true, 1));
}

static void what_scores_are_worth(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool exact, all;
    } cases[] = {{"FLAT", true, true},        {"", true, true},
                 {"HNSW", true, false},       {"IVF_SQ8", false, false},
                 {"DISKANN", true, false},    {"IVF_RABITQ", false, false},
                 {"AUTOINDEX", false, false}, {"UNHEARD_OF", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct milvus_index ix = {.type = ""};
        snprintf(ix.type, sizeof ix.type, "%s", cases[i].type);
        assert_int_equal(milvus_index_exact_scores(&ix), cases[i].exact);
        assert_int_equal(milvus_index_exhaustive(&ix), cases[i].all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_size),
        cmocka_unit_test(settings),
        cmocka_unit_test(searches),
        cmocka_unit_test(is_it_the_one),
        cmocka_unit_test(what_scores_are_worth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
