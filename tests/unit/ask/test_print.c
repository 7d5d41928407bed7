/* test_print.c - a tidied line: what it looks like, and that it always means the same as the line it was made of. */
#include "describe.h"

/* What the pieces of random lines are made of: all that means something, and what only looks like it. */
static const char *const pieces[] = {
    "dogs",
    "and",
    "or",
    "not",
    "+",
    "-",
    "(",
    ")",
    "\"",
    "\\",
    " ",
    "  ",
    "\t",
    "format:png",
    "-format:gif",
    "width>2000",
    "mp:8..12",
    "taken:2024",
    "after:7d",
    "path:*(1)*",
    "name:\"a b\"",
    "score>0.25",
    "has:gps",
    "box:47,8,48,9",
    "2:",
    "0.5:",
    "10:",
    "@me.jpg",
    "@\"a b\"",
    "#17",
    "#",
    "@",
    "fromat:png",
    "camera:fuji",
    ":",
    ">",
    "<",
    "..",
    "\"a b\"",
    "\"and\"",
    "\xe7\x8a\xac",
    "\xe3\x80\x80",
    "\xe2\x80\x9c",
    "\xe2\x80\x9d",
    "e\xcc\x81",
    "or(",
    "not(",
    "(a",
    "b)",
    "t-shirt",
    ":-)",
    "=",
    "root:2",
    "'",
    ",",
    "x",
};
enum { PIECES = sizeof pieces / sizeof *pieces, LINES = 60000 };

struct dice {
    uint64_t state;
};

static size_t roll(struct dice *d, size_t n)
{
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(d->state >> 33) % n;
}

/* Mostly pieces with blanks between them; one in eight from bytes. */
static void random_line(struct dice *d, struct buf *b)
{
    size_t n = roll(d, 12);
    bool bytes = roll(d, 8) == 0, tight = roll(d, 3) == 0;
    buf_clear(b);
    buf_puts(b, "", NULL);
    for (size_t i = 0; i < n; i++) {
        if (bytes)
            buf_putc(b, (char)(1 + roll(d, 255)), NULL);
        else
            buf_puts(b, pieces[roll(d, PIECES)], NULL);
        if (!bytes && (!tight || roll(d, 3) == 0))
            buf_putc(b, ' ', NULL);
    }
}

struct work {
    struct buf line, a, b;
    size_t good;
};

static void check_tidied(struct work *w, const eye_ask *ask)
{
    eye_span where;
    struct eye_err err = {0};
    eye_ask *again = eye_ask_parse(eye_ask_text(ask), NOW, &where, &err);
    if (!again)
        fail_msg("%s\ntidied: %s\nis refused: %s", w->line.data, eye_ask_text(ask), err.msg);
    describe(&w->a, ask);
    describe(&w->b, again);
    if (strcmp(w->a.data, w->b.data) != 0)
        fail_msg("%s\ntidied: %s\nmeans: %s\n  not: %s", w->line.data, eye_ask_text(ask), w->b.data,
                 w->a.data);
    assert_string_equal(eye_ask_text(ask), eye_ask_text(again));
    eye_ask_free(again);
}

/* The filters alone: the same tree and score, no term. */
static void check_filters_alone(struct work *w, const eye_ask *ask)
{
    size_t n = 0;
    eye_ask *alone = eye_ask_parse(eye_ask_where_text(ask), NOW, NULL, NULL);
    assert_non_null(alone);
    eye_ask_terms(alone, &n);
    assert_int_equal(n, 0);
    describe_filters(&w->a, ask);
    describe_filters(&w->b, alone);
    assert_string_equal(w->a.data, w->b.data);
    eye_ask_free(alone);
}

