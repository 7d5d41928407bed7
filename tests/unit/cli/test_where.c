/* test_where.c - where the library lies: what --store means, and that its password is shown to nobody. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cli/cli.h"

static void what_is_a_server(void **state)
{
    (void)state;
    assert_true(cli_is_server("milvus://h/x"));
    assert_true(cli_is_server("milvus+tls://u:p@h:1/db/x"));
    assert_false(cli_is_server("/folder"));
    assert_false(cli_is_server("library:/folder"));
    assert_false(cli_is_server("milvus:/x"));
}

static void secrets_are_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *store, *shown;
    } cases[] = {
        {"milvus://h:19530/demo", "milvus://h:19530/demo"},
        {"milvus://root:Milvus@h:19530/demo", "milvus://root:***@h:19530/demo"},
        {"milvus+tls://u:p@h/db/x", "milvus+tls://u:***@h/db/x"},
        {"milvus://u:p:q@@h/x",
         "milvus://u:***@h/x"}, /* a password may hold anything but a slash */
        {"milvus://u:@h/x", "milvus://u:***@h/x"},
        {"milvus://user@h/x", "milvus://user@h/x"},
        {"milvus://h/a:b@c", "milvus://h/a:b@c"}, /* no login */
        {"/home/me:you@x", "/home/me:you@x"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *shown = cli_store_shown(cases[i].store);
        assert_string_equal(shown, cases[i].shown);
        free(shown);
    }
}

static void arguments_are_overwritten(void **state)
{
    (void)state;
    char one[] = "milvus://root:Milvus@h/x", two[] = "milvus://h/x", three[] = "/a:b@c";
    cli_store_hide(one);
    cli_store_hide(two);
    cli_store_hide(three);
    assert_string_equal(one, "milvus://root:******@h/x");
    assert_string_equal(two, "milvus://h/x");
    assert_string_equal(three, "/a:b@c");
}

static void the_flag_hides_its_own(void **state)
{
    (void)state;
    static const struct cli_command fake = {.name = "fake", .args = "", .summary = "A fake"};
    char name[] = "fake", flag[] = "--store=milvus://root:Milvus@h/x";
    char *argv[] = {name, flag, NULL};
    struct cli_ctx ctx = {0};
    struct cli_list args = {0};
    assert_int_equal(cli_parse(&ctx, &fake, 2, argv, NULL, 0, &args), 0);
    assert_string_equal(ctx.settings.all[SET_STORE].value, "milvus://root:Milvus@h/x");
    assert_string_equal(flag, "--store=milvus://root:******@h/x");
    cli_list_free(&args);
    cli_settings_free(&ctx.settings);
}

/* store and library as set, and what comes of them. */
static void check(const char *store, const char *library, bool named, const char *want_store,
                  const char *want_library)
{
    struct cli_settings s = {0};
    eye_options o = {.library = library};
    s.all[SET_STORE].value = (char *)(uintptr_t)store;
    s.all[SET_LIBRARY].value = (char *)(uintptr_t)library;
    s.all[SET_LIBRARY].origin = named ? CLI_FROM_FLAG : CLI_FROM_DEFAULT;
    assert_int_equal(cli_store_options(&s, &o), 0);
    assert_true(want_store ? o.store && !strcmp(o.store, want_store) : !o.store);
    assert_true(want_library ? o.library && !strcmp(o.library, want_library) : !o.library);
}

static void options_of_a_store(void **state)
{
    (void)state;
    check(NULL, "/lib", false, NULL, "/lib");
    check("milvus://h/x", "/lib", false, "milvus://h/x", NULL); /* a folder for this server */
    check("milvus://h/x", "/node", true, "milvus://h/x", "/node");
    check("/other", "/lib", false, NULL, "/other");
    check("library:/other", "/lib", true, NULL, "/other");
    check("library:", "/lib", false, NULL, "/lib");
    struct cli_settings s = {0};
    eye_options o = {0};
    char odd[] = "redis://h/x", url[] = "milvus://h/x", many[] = "many", ten[] = "10";
    s.all[SET_STORE].value = odd;
    assert_int_equal(cli_store_options(&s, &o), CLI_USAGE);
    s.all[SET_STORE].value = url;
    s.all[SET_MILVUS_TIMEOUT].value = many;
    assert_int_equal(cli_store_options(&s, &o), CLI_USAGE);
    s.all[SET_MILVUS_TIMEOUT].value = ten;
    s.all[SET_MILVUS_INDEX].value = odd;
    assert_int_equal(cli_store_options(&s, &o), 0);
    assert_int_equal(o.milvus.timeout, 10);
    assert_string_equal(o.milvus.index, odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_server),          cmocka_unit_test(secrets_are_hidden),
        cmocka_unit_test(arguments_are_overwritten), cmocka_unit_test(the_flag_hides_its_own),
        cmocka_unit_test(options_of_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
