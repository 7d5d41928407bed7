/* Filters asked of one picture, condition by condition at its edges; parts and words of texts. */
#include "fixture.h"

#include "store/match.h"

static void parts_of_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        bool in;
    } cases[] = {{"", "", true},
                 {"abc", "", true},
                 {"", "a", false},
                 {"Canon EOS", "eos", true},
                 {"Canon EOS", "n e", true},
                 {"Canon EOS", "eosx", false},
                 {"aaab", "aab", true},
                 {"AAAB", "aab", true},
                 {"\xc3\x84", "\xc3\xa4", false},
                 {"x\xff", "\xff", true},
                 {"[@`{", "`", true},
                 {"@", "`", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            match_part(cases[i].text, strlen(cases[i].text), cases[i].part, strlen(cases[i].part)),
            cases[i].in);
}

static void words_of_texts(void **state)
{
    (void)state;
    const char *rest = "  soon\tComing\r\n x ", *w;
    static const char *const expected[] = {"soon", "Coming", "x"};
    size_t n, i = 0;
    while ((w = match_word(&rest, &n)) != NULL) {
        assert_true(i < 3);
        assert_int_equal(n, strlen(expected[i]));
        assert_memory_equal(w, expected[i++], n);
    }
    assert_int_equal(i, 3);
    rest = " \t";
    assert_null(match_word(&rest, &n));
}

static struct store_picture picture(void)
{
    return (struct store_picture){.width = 4000,
                                  .height = 3000,
                                  .format = "jpeg",
                                  .taken_at = 100,
                                  .camera = "Canon EOS",
                                  .has_gps = true,
                                  .lat = 10,
                                  .lon = 170,
                                  .added_at = 200};
}

static void each_condition_at_its_edge(void **state)
{
    (void)state;
    const struct store_picture p = picture();
    const struct {
        struct store_filter f;
        bool passes;
    } cases[] = {
#define F(...)                                                                                     \
    {.taken_from = INT64_MIN,                                                                      \
     .taken_to = INT64_MIN,                                                                        \
     .added_from = INT64_MIN,                                                                      \
     .added_to = INT64_MIN,                                                                        \
     .modified_from = INT64_MIN,                                                                   \
     .modified_to = INT64_MIN,                                                                     \
     __VA_ARGS__}
        {F(.format = "jpeg"), true},
        {F(.format = "jpe"), false},
        {F(.camera = "CANON e"), true},
        {F(.camera = "canons"), false},
        {F(.min_width = 4000, .max_width = 4000), true},
        {F(.min_width = 4001), false},
        {F(.max_width = 3999), false},
        {F(.min_height = 3000, .max_height = 3000), true},
        {F(.min_height = 3001), false},
        {F(.max_height = 2999), false},
        {F(.min_megapixels = 12, .max_megapixels = 12), true},
        {F(.min_megapixels = 12.000001), false},
        {F(.max_megapixels = 11.999999), false},
        {F(.orientation = 'l'), true},
        {F(.orientation = 'p'), false},
        {F(.orientation = 's'), false},
        {F(.gps = 'y'), true},
        {F(.gps = 'n'), false},
        {F(.boxed = true, .south = 10, .north = 10, .west = 170, .east = 170), true},
        {F(.boxed = true, .south = 10.1, .north = 11, .west = 170, .east = 170), false},
        {F(.boxed = true, .south = 9, .north = 9.9, .west = 170, .east = 170), false},
        {F(.boxed = true, .south = 0, .north = 20, .west = 160, .east = -160), true},
        {F(.boxed = true, .south = 0, .north = 20, .west = 171, .east = -160), false},
        {F(.boxed = true, .south = 0, .north = 20, .west = 171, .east = 172), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(match_picture(&cases[i].f, &p), cases[i].passes);
        assert_true(match_facets(&cases[i].f) != 0);
        assert_false(match_asks_files(&cases[i].f));
    }
    struct store_filter f = STORE_FILTER_INIT;
    assert_int_equal(match_facets(&f), 0);
    assert_true(match_picture(&f, &p));
    f.taken_from = 100;
    f.taken_to = 101;
    f.added_from = 200;
    f.added_to = 201;
    assert_true(match_picture(&f, &p));
    f.taken_to = 100;
    assert_false(match_picture(&f, &p));
    f.taken_to = INT64_MIN;
    f.added_from = 201;
    assert_false(match_picture(&f, &p));
}

static void what_is_unknown_passes_nothing(void **state)
{
    (void)state;
    struct store_picture p = picture();
    p.taken_at = INT64_MIN;
    p.camera[0] = '\0';
    p.has_gps = false;
    struct store_filter f = STORE_FILTER_INIT;
    f.taken_to = INT64_MAX;
    assert_false(match_picture(&f, &p));
    f.taken_to = INT64_MIN;
    f.taken_from = INT64_MIN + 1;
    assert_false(match_picture(&f, &p));
    f = (struct store_filter)STORE_FILTER_INIT;
    f.camera = "";
    assert_false(match_picture(&f, &p));
    f.camera = NULL;
    f.boxed = true;
    f.south = f.west = -180;
    f.north = f.east = 180;
    assert_false(match_picture(&f, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_texts),
        cmocka_unit_test(words_of_texts),
        cmocka_unit_test(each_condition_at_its_edge),
        cmocka_unit_test(what_is_unknown_passes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
