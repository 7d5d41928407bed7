/* test_keys.c - the names of filters, and which names are taken for a slip of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ask/ask.h"

static void test_names(void **state)
{
    (void)state;
    for (int k = 0; k < ASK_NO_KEY; k++) {
        const char *name = ask_key_name((enum ask_key)k);
        assert_non_null(name);
        assert_int_equal(ask_key_of(name, strlen(name)), k);
        assert_int_equal(ask_key_of(name, strlen(name) - 1), ASK_NO_KEY);
    }
    assert_int_equal(ask_key_of("Format", 6), ASK_FORMAT);
    assert_int_equal(ask_key_of("folder", 6), ASK_ROOT);
    assert_int_equal(ask_key_of("", 0), ASK_NO_KEY);
}

static void test_near(void **state)
{
    (void)state;
    static const struct {
        const char *said, *meant;
    } slips[] = {{"fromat", "format"},    {"formats", "format"},
                 {"FORMT", "format"},     {"widht", "width"},
                 {"heigth", "height"},    {"cam\303\251ra", "camera"},
                 {"camra", "camera"},     {"orientaton", "orientation"},
                 {"paths", "path"},       {"nmae", "name"},
                 {"modifed", "modified"}, {"scroe", "score"},
                 {"date", "taken"},       {"since", "after"},
                 {"TYPE", "format"},      {"in", "box"},
                 {"tag", NULL},           {"album", NULL},
                 {"is", "orientation"}};
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        const char *meant = "?";
        if (!ask_key_near(slips[i].said, strlen(slips[i].said), &meant))
            fail_msg("%s is nothing", slips[i].said);
        assert_true(!meant == !slips[i].meant && (!meant || strcmp(meant, slips[i].meant) == 0));
    }
}

static void test_far(void **state)
{
    (void)state;
    static const char *const words[] = {"",
                                        "x",
                                        "http",
                                        "https",

                                        "re",
                                        "bob",
                                        "hat",
                                        "batman",
                                        "water",

                                        "pm",
                                        "std",
                                        "localhost",
                                        "note",
                                        "spiderman",
                                        "mailto",
                                        "a-very-long-name-of-a-key",
                                        "\xe4\xbd\x9c"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *meant = "?";
        if (ask_key_near(words[i], strlen(words[i]), &meant))
            fail_msg("%s: %s", words[i], meant);
        assert_null(meant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
