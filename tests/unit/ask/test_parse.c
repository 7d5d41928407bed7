/* test_parse.c - filters joined by and, or, not and parentheses, beside words; and what is refused, with its place. */
#include "describe.h"

static void test_trees(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"format:png", " | format=png"},
        {"dogs format:png", "[dogs] | format=png"},
        {"two format:png dogs", "[two] [dogs] | format=png"},
        {"format:png camera:fuji", " | (all format=png camera=fuji)"},
        {"format:png and camera:fuji", " | (all format=png camera=fuji)"},
        {"format:png or camera:fuji", " | (any format=png camera=fuji)"},
        {"format:png OR camera:fuji Or root:1", " | (any format=png camera=fuji root=1)"},
        {"root:1 format:png or format:gif root:2",
         " | (all root=1 (any format=png format=gif) root=2)"},
        {"root:1 dogs format:png or format:gif",
         "[dogs] | (all root=1 (any format=png format=gif))"},
        {"-format:png", " | (not format=png)"},
        {"- format:png", " | (not format=png)"},
        {"+format:png", " | format=png"},
        {"not format:png", " | (not format=png)"},
        {"not not format:png", " | format=png"},
        {"not -format:png", " | format=png"},
        {"- - format:png", " | (not format=png)"},
        {"dogs not format:png cats", "[dogs] [cats] | (not format=png)"},
        {"dogs and format:png", "[dogs] | format=png"},
        {"format:png and dogs", "[dogs] | format=png"},
        {"format:png and", " | format=png"},
        {"and format:png", " | format=png"},
        {"dogs and not format:png", "[dogs] | (not format=png)"},
        {"format:png not dogs", "[not dogs] | format=png"},
        {"dogs - and format:png", "[dogs] | format=png"},
        {"(format:png)", " | format=png"},
        {"((format:png))", " | format=png"},
        {"( format:png or format:gif ) dogs", "[dogs] | (any format=png format=gif)"},
        {"(format:png or format:gif)dogs", "[dogs] | (any format=png format=gif)"},
        {"(format:png)or(format:gif)", " | (any format=png format=gif)"},
        {"(format:png format:gif) root:1", " | (all format=png format=gif root=1)"},
        {"(format:png or format:gif) or root:1", " | (any format=png format=gif root=1)"},
        {"(format:png root:2) or root:1", " | (any (all format=png root=2) root=1)"},
        {"(format:png and root:2) or root:1", " | (any (all format=png root=2) root=1)"},
        {"-(format:png or root:1)", " | (not (any format=png root=1))"},
        {"not(format:png root:1)", " | (not (all format=png root=1))"},
        {"-(-format:png)", " | format=png"},
        {"-(-(format:png root:1)) root:2", " | (all format=png root=1 root=2)"},
        {"(not format:png or -root:1)", " | (any (not format=png) (not root=1))"},
        {"(camera:fuji or after:2023-05) width>2000 -path:*tmp*",
         " | (all (any camera=fuji taken=2023-05-01..) width=2001..0 (not path=*tmp*))"},
        {"path:*(1)*", " | path=*(1)*"},
        {"(path:*(1)* or path:b)", " | (any path=*(1)* path=b)"},
        {"cat (sleeping) format:png", "[cat (sleeping)] | format=png"},
        {"(sleeping format:png", "[(sleeping] | format=png"},
        {"(a) format:png (b)", "[(a)] [(b)] | format=png"},
        {"a) format:png :)", "[a)] [:)] | format=png"},
        {":( path:a) b :)", "[:(] [b :)] | path=a)"},
        {"f(x format:png y)", "[f(x] [y)] | format=png"},
        {"dogs - format:png", "[dogs] | (not format=png)"},
        {"- -format:png", " | (not format=png)"},
        {"- and format:png", " | format=png"},
        {"score>0.25 dogs", "[dogs] | 0.25"},
        {"score>=0.25 score>=0.5 format:png", " | format=png | 0.5"},
        {"cats and dogs format:png", "[cats and dogs] | format=png"},
        {"\"cats and\" format:png", "[cats and] | format=png"},
    };
    CHECK_ROWS(rows);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"fromat:png", "! 0+6 there is no filter 'fromat'; is 'format' meant? As words it needs "
                       "quotes: \"fromat:png\""},
        {"dogs -widht>20", "! 6+5 there is no filter 'widht'; is 'width' meant? As words it needs "
                           "quotes: \"widht>20\""},
        {"date:2024", "! 0+4 there is no filter 'date'; is 'taken' meant? As words it needs "
                      "quotes: \"date:2024\""},
        {"tag:beach", "! 0+3 there is no filter 'tag'; as words it needs quotes: \"tag:beach\""},
        {"in:47,8,48,9", "! 0+2 there is no filter 'in'; is 'box' meant? As words it needs "
                         "quotes: \"in:47,8,48,9\""},
        {"(sleeping format:png)", "! 0+1 only filters stand in parentheses, like (format:png or "
                                  "format:gif); words and pictures go outside"},
        {"cats ((sleeping) name:\"x\" ) y",
         "! 5+1 only filters stand in parentheses, like (format:png or "
         "format:gif); words and pictures go outside"},
        {"(fromat:png or format:gif)", "! 1+6 there is no filter 'fromat'; is 'format' meant? As "
                                       "words it needs quotes: \"fromat:png\""},
        {"dogs or format:png",
         "! 5+2 'or' stands between two filters; if the word is meant, it needs quotes: \"or\""},
        {"or format:png",
         "! 0+2 'or' stands between two filters; if the word is meant, it needs quotes: \"or\""},
        {"format:png or dogs",
         "! 11+2 a filter must follow this 'or'; if the word is meant, it needs quotes: \"or\""},
        {"format:png or",
         "! 11+2 a filter must follow this 'or'; if the word is meant, it needs quotes: \"or\""},
        {"format:png or or root:1",
         "! 11+2 a filter must follow this 'or'; if the word is meant, it needs quotes: \"or\""},
        {"format:png and or root:1",
         "! 15+2 'or' stands between two filters; if the word is meant, it needs quotes: \"or\""},
        {"(format:png and)",
         "! 12+3 a filter must follow this 'and'; if the word is meant, it needs quotes: \"and\""},
        {"root:1 or root:2 and root:3", "! 17+3 'and' beside 'or': put parentheses around what "
                                        "belongs together, like (a or b) and c"},
        {"root:1 and root:2 or root:3", "! 7+3 'and' beside 'or': put parentheses around what "
                                        "belongs together, like (a or b) and c"},
        {"a (format:png root:1",
         "! 2+1 this parenthesis is not closed: put a ) behind its last filter"},
        {"((format:png)", "! 0+1 this parenthesis is not closed: put a ) behind its last filter"},
        {"(format:png dogs)", "! 12+4 only filters stand in parentheses, like (format:png or "
                              "format:gif); words and pictures go outside"},
        {"(format:png or dogs)",
         "! 12+2 a filter must follow this 'or'; if the word is meant, it needs quotes: \"or\""},
        {"(format:png #3)", "! 12+2 only filters stand in parentheses, like (format:png or "
                            "format:gif); words and pictures go outside"},
        {"(format:png \"a b\")", "! 12+5 only filters stand in parentheses, like (format:png or "
                                 "format:gif); words and pictures go outside"},
        {"(score>0.2)", "! 1+9 the score is asked of the whole: outside of parentheses, once"},
        {"-score>0.2", "! 0+10 a least score cannot be negated"},
        {"not score>0.2", "! 0+13 a least score cannot be negated"},
        {"format:png or score>0.2", "! 14+9 the score is asked of the whole: not in an 'or'"},
        {"format:png)",
         "! 7+4 'format' is jpeg, png, webp, gif, tiff, bmp, heic or avif, not 'png)'"},
    };
    CHECK_ROWS(rows);
}

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        const char *line, *terms[4];
    } rows[] = {
        {"two  dogs + snow  - 2:people", {"two  dogs", "+ snow", "- 2:people"}},
        {" \"a b\", @x  #3 ", {"\"a b\"", "@x", "#3"}},
        {"- - red", {"- red"}},
        {"a format:png b", {"a", "b"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = 0;
        eye_ask *ask = eye_ask_parse(rows[i].line, NOW, NULL, NULL);
        assert_non_null(ask);
        eye_ask_terms(ask, &n);
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(k < n, rows[i].terms[k] != NULL);
            if (k < n) {
                eye_span s = eye_ask_term_spans(ask)[k];
                assert_int_equal(s.len, strlen(rows[i].terms[k]));
                assert_memory_equal(rows[i].line + s.at, rows[i].terms[k], s.len);
            }
        }
        eye_ask_free(ask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
