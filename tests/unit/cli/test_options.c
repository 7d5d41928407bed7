/* test_options.c - the option parser: kinds, ranges, order, global options, errors. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cli/cli.h"

static const struct cli_command fake = {.name = "fake", .args = "", .summary = "A fake"};

struct parsed {
    struct cli_ctx ctx;
    bool flag;
    const char *text;
    int64_t whole;
    double number;
    struct cli_list list, args;
};

static int parse(struct parsed *p, int argc, const char *const *argv)
{
    char *copy[16];
    struct cli_opt opts[] = {
        {.name = "flag", .letter = 'f', .kind = CLI_FLAG, .help = "x", .value = &p->flag},
        {.name = "text",
         .letter = 't',
         .kind = CLI_TEXT,
         .arg = "T",
         .help = "x",
         .value = &p->text},
        {.name = "whole",
         .letter = 'n',
         .kind = CLI_INT,
         .arg = "N",
         .help = "x",
         .value = &p->whole,
         .min = 1,
         .max = 10},
        {.name = "number", .kind = CLI_NUM, .arg = "N", .help = "x", .value = &p->number},
        {.name = "list", .kind = CLI_LIST, .arg = "L", .help = "x", .value = &p->list},
    };
    assert_true(argc < 16);
    for (int i = 0; i < argc; i++)
        copy[i] = (char *)(uintptr_t)argv[i];
    copy[argc] = NULL;
    return cli_parse(&p->ctx, &fake, argc, copy, opts, sizeof opts / sizeof *opts, &p->args);
}

static void release(struct parsed *p)
{
    cli_list_free(&p->list);
    cli_list_free(&p->args);
    cli_settings_free(&p->ctx.settings);
}

static void all_kinds_in_any_order(void **state)
{
    (void)state;
    struct parsed p = {0};
    const char *argv[] = {"fake", "one",    "-f", "-n7",    "two", "--text=hello", "--number",
                          "-0.5", "--list", "a",  "--list", "b",   "--",           "-x"};
    assert_int_equal(parse(&p, 14, argv), 0);
    assert_true(p.flag);
    assert_string_equal(p.text, "hello");
    assert_int_equal(p.whole, 7);
    assert_true(p.number < -0.49 && p.number > -0.51);
    assert_int_equal(p.list.n, 2);
    assert_string_equal(p.list.items[1], "b");
    assert_int_equal(p.args.n, 3);
    assert_string_equal(p.args.items[0], "one");
    assert_string_equal(p.args.items[1], "two");
    assert_string_equal(p.args.items[2], "-x");
    release(&p);
}

static void global_options_reach_the_settings(void **state)
{
    (void)state;
    struct parsed p = {0};
    const char *argv[] = {"fake", "--library", "/a/b", "-v"};
    assert_int_equal(parse(&p, 4, argv), 0);
    assert_string_equal(p.ctx.settings.all[SET_LIBRARY].value, "/a/b");
    assert_int_equal(p.ctx.settings.all[SET_LIBRARY].origin, CLI_FROM_FLAG);
    assert_true(p.ctx.verbose);
    assert_false(p.ctx.quiet);
    release(&p);
}

static void what_is_wrong_is_a_usage_error(void **state)
{
    (void)state;
    const char *bad[][3] = {
        {"fake", "--nothing", NULL}, {"fake", "-Q", NULL},
        {"fake", "-n", NULL},        {"fake", "-n", "0"},
        {"fake", "-n", "11"},        {"fake", "-n", "1x"},
        {"fake", "-n", ""},          {"fake", "-n", "99999999999999999999"},
        {"fake", "--number", "nan"}, {"fake", "--number", "1e999"},
        {"fake", "--flag=1", NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct parsed p = {0};
        assert_int_equal(parse(&p, bad[i][2] ? 3 : 2, bad[i]), CLI_USAGE);
        release(&p);
    }
}

static void every_command_describes_itself(void **state)
{
    (void)state;
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        assert_ptr_equal(cli_command_find(c->name), c);
        assert_true(strlen(c->summary) > 10);
        for (size_t o = 0; o < c->nopts; o++) {
            assert_non_null(c->opts[o].name);
            assert_non_null(c->opts[o].help);
            assert_true((c->opts[o].kind == CLI_FLAG) == (c->opts[o].arg == NULL));
        }
    }
    assert_null(cli_command_find("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_in_any_order),
        cmocka_unit_test(global_options_reach_the_settings),
        cmocka_unit_test(what_is_wrong_is_a_usage_error),
        cmocka_unit_test(every_command_describes_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
