/* Any bytes as UTF-8 and back, literals read back as both servers read them, ranges of prefixes. Randomised. */
#include "fixture.h"

#include "base/json.h"
#include "store/milvus_text.h"

static uint64_t seed = 7;

static uint64_t any(uint64_t n)
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return (z ^ (z >> 31)) % n;
}

/* Bytes that are likely to meet: characters of each length whole and broken, stand-ins, what quoting is about. */
static size_t random_bytes(char *out, size_t most)
{
    static const char *const parts[] = {"a",
                                        "B",
                                        "\"",
                                        "\\",
                                        "'",
                                        "%",
                                        "_",
                                        "\n",
                                        "\r",
                                        "\t",
                                        "\x01",
                                        "\x7f",
                                        "\xc3",
                                        "\xa4",
                                        "\xc3\xa4",
                                        "\xe2\x82\xac",
                                        "\xe2",
                                        "\x82",
                                        "\xf4",
                                        "\x8f\xbf\xbf",
                                        "\xf0",
                                        "\x9f\x98",
                                        "\x80",
                                        "\xff",
                                        "\xed",
                                        "\xa0",
                                        "\xe0\x80",
                                        "\xf4\x90",
                                        "\xc0",
                                        "\xef\xbf\xbf",
                                        "\xed\x9f\xbf",
                                        "\xf4\x8f\xbc\x80",
                                        "\xf4\x8f\xbb\xbf",
                                        "/",
                                        " "};
    size_t n = 0;
    for (uint64_t k = any(9); k; k--) {
        const char *p = parts[any(sizeof parts / sizeof *parts)];
        size_t len = strlen(p);
        if (n + len > most)
            break;
        memcpy(out + n, p, len);
        n += len;
    }
    out[n] = '\0';
    return n;
}

static char *text_of(const char *bytes, size_t n)
{
    struct buf b;
    struct eye_err err;
    buf_init(&b, 4096);
    assert_int_equal(milvus_text_put(&b, bytes, n, &err), 0);
    assert_true(utf8_valid(b.data, b.len));
    return b.data;
}

static void bytes_come_back(void **state)
{
    (void)state;
    struct eye_err err;
    for (int i = 0; i < 20000; i++) {
        char bytes[64];
        size_t n = random_bytes(bytes, sizeof bytes - 1);
        char *text = text_of(bytes, n);
        struct buf back;
        buf_init(&back, 4096);
        assert_int_equal(milvus_text_get(&back, text, &err), 0);
        assert_int_equal(back.len, n);
        assert_memory_equal(back.data, bytes, n);
        if (milvus_text_plain(bytes, n) && !strstr(bytes, "\xf4\x8f\xbc\x80") &&
            !strstr(bytes, "\xf4\x8f\xbf\xbf"))
            assert_string_equal(text, bytes);
        buf_release(&back);
        free(text);
    }
    struct buf out;
    buf_init(&out, 64);
    assert_int_equal(milvus_text_get(&out, "a\xff", &err), EYE_EFORMAT);
    buf_release(&out);
}

/* What is whole stays as it is whatever follows, and what is plain is a part exactly if its text is. */
static void parts_stay_parts(void **state)
{
    (void)state;
    size_t cut = 0, met = 0;
    for (int i = 0; i < 20000; i++) {
        char a[64], b[32], both[128];
        size_t n = random_bytes(a, sizeof a - 1), m = random_bytes(b, sizeof b - 1);
        size_t whole = milvus_text_whole(a, n);
        cut += whole < n;
        memcpy(both, a, n);
        memcpy(both + n, b, m + 1);
        char *first = text_of(a, whole), *all = text_of(both, n + m), *part = text_of(b, m);
        assert_memory_equal(all, first, strlen(first));
        if (milvus_text_plain(b, m)) {
            assert_non_null(strstr(all, part));
            char *one = text_of(a, n);
            assert_int_equal(strstr(a, b) != NULL, strstr(one, part) != NULL);
            met += m && strstr(a, b);
            free(one);
        }
        free(first);
        free(all);
        free(part);
    }
    assert_true(cut > 100 && met > 100);
    assert_int_equal(milvus_text_whole("a\xc3", 2), 1);
    assert_int_equal(milvus_text_whole("a\xe2\x82", 3), 1);
    assert_int_equal(milvus_text_whole("a\xf0\x9f\x98", 4), 1);
    assert_int_equal(milvus_text_whole("a\xff", 2), 2);
    assert_int_equal(milvus_text_whole("a\xc3\xa4", 3), 3);
    assert_int_equal(milvus_text_whole("\xed", 1), 0);
}

