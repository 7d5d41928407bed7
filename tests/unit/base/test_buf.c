/* test_buf.c - growth, the maximum, and sizes that would overflow. */
#include "scratch.h"

#include "base/buf.h"

/* The sanitizers end a program that asks for too much, unless told that NULL will do. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_checked_sizes(void **state)
{
    (void)state;
    size_t r = 7;
    assert_true(size_mul(6, 7, &r));
    assert_int_equal(r, 42);
    assert_false(size_mul(SIZE_MAX / 2, 3, &r));
    assert_false(size_add(SIZE_MAX, 1, &r));
    assert_int_equal(r, 42);
    assert_true(size_add(SIZE_MAX - 1, 1, &r));
    assert_true(r == SIZE_MAX);
    assert_true(size_mul(SIZE_MAX, 0, &r));
    assert_int_equal(r, 0);
}

static void test_allocation_errors(void **state)
{
    (void)state;
    struct eye_err e;
    assert_null(mem_calloc(SIZE_MAX / 2, 4, &e));
    assert_int_equal(e.code, EYE_ENOMEM);
    char *p = mem_calloc(0, 8, &e);
    assert_non_null(p);
    p[0] = 'k';
    assert_null(mem_realloc(p, SIZE_MAX / 4, 8, &e));
    assert_int_equal(p[0], 'k'); /* still ours */
    free(p);
}

static void test_calloc_is_zero(void **state)
{
    (void)state;
    unsigned char *p = mem_calloc(100, 3, NULL);
    assert_non_null(p);
    for (int i = 0; i < 300; i++)
        assert_int_equal(p[i], 0);
    free(p);
    char *s = mem_strdup("copy", NULL);
    assert_string_equal(s, "copy");
    free(s);
}

static void test_append_matches_reference(void **state)
{
    (void)state;
    static char want[100000];
    size_t len = 0;
    struct buf b;
    buf_init(&b, sizeof want);
    assert_null(b.data);
    for (int i = 0; len + 200 < sizeof want; i++) {
        char piece[200];
        int n = snprintf(piece, sizeof piece, "%d:%0*d,", i, i % 150 + 1, i);
        if (i % 3 == 0)
            assert_int_equal(buf_append(&b, piece, (size_t)n, NULL), 0);
        else if (i % 3 == 1)
            assert_int_equal(buf_puts(&b, piece, NULL), 0);
        else
            assert_int_equal(buf_printf(&b, NULL, "%d:%0*d,", i, i % 150 + 1, i), 0);
        memcpy(want + len, piece, (size_t)n);
        len += (size_t)n;
        assert_int_equal(b.len, len);
        assert_int_equal(b.data[len], '\0');
        assert_true(b.cap > b.len);
    }
    assert_memory_equal(b.data, want, len);
    buf_release(&b);
    assert_null(b.data);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf b;
    struct eye_err e;
    buf_init(&b, 5);
    assert_int_equal(buf_puts(&b, "12345", &e), 0);
    assert_int_equal(buf_putc(&b, '6', &e), EYE_ELIMIT);
    assert_int_equal(e.code, EYE_ELIMIT);
    assert_int_equal(buf_printf(&b, &e, "%d", 7), EYE_ELIMIT);
    assert_int_equal(buf_reserve(&b, SIZE_MAX, &e), EYE_ELIMIT);
    assert_string_equal(b.data, "12345");
    assert_true(b.cap <= 6);
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_puts(&b, "abcde", &e), 0);
    buf_release(&b);
}

static void test_without_limit_memory_is_the_limit(void **state)
{
    (void)state;
    struct buf b;
    struct eye_err e;
    buf_init(&b, SIZE_MAX);
    assert_int_equal(buf_puts(&b, "x", &e), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX / 2, &e), EYE_ENOMEM);
    assert_int_equal(buf_reserve(&b, SIZE_MAX, &e), EYE_ELIMIT);
    assert_string_equal(b.data, "x");
    buf_release(&b);
}

static void test_detach(void **state)
{
    (void)state;
    struct buf b;
    size_t len = 99;
    buf_init(&b, 100);
    assert_null(buf_detach(&b, &len));
    assert_int_equal(len, 0);
    assert_int_equal(buf_append(&b, "a\0b", 3, NULL), 0);
    char *p = buf_detach(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(p, "a\0b", 4);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checked_sizes),
        cmocka_unit_test(test_allocation_errors),
        cmocka_unit_test(test_calloc_is_zero),
        cmocka_unit_test(test_append_matches_reference),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_without_limit_memory_is_the_limit),
        cmocka_unit_test(test_detach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
