/* test_entities.c - HTML character references: Python's html.unescape and ftfy's cautious one. */
#include "clean_text.h"

static void html5(void **state)
{
    (void)state;
    expect_step(clean_unescape, "a &amp; b &ampc &notit; &notin; &copycat", "a & b &c ¬it; ∉ ©cat");
    expect_step(clean_unescape, "&#65;&#x42;&#67 &#0; &#128; &#xD800; &#1114112; [&#1;]",
                "ABC \xef\xbf\xbd € \xef\xbf\xbd \xef\xbf\xbd []");
    expect_step(clean_unescape, "&; &#; &#x; && &é; & x &a; &unknown;",
                "&; &#; &#x; && &é; & x &a; &unknown;");
    expect_step(clean_unescape, "&NotEqualTilde; &#99999999999999999999; &amp;amp;",
                "≂̸ \xef\xbf\xbd &amp;");
    expect_step(clean_unescape, "&CounterClockwiseContourIntegral;", "∳");
}

static void only_with_semicolon(void **state)
{
    (void)state;
    expect_step(clean_unescape_strict, "a &amp; b &amp &copycat &#65; &#65 &#x42;",
                "a & b &amp &copycat A &#65 B");
    expect_step(clean_unescape_strict, "P&EACUTE;REZ &nTILDE; STRA&SZLIG;E",
                "PÉREZ &nTILDE; STRASSE");
    expect_step(clean_unescape_strict, "&#12ab; &#59; &#;", "&#12ab; &#59; &#;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(html5),
                                       cmocka_unit_test(only_with_semicolon)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