/* As the servers read a literal: \n \r \t \" \\ and nothing else, no bare quote, line end or backslash. */
static void read_literal(const char *s, size_t n, char *out)
{
    assert_true(n >= 2 && s[0] == '"' && s[n - 1] == '"');
    size_t at = 0;
    for (size_t i = 1; i < n - 1; i++) {
        assert_true(s[i] != '"' && s[i] != '\n' && s[i] != '\r');
        if (s[i] != '\\') {
            out[at++] = s[i];
            continue;
        }
        assert_true(++i < n - 1);
        switch (s[i]) {
        case 'n': out[at++] = '\n'; break;
        case 'r': out[at++] = '\r'; break;
        case 't': out[at++] = '\t'; break;
        default: assert_true(s[i] == '"' || s[i] == '\\'); out[at++] = s[i];
        }
    }
    out[at] = '\0';
}

static void literals_hold_what_was_put_in(void **state)
{
    (void)state;
    struct eye_err err;
    for (int i = 0; i < 20000; i++) {
        char bytes[64], back[400];
        char *text = text_of(bytes, random_bytes(bytes, sizeof bytes - 1));
        struct buf b;
        buf_init(&b, 4096);
        assert_int_equal(milvus_text_quote(&b, text, &err), 0);
        read_literal(b.data, b.len, back);
        assert_string_equal(back, text);
        buf_release(&b);
        free(text);
    }
}

static void ranges_are_prefixes(void **state)
{
    (void)state;
    struct eye_err err;
    size_t in = 0;
    for (int i = 0; i < 20000; i++) {
        char a[16], b[32], both[64], to[400];
        int rc = 0;
        random_bytes(a, sizeof a - 1);
        random_bytes(b, sizeof b - 1);
        if (any(2)) {
            snprintf(both, sizeof both, "%s%s", a, b);
            snprintf(b, sizeof b, "%.31s", both);
        }
        size_t whole = milvus_text_whole(a, strlen(a));
        char *from = text_of(a, whole), *text = text_of(b, strlen(b));
        struct buf lit;
        buf_init(&lit, 4096);
        bool bounded = milvus_text_quote_after(&lit, from, &rc, &err);
        assert_int_equal(rc, 0);
        if (bounded)
            read_literal(lit.data, lit.len, to);
        if (bounded)
            assert_true(utf8_valid(to, strlen(to)));
        bool inside = strcmp(text, from) >= 0 && (!bounded || strcmp(text, to) < 0);
        assert_int_equal(inside, strncmp(text, from, strlen(from)) == 0);
        in += inside && whole;
        buf_release(&lit);
        free(from);
        free(text);
    }
    assert_true(in > 1000);
    struct buf lit;
    int rc = 0;
    buf_init(&lit, 64);
    assert_false(milvus_text_quote_after(&lit, "", &rc, &err));
    assert_false(milvus_text_quote_after(&lit, "\xf4\x8f\xbf\xbf", &rc, &err));
    assert_true(milvus_text_quote_after(&lit, "a\xf4\x8f\xbf\xbf", &rc, &err));
    assert_string_equal(lit.data, "\"b\"");
    buf_clear(&lit);
    assert_true(milvus_text_quote_after(&lit, "\xed\x9f\xbf", &rc, &err));
    assert_string_equal(lit.data, "\"\xee\x80\x80\"");
    buf_release(&lit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(parts_stay_parts),
        cmocka_unit_test(literals_hold_what_was_put_in),
        cmocka_unit_test(ranges_are_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
