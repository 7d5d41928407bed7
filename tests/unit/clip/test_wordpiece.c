/* test_wordpiece.c - BERT's WordPiece against the ids of open_clip's HFTokenizer, and its settings and bad files. */
#include "token_golden.h"

static void compare_with(const struct tokenizer *tok, const char *path)
{
    int rows = 0;
    assert_int_equal(golden_compare(tok, path, &rows), 0);
    assert_true(rows > 500);
}

static void reference_ids(void **state)
{
    (void)state;
    struct eye_err err;
    struct tokenizer *tok = tokenizer_open("models/starter", "bert", 64, &err);
    if (!tok)
        fail_msg("%s", err.msg);
    compare_with(tok, "tests/golden/tokens/wordpiece.jsonl");
    assert_string_equal(tokenizer_kind(tok), "WordPiece");
    assert_int_equal(tokenizer_vocabulary(tok), 30522);
    tokenizer_close(tok);
}

/* The same from tokenizer.json alone. */
static void reference_ids_from_json(void **state)
{
    (void)state;
    struct eye_err err;
    struct buf json;
    buf_init(&json, 1 << 24);
    assert_int_equal(fs_read_all("models/starter/tokenizer.json", &json, &err), 0);
    struct token_files files = {.json = json.data, .json_len = json.len};
    struct tokenizer *tok = tokenizer_open_bytes(&files, "test", 64, &err);
    if (!tok)
        fail_msg("%s", err.msg);
    buf_release(&json);
    compare_with(tok, "tests/golden/tokens/wordpiece.jsonl");
    tokenizer_close(tok);
}

static struct tokenizer *open_plain(const char *vocab, const char *config, struct eye_err *err)
{
    struct token_files files = {.vocab = vocab, .vocab_len = strlen(vocab), .config = config};
    files.config_len = config ? strlen(config) : 0;
    return tokenizer_open_bytes(&files, "test", 8, err);
}

static void expect(const struct tokenizer *tok, const char *text, const char *want)
{
    int ids[8];
    char got[128] = "";
    size_t len = 0;
    int n = tokenizer_encode(tok, text, ids, 8, NULL);
    for (int i = 0; i < n; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%d", i ? " " : "", ids[i]);
    assert_string_equal(got, want);
}

static void settings(void **state)
{
    (void)state;
    struct eye_err err;
    const char *vocab = "[PAD]\n[UNK]\r\n[CLS]\n[SEP]\nDog\ndog\n##s\n\xc3\xa9\ne\n\xe7\x8c\xab";
    struct tokenizer *tok = open_plain(vocab, NULL, &err);
    assert_non_null(tok);
    expect(tok, "Dog dogs \xc3\xa9 \xe7\x8c\xab\xe7\x8c\xab", "2 5 5 6 8 9 9 3");
    expect(tok, "dogss x", "2 5 6 6 1 3");
    expect(tok, "a b c d e f g h", "2 1 1 1 1 8 1 3");
    tokenizer_close(tok);

    tok = open_plain(vocab, "{\"do_lower_case\":false,\"tokenize_chinese_chars\":false}", &err);
    assert_non_null(tok);
    expect(tok, "Dog dogs \xc3\xa9 \xe7\x8c\xab\xe7\x8c\xab", "2 4 5 6 7 1 3");
    tokenizer_close(tok);
}

static void bad_files(void **state)
{
    (void)state;
    struct eye_err err;
    assert_null(open_plain("a\nb\n", NULL, &err));
    assert_int_equal(err.code, EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "[UNK]"));
    assert_null(open_plain("[UNK]\n[CLS]\n", NULL, &err));
    assert_non_null(strstr(err.msg, "[SEP]"));
    assert_null(open_plain("[UNK]\n[CLS]\n[SEP]\n", "{", &err));
    assert_int_equal(err.code, EYE_EFORMAT);

    static const char *const JSON[] = {
        "[]",
        "{",
        "{\"model\":{\"type\":\"Unigram\"}}",
        "{\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":"
        "\"BertPreTokenizer\"},"
        "\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":-1}}}",
        "{\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":"
        "\"BertPreTokenizer\"},"
        "\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":99999999999}}}",
        "{\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":"
        "\"BertPreTokenizer\"},"
        "\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":\"x\"}}}"};
    for (size_t i = 0; i < sizeof JSON / sizeof JSON[0]; i++) {
        struct token_files files = {.json = JSON[i], .json_len = strlen(JSON[i])};
        assert_null(tokenizer_open_bytes(&files, "test", 8, &err));
        assert_int_equal(err.code, EYE_EFORMAT);
    }
    assert_null(tokenizer_open("tests/golden", "some/bert", 8, &err));
    assert_int_equal(err.code, EYE_ENOTFOUND);
    assert_non_null(strstr(err.msg, "some/bert"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_ids),
        cmocka_unit_test(reference_ids_from_json),
        cmocka_unit_test(settings),
        cmocka_unit_test(bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
