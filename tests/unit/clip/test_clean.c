/* test_clean.c - the clean-up as a whole: ftfy's steps, references twice, white space. */
#include "clean_text.h"

static void fixes(void **state)
{
    (void)state;
    expect_step(clean_fix, "ﬂuﬃest Ǆ ŉ", "fluffiest DŽ 'n");
    expect_step(clean_fix, "ＬＯＵＤ　ﾊﾛｰ ｶﾞ", "LOUD ハロー ガ");
    expect_step(clean_fix, "“a” ‘b’ „c‟", "\"a\" 'b' \"c\"");
    expect_step(clean_fix,
                "a\r\nb\rc\xe2\x80\xa8"
                "d",
                "a\nb\nc\nd");
    expect_step(clean_fix, "\x1b[31mred\x1b[0m\x07\xef\xbb\xbf", "red");
    expect_step(clean_fix, "e\xcc\x81", "é");
    expect_step(clean_fix, "it&rsquo;s &eacute;", "it's é");
    expect_step(clean_fix, "&eacute;\n<b> &eacute;\n&eacute;", "é\n<b> &eacute;\n&eacute;");
}

static void whole(void **state)
{
    (void)state;
    expect_step(clean_text,
                "  a \t\n b\xc2\xa0"
                "c\xe3\x80\x80 ",
                "a b c");
    expect_step(clean_text, "&amp;amp;amp; &lt;b&gt;", "& <b>");
    expect_step(clean_text, "<b> &amp;lt;", "<b> <");
    expect_step(clean_text, " \n ", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixes), cmocka_unit_test(whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