static void test_random_lines(void **state)
{
    (void)state;
    struct work w = {.good = 0};
    struct dice d = {20240601};
    buf_init(&w.line, 1 << 16);
    buf_init(&w.a, 1 << 20);
    buf_init(&w.b, 1 << 20);
    for (size_t i = 0; i < LINES; i++) {
        struct eye_err err = {0};
        eye_span where;
        random_line(&d, &w.line);
        eye_ask *ask = eye_ask_parse(w.line.data, NOW, &where, &err);
        if (ask) {
            w.good++;
            check_tidied(&w, ask);
            check_filters_alone(&w, ask);
        } else {
            assert_true(err.code == EYE_EINVAL && err.msg[0]);
            assert_true(where.at + where.len <= w.line.len);
        }
        eye_ask_free(ask);
    }
    assert_true(w.good > LINES / 4 && w.good < LINES);
    buf_release(&w.line);
    buf_release(&w.a);
    buf_release(&w.b);
}

/* A line, how it is tidied, and its filters alone. */
static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text, *filters;
    } rows[] = {
        {"", "", ""},
        {"  two   dogs ", "two dogs", ""},
        {"two dogs +snow -people", "two dogs + snow - people", ""},
        {"-people", "- people", ""},
        {"format:PNG  dogs", "dogs format:png", "format:png"},
        {"\"dogs\" \"and\" \"black & white\"", "dogs + \"and\" + black & white", ""},
        {"\"a: \\\"b\\\"\" \" x\"", "\"a: \\\"b\\\"\" + \" x\"", ""},
        {"2:dogs 2:\"9 dogs\" 1:cats .50:@me.jpg -2:#0017",
         "2:dogs + 2:\"9 dogs\" + cats + .50:@me.jpg - 2:#17", ""},
        {"@\"a b\" @\"c\" @\"d(1)\"", "@\"a b\" + @c + @\"d(1)\"", ""},
        {"format:jpg and not path:\"a b\" or -(root:1)", NULL, NULL},
        {"(format:jpg and not path:\"a b\") or -(root:1) x",
         "x ((format:jpeg -path:\"a b\") or -root:1)", "((format:jpeg -path:\"a b\") or -root:1)"},
        {"format:jpg not (root:1 or root:2)", "format:jpeg -(root:1 or root:2)",
         "format:jpeg -(root:1 or root:2)"},
        {"not (format:jpg root:1)", "-(format:jpeg root:1)", "-(format:jpeg root:1)"},
        {"gps:yes width:>=20 folder:3 score>.2", "has:gps width>=20 root:3 score>.2",
         "has:gps width>=20 root:3 score>.2"},
        {"-", "\"-\"", ""},
        {"\"x (\" format:png", "\"x (\" format:png", "format:png"},
        {"\"or(\" format:png", "\"or(\" format:png", "format:png"},
        {"\"dogs not\" format:png", "\"dogs not\" format:png", "format:png"},
        {"\"\xe2\x80\x9c"
         "a\" b\xe2\x80\x9d",
         "\"\xe2\x80\x9c"
         "a\" + b\xe2\x80\x9d",
         ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        eye_ask *ask = eye_ask_parse(rows[i].line, NOW, NULL, NULL);
        assert_int_equal(ask != NULL, rows[i].text != NULL);
        if (ask) {
            assert_string_equal(eye_ask_text(ask), rows[i].text);
            assert_string_equal(eye_ask_where_text(ask), rows[i].filters);
        }
        eye_ask_free(ask);
    }
}

/* Quotes can make a line longer than a line may be: then it stays as it came. */
static void test_grown_too_long(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "2:", NULL);
    buf_putc(&b, '"', NULL);
    while (b.len < EYE_ASK_BYTES - 1)
        buf_putc(&b, '\\', NULL);
    b.data[b.len - 1] = 'x'; /* the backslash before was escaped */
    buf_putc(&b, '"', NULL);
    eye_ask *ask = eye_ask_parse(b.data, NOW, NULL, NULL);
    assert_non_null(ask);
    eye_ask *again = eye_ask_parse(eye_ask_text(ask), NOW, NULL, NULL);
    assert_non_null(again);
    eye_ask_free(again);
    eye_ask_free(ask);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_random_lines),
        cmocka_unit_test(test_grown_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
