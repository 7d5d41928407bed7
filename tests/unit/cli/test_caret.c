/* test_caret.c - a line with the mark below the place that is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/queries.h"

static void shows(const char *line, size_t at, size_t len, const char *wanted)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    cli_put_caret(f, line, (eye_span){at, len});
    fclose(f);
    assert_string_equal(text, wanted);
    free(text);
}

static void marks_the_place(void **state)
{
    (void)state;
    shows("two dgos", 4, 4, "  two dgos\n      ^^^^\n");
    shows("a", 0, 1, "  a\n  ^\n");
    shows("a", 1, 0, "  a\n   ^\n"); /* behind the end */
    shows("", 0, 0, "  \n  ^\n");
}

static void counts_columns(void **state)
{
    (void)state;
    shows("\xe7\x8a\xac x", 4, 1, "  \xe7\x8a\xac x\n     ^\n"); /* two columns */
    shows("\xe7\x8a\xac x", 0, 3, "  \xe7\x8a\xac x\n  ^^\n");
    shows("\xc3\xa9 x", 3, 1, "  \xc3\xa9 x\n    ^\n");   /* one */
    shows("e\xcc\x81 x", 4, 1, "  e\xcc\x81 x\n    ^\n"); /* an accent of its own: none */
    shows("\xf0\x9f\x90\xb6x", 4, 1, "  \xf0\x9f\x90\xb6x\n    ^\n");
}

/* Nothing in the line drives the terminal. */
static void is_harmless(void **state)
{
    (void)state;
    shows("a\tb\033[31mc", 2, 1, "  a b [31mc\n    ^\n");
    shows("a\nb", 2, 1, "  a b\n    ^\n");
    shows("\xc2\x9b"
          "1mx",
          4, 1, "   1mx\n     ^\n");
    shows("\xff x", 2, 1, "  ? x\n    ^\n");
}

static void cuts_long_lines(void **state)
{
    (void)state;
    char line[1001], wanted[256];
    memset(line, 'a', 1000);
    line[1000] = '\0';
    line[500] = '(';
    snprintf(wanted, sizeof wanted, "  ... %.60s(%.19s ...\n%*s^\n", line, line, 2 + 4 + 60, "");
    shows(line, 500, 1, wanted);
    snprintf(wanted, sizeof wanted, "  %.20s ...\n  ^\n", line);
    shows(line, 0, 1, wanted);
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    cli_put_caret(f, line, (eye_span){400, 500});
    fclose(f);
    assert_true(n < 300); /* a long place is cut as well */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_the_place),
        cmocka_unit_test(counts_columns),
        cmocka_unit_test(is_harmless),
        cmocka_unit_test(cuts_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
