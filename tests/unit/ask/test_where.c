/* test_where.c - the conditions one by one, as chips want them: their place, their text, and what is left without one. */
#include "describe.h"

struct chip {
    const char *cut, *text;
    bool negated, alone;
};

static void test_chips(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        struct chip chips[4];
    } rows[] = {
        {"dogs", {{0}}},
        {"dogs format:jpg cats", {{"format:jpg", "format:jpeg", false, true}}},
        {"- format:png", {{"- format:png", "-format:png", true, true}}},
        {"not not format:png", {{"not not format:png", "format:png", false, true}}},
        {"a and format:png", {{"and format:png", "format:png", false, true}}},
        {"format:png and root:1 root:2",
         {{"format:png and", "format:png", false, true},
          {"and root:1", "root:1", false, true},
          {"root:2", "root:2", false, true}}},
        {"format:png or not root:1 mp>2",
         {{"format:png", "format:png", false, false},
          {"not root:1", "-root:1", true, false},
          {"mp>2", "mp>2", false, true}}},
        {"-(format:png or -root:1)",
         {{"format:png", "format:png", true, false}, {"-root:1", "-root:1", false, false}}},
        {"x -((format:png))", {{"-((format:png))", "-format:png", true, true}}},
        {"(format:png and root:1)",
         {{"format:png and", "format:png", false, true}, {"and root:1", "root:1", false, true}}},
        {"score>0.2 name:\"a \\\"b\\\"\"",
         {{"score>0.2", "score>0.2", false, true},
          {"name:\"a \\\"b\\\"\"", "name:\"a \\\"b\\\"\"", false, true}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = 0;
        eye_ask *ask = eye_ask_parse(rows[i].line, NOW, NULL, NULL);
        assert_non_null(ask);
        const eye_ask_filter *f = eye_ask_filters(ask, &n);
        for (size_t k = 0; k < 4; k++) {
            const struct chip *want = &rows[i].chips[k];
            assert_int_equal(k < n, want->cut != NULL);
            if (k >= n)
                continue;
            assert_string_equal(f[k].text, want->text);
            assert_int_equal(f[k].span.len, strlen(want->cut));
            assert_memory_equal(rows[i].line + f[k].span.at, want->cut, f[k].span.len);
            assert_true(f[k].negated == want->negated && f[k].alone == want->alone);
        }
        eye_ask_free(ask);
    }
}

/* Without one that stands alone, the line means the others. */
static void test_cutting(void **state)
{
    (void)state;
    static const struct {
        const char *line, *left[3];
    } rows[] = {
        {"two format:png dogs", {"[two dogs]"}},
        {"a format:png and root:1 and mp:..2",
         {"[a] | (all root=1 mp=0..2)", "[a] | (all format=png mp=0..2)",
          "[a] | (all format=png root=1)"}},
        {"(format:png root:1)", {" | root=1", " | format=png"}},
        {"a and not (format:png) b", {"[a b]"}},
    };
    struct buf b, text;
    buf_init(&b, 4096);
    buf_init(&text, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = 0;
        eye_ask *ask = eye_ask_parse(rows[i].line, NOW, NULL, NULL);
        const eye_ask_filter *f = eye_ask_filters(ask, &n);
        for (size_t k = 0; k < n; k++) {
            assert_true(f[k].alone);
            buf_clear(&text);
            buf_append(&text, rows[i].line, f[k].span.at, NULL);
            buf_puts(&text, rows[i].line + f[k].span.at + f[k].span.len, NULL);
            assert_string_equal(meaning(&b, text.data), rows[i].left[k]);
        }
        eye_ask_free(ask);
    }
    buf_release(&b);
    buf_release(&text);
}

static int depth_of(const eye_where *w, size_t *nodes)
{
    int most = 0;
    ++*nodes;
    for (size_t i = 0; i < w->nparts; i++) {
        int d = depth_of(w->parts[i], nodes);
        most = d > most ? d : most;
    }
    return 1 + most;
}

/* The deepest and the widest trees that are taken are ones that the engine takes. */
static void test_limits(void **state)
{
    (void)state;
    struct buf b;
    size_t taken = 0, deepest = 0;
    buf_init(&b, EYE_ASK_BYTES);
    for (size_t levels = 1; levels < 40; levels++) {
        size_t nodes = 0;
        buf_clear(&b);
        for (size_t i = 0; i < levels; i++)
            buf_puts(&b, "-(root:1 ", NULL);
        buf_puts(&b, "-root:2", NULL);
        for (size_t i = 0; i < levels; i++)
            buf_putc(&b, ')', NULL);
        struct eye_err err = {0};
        eye_ask *ask = eye_ask_parse(b.data, NOW, NULL, &err);
        if (ask) {
            size_t depth = (size_t)depth_of(eye_ask_where(ask), &nodes);
            assert_true(depth <= 32);
            deepest = depth > deepest ? depth : deepest;
            taken++;
        } else {
            assert_int_equal(err.code, EYE_ELIMIT);
        }
        eye_ask_free(ask);
    }
    assert_true(taken > 10 && taken < 39 && deepest >= 30);

    size_t nodes = 0;
    buf_clear(&b);
    for (size_t i = 0; i < EYE_ASK_FILTERS / 2; i++)
        buf_puts(&b, "-(root:1 or -root:2) ", NULL);
    eye_ask *ask = eye_ask_parse(b.data, NOW, NULL, NULL);
    assert_non_null(ask);
    depth_of(eye_ask_where(ask), &nodes);
    assert_true(nodes <= 1024);
    eye_ask_free(ask);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chips),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
