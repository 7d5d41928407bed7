/* test_queries.c - what `search` looks for: lines, literal texts, files of them; all checked before the first is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "cli/queries.h"

static const struct cli_ctx ctx;

static int read_words(struct query_set *set, const char **items, size_t n, bool literal)
{
    const struct cli_list words = {items, n};
    const struct query_args a = {.words = &words, .literal = literal};
    query_set_init(set);
    return query_set_read(&ctx, &a, set);
}

/* A file with the text; its name in path. */
static void put_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/eyeshine-queries-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int read_file(struct query_set *set, const char *text, bool literal)
{
    char path[64];
    const struct cli_list none = {0};
    put_file(path, text);
    const struct query_args a = {.words = &none, .file = path, .literal = literal};
    query_set_init(set);
    int code = query_set_read(&ctx, &a, set);
    unlink(path);
    return code;
}

static void arguments_are_one_line(void **state)
{
    (void)state;
    struct query_set set;
    struct asked a;
    const char *items[] = {"two", "dogs", "+ 2:snow", "-", "#3", "format:png", "score>0.5"};
    assert_int_equal(read_words(&set, items, 7, false), 0);
    assert_int_equal(set.n, 1);
    assert_true(set.items[0].line);
    assert_int_equal(query_ask(&set, 0, &a), 0);
    assert_int_equal(a.nterms, 3);
    assert_string_equal(a.terms[0].query.words, "two dogs");
    assert_true(a.terms[1].weight > 1.5f && a.terms[2].weight < 0);
    assert_int_equal(a.terms[2].query.like, 3);
    assert_true(a.where && a.where->kind == EYE_IS && a.min_score > 0.4f);
    assert_string_equal(a.filters, "format:png score>0.5");
    query_asked(&a);
    query_set_release(&set);
}

/* Plain words need no line: they go many in one pass. */
static void plain_words_are_kept_alone(void **state)
{
    (void)state;
    struct query_set set;
    struct asked a;
    const char *items[] = {"rock", "'n'  roll"};
    assert_int_equal(read_words(&set, items, 2, false), 0);
    assert_false(set.items[0].line);
    assert_string_equal(set.items[0].text, "rock 'n'  roll");
    assert_string_equal(set.items[0].own.words, "rock 'n' roll");
    assert_int_equal(query_ask(&set, 0, &a), 0);
    assert_true(a.nterms == 1 && !a.where && a.min_score < -1.5f && !*a.filters);
    query_asked(&a);
    query_set_release(&set);
    const char *literal[] = {"2:a  -format:png"};
    assert_int_equal(read_words(&set, literal, 1, true), 0);
    assert_false(set.items[0].line);
    assert_string_equal(set.items[0].own.words, "2:a  -format:png");
    query_set_release(&set);
}

static void files_are_lines(void **state)
{
    (void)state;
    struct query_set set;
    assert_int_equal(read_file(&set, "a\r\n\nformat:png\n- b\n#7\nc", false), 0);
    assert_int_equal(set.n, 6);
    static const char *const texts[] = {"a", "", "format:png", "- b", "#7", "c"};
    static const bool lines[] = {false, false, true, true, true, false};
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(set.items[i].text, texts[i]);
        assert_int_equal(set.items[i].line, lines[i]);
    }
    query_set_release(&set);
    assert_int_equal(read_file(&set, "a \"b\n", true), 0);
    assert_string_equal(set.items[0].own.words, "a \"b");
    query_set_release(&set);
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    struct query_set set;
    struct asked a;
    const char *open[] = {"a \"b"}, *nothing[] = {"@/nowhere/at all.jpg"}, *folder[] = {"a @/tmp"};
    assert_int_equal(read_words(&set, open, 1, false), CLI_USAGE);
    query_set_release(&set);
    assert_int_equal(read_words(&set, nothing, 1, false), CLI_USAGE);
    query_set_release(&set);
    assert_int_equal(read_words(&set, folder, 1, false), CLI_USAGE);
    query_set_release(&set);
    assert_int_equal(read_words(&set, NULL, 0, false), CLI_USAGE);
    query_set_release(&set);
    assert_int_equal(read_file(&set, "a\nformat:x\n", false), CLI_USAGE);
    query_set_release(&set);
    assert_int_equal(read_file(&set, "", false), CLI_USAGE);
    query_set_release(&set);
    const struct cli_list none = {0};
    const struct query_args both = {.words = &none, .image = "a.jpg", .like = 3};
    query_set_init(&set);
    assert_int_equal(query_set_read(&ctx, &both, &set), CLI_USAGE);
    query_set_release(&set);
    const struct query_args like = {.words = &none, .like = 3};
    query_set_init(&set);
    assert_int_equal(query_set_read(&ctx, &like, &set), 0);
    assert_int_equal(query_ask(&set, 0, &a), 0);
    assert_int_equal(a.terms[0].query.like, 3);
    query_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_one_line),
        cmocka_unit_test(plain_words_are_kept_alone),
        cmocka_unit_test(files_are_lines),
        cmocka_unit_test(wrong_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
