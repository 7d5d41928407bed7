/* Entries of a handle on a server: found again, and what the server's word changes about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_view.h"

static void many_are_found_again(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct milvus_view *v = view_new(NULL);
    char key[MILVUS_KEY + 1];
    for (int i = 1; i <= N; i++) {
        assert_non_null(view_pic_make(v, (int64_t)i << 20, NULL));
        milvus_root_key(i, key);
        assert_non_null(view_row_make(v, key, NULL));
    }
    for (int i = 1; i <= N; i++) {
        const struct view_pic *e = view_pic_find(v, (int64_t)i << 20);
        assert_non_null(e);
        assert_ptr_equal(view_pic_make(v, (int64_t)i << 20, NULL), e);
        assert_null(view_pic_find(v, ((int64_t)i << 20) + 1));
        milvus_root_key(i, key);
        assert_string_equal(view_row_find(v, key)->row.key, key);
    }
    assert_int_equal(v->pics.n, N);
    assert_int_equal(v->rows.n, N);
    view_clear(v);
    assert_null(view_pic_find(v, 1 << 20));
    view_free(v);
}

/* Tags are half a key: what shares it is told apart. */
static void keys_with_one_tag(void **state)
{
    (void)state;
    struct milvus_view *v = view_new(NULL);
    static const char a[] = "11111111111111112222222222222222",
                      b[] = "33333333333333332222222222222222",
                      c[] = "44444444444444442222222222222222";
    struct view_row *x = view_row_make(v, a, NULL), *y = view_row_make(v, b, NULL);
    assert_true(x != y && x->tag == y->tag);
    assert_ptr_equal(view_row_find(v, a), x);
    assert_ptr_equal(view_row_find(v, b), y);
    assert_null(view_row_find(v, c));
    view_free(v);
}

static struct milvus_row row_of(const char *rel, int kind, int attempts)
{
    return (struct milvus_row){.rel = mem_strdup(rel, NULL),
                               .reason = mem_strdup("", NULL),
                               .kind = kind,
                               .picture = 5,
                               .attempts = attempts};
}

static void what_a_transaction_says_stays(void **state)
{
    (void)state;
    struct milvus_view *v = view_new(NULL);
    char key[MILVUS_KEY + 1];
    milvus_file_key(1, "a", key);
    struct view_row *e = view_row_make(v, key, NULL);
    e->row = row_of("a", KIND_FAILURE, 1); /* it failed, and nobody knows how often before */
    e->there = e->dirty = e->counts = true;
    struct milvus_row server = row_of("a", KIND_FAILURE, 3);
    view_row_fetched(e, &server);
    assert_true(e->known && e->was && e->there && !e->counts);
    assert_int_equal(e->row.attempts, 4);
    assert_int_equal(e->was_kind, KIND_FAILURE);
    milvus_file_key(1, "b", key);
    e = view_row_make(v, key, NULL);
    e->dirty = true; /* removed */
    server = row_of("b", KIND_FILE, 0);
    view_row_fetched(e, &server);
    assert_true(e->was && !e->there && e->was_picture == 5);
    milvus_file_key(1, "c", key);
    e = view_row_make(v, key, NULL);
    server = row_of("c", KIND_FILE, 0);
    view_row_fetched(e, &server); /* nothing was said: as the server has it */
    assert_true(e->there && e->known && strcmp(e->row.rel, "c") == 0);
    view_free(v);
}

static void a_vector_that_is_known_is_kept(void **state)
{
    (void)state;
    struct milvus_view *v = view_new(NULL);
    struct view_pic *e = view_pic_make(v, 7, NULL);
    assert_false(e->known);
    struct milvus_pic with = {.p = {.id = 7}, .embedded = true, .vector = calloc(4, sizeof(float))},
                      without = {.p = {.id = 7, .width = 9}, .embedded = true};
    with.vector[1] = 1;
    view_pic_fetched(e, &with, true);
    assert_true(e->known && e->there && e->vector_known);
    view_pic_fetched(e, &without, false);
    assert_true(e->vector_known && e->pic.vector && e->pic.p.width == 9);
    assert_true(e->pic.vector[1] == 1);
    view_pic_fetched(e, NULL, false); /* gone */
    assert_false(e->there);
    assert_null(e->pic.vector);
    e->dirty = e->there = true; /* put in this transaction */
    view_pic_fetched(e, NULL, false);
    assert_true(e->there);
    view_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_found_again),
        cmocka_unit_test(keys_with_one_tag),
        cmocka_unit_test(what_a_transaction_says_stays),
        cmocka_unit_test(a_vector_that_is_known_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
