/* test_bpe.c - CLIP's byte-pair encoding against open_clip's ids for some 600 awkward texts. */
#include "token_golden.h"

#include <pthread.h>

static struct tokenizer *open_bpe(int context)
{
    struct eye_err err;
    struct tokenizer *tok = tokenizer_open(NULL, NULL, context, &err);
    if (!tok)
        fail_msg("%s", err.msg);
    return tok;
}

static void reference_ids(void **state)
{
    (void)state;
    struct tokenizer *tok = open_bpe(77);
    int rows = 0;
    assert_int_equal(golden_compare(tok, "tests/golden/tokens/bpe.jsonl", &rows), 0);
    assert_true(rows > 500);
    assert_string_equal(tokenizer_kind(tok), "BPE");
    assert_int_equal(tokenizer_vocabulary(tok), 49408);
    tokenizer_close(tok);
}

static void cut_keeps_the_end(void **state)
{
    (void)state;
    int ids[8];
    struct tokenizer *tok = open_bpe(5);
    assert_int_equal(tokenizer_encode(tok, "a photo of a dog", ids, 8, NULL), 5);
    const int want[] = {49406, 320, 1125, 539, 49407};
    assert_memory_equal(ids, want, sizeof want);
    tokenizer_close(tok);

    tok = open_bpe(2);
    assert_int_equal(tokenizer_encode(tok, "dog", ids, 2, NULL), 2);
    assert_int_equal(ids[1], 49407);
    tokenizer_close(tok);
}

static void arguments(void **state)
{
    (void)state;
    struct eye_err err;
    int ids[77];
    assert_null(tokenizer_open(NULL, NULL, 1, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    struct tokenizer *tok = open_bpe(77);
    assert_int_equal(tokenizer_encode(tok, "dog", ids, 76, &err), EYE_EINVAL);
    char *text = malloc(TOKEN_TEXT_MAX + 2);
    assert_non_null(text);
    memset(text, 'a', TOKEN_TEXT_MAX + 1);
    text[TOKEN_TEXT_MAX + 1] = '\0';
    assert_int_equal(tokenizer_encode(tok, text, ids, 77, &err), EYE_ELIMIT);
    text[TOKEN_TEXT_MAX] = '\0'; /* one word of 64 KiB is merged in reasonable time */
    assert_int_equal(tokenizer_encode(tok, text, ids, 77, &err), 77);
    free(text);
    tokenizer_close(tok);
}

static void *encode_often(void *ctx)
{
    const struct tokenizer *tok = ctx;
    intptr_t wrong = 0;
    for (int i = 0; i < 200; i++) {
        int ids[77];
        int n =
            tokenizer_encode(tok, "caf\xc3\x83\xc2\xa9 &amp; supercalifragilistic", ids, 77, NULL);
        wrong += n < 6 || ids[1] != 15304; /* café</w> */
    }
    return (void *)wrong;
}

static void threads_share_it(void **state)
{
    (void)state;
    struct tokenizer *tok = open_bpe(77);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, tok), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_ptr_equal(wrong, NULL);
    }
    tokenizer_close(tok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_ids),
        cmocka_unit_test(cut_keeps_the_end),
        cmocka_unit_test(arguments),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
