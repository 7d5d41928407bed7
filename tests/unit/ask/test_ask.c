/* test_ask.c - the public side: limits, places of errors, and lines that are no text. */
#include "base/fs.h"
#include "describe.h"

static void refused(const char *line, int code, size_t at, size_t len, const char *says)
{
    struct eye_err err = {0};
    eye_span where = {99, 99};
    assert_null(eye_ask_parse(line, NOW, &where, &err));
    if (err.code != code || where.at != at || where.len != len || !strstr(err.msg, says))
        fail_msg("%.40s: %d %zu+%zu %s", line, err.code, where.at, where.len, err.msg);
}

/* b: `n` times `part`. */
static const char *many(struct buf *b, const char *part, size_t n)
{
    buf_clear(b);
    while (n-- > 0)
        buf_puts(b, part, NULL);
    return b->data;
}

static void test_limits(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    eye_ask *ask = eye_ask_parse(many(&b, "+ a ", EYE_ASK_TERMS), NOW, NULL, NULL);
    assert_non_null(ask);
    eye_ask_free(ask);
    refused(many(&b, "+ a ", EYE_ASK_TERMS + 1), EYE_ELIMIT, 4 * EYE_ASK_TERMS, 1,
            "more than 32 words and pictures in one line");
    ask = eye_ask_parse(many(&b, "root:1 ", EYE_ASK_FILTERS), NOW, NULL, NULL);
    assert_non_null(ask);
    eye_ask_free(ask);
    refused(many(&b, "root:1 ", EYE_ASK_FILTERS + 1), EYE_ELIMIT, 7 * EYE_ASK_FILTERS, 6,
            "more than 256 filters");
    many(&b, "(", EYE_ASK_DEPTH + 1);
    buf_puts(&b, "root:1", NULL);
    refused(b.data, EYE_ELIMIT, EYE_ASK_DEPTH, 1, "nested more than 32 deep");
    ask = eye_ask_parse(many(&b, "a", EYE_ASK_BYTES), NOW, NULL, NULL);
    assert_non_null(ask);
    eye_ask_free(ask);
    refused(many(&b, "a", EYE_ASK_BYTES + 1), EYE_ELIMIT, EYE_ASK_BYTES, 1, "longer than 65536");
    buf_release(&b);
}

static void test_no_text(void **state)
{
    (void)state;
    refused("caf\xe9", EYE_EINVAL, 3, 1, "no text in UTF-8");
    refused("\xe7\x8a", EYE_EINVAL, 0, 1, "no text in UTF-8");
    refused("a \xc0\x80", EYE_EINVAL, 2, 1, "no text in UTF-8");
    refused("\xed\xa0\x80", EYE_EINVAL, 0, 1, "no text in UTF-8"); /* a surrogate */
    refused("name:\"\xff\"", EYE_EINVAL, 6, 1, "no text in UTF-8");
}

/* Neither the place nor the sentence need be wanted, and a wrong line costs no memory. */
static void test_without_place(void **state)
{
    (void)state;
    assert_null(eye_ask_parse("a \"", NOW, NULL, NULL));
    eye_ask_free(NULL);
}

static void test_empty(void **state)
{
    (void)state;
    size_t n = 9;
    eye_ask *ask = eye_ask_parse(" ", NOW, NULL, NULL);
    assert_non_null(ask);
    eye_ask_terms(ask, &n);
    assert_int_equal(n, 0);
    eye_ask_filters(ask, &n);
    assert_int_equal(n, 0);
    assert_null(eye_ask_where(ask));
    assert_true(eye_ask_min_score(ask) < -1.5f);
    assert_string_equal(eye_ask_text(ask), "");
    assert_string_equal(eye_ask_where_text(ask), "");
    eye_ask_free(ask);
}

/* Long lines of what needs looking ahead are read in one go, not in squares: under a second each even with sanitizers. */
static void test_long_lines(void **state)
{
    (void)state;
    static const char *const parts[] = {"(",   "( ",           "((a ",       "- ",   "not ",
                                        "or(", "2:",           "\"a\"",      "a:b ", "@a ",
                                        "#1 ", "\xe2\x80\x9c", "1111111111", "ab:1"};
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct eye_err err = {0};
        many(&b, parts[i], EYE_ASK_BYTES / strlen(parts[i]));
        eye_ask *ask = eye_ask_parse(b.data, NOW, NULL, &err);
        assert_true(ask || err.msg[0]);
        eye_ask_free(ask);
    }
    buf_release(&b);
}

/* Each example of docs/QUERY.md is a good line: those of its blocks "query", up to three blanks. */
static void test_manual(void **state)
{
    (void)state;
    struct buf b;
    struct eye_err err = {0};
    char *save = NULL;
    bool inside = false;
    int examples = 0;
    buf_init(&b, 1 << 20);
    assert_int_equal(fs_read_all("docs/QUERY.md", &b, &err), 0);
    for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "```", 3) == 0) {
            inside = strcmp(line, "```query") == 0;
        } else if (inside) {
            char *note = strstr(line, "   ");
            if (note)
                *note = '\0';
            eye_ask *ask = eye_ask_parse(line, NOW, NULL, &err);
            if (!ask)
                fail_msg("%s: %s", line, err.msg);
            eye_ask_free(ask);
            examples++;
        }
    }
    assert_true(examples > 30);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_without_place), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_long_lines),    cmocka_unit_test(test_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
