/* What a collection says of itself, and what is no collection of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/milvus_schema.h"

static void told_and_heard(void **state)
{
    (void)state;
    struct milvus_model model = {.name = "star\"ter\xff", .dim = 384}, out;
    struct eye_err err = {0};
    struct buf text;
    hash_bytes("weights", 7, &model.fingerprint);
    buf_init(&text, 4096);
    assert_int_equal(milvus_schema_tell(MILVUS_PICTURES, &model, &text, &err), 0);
    assert_int_equal(milvus_schema_heard(text.data, MILVUS_PICTURES, "demo", &out, &err), 0);
    assert_int_equal(hash_cmp(&out.fingerprint, &model.fingerprint), 0);
    assert_int_equal(out.dim, 384);
    assert_memory_equal(out.name, "star\"ter", 8);
    assert_int_equal(milvus_schema_heard(text.data, MILVUS_FILES, "demo", &out, &err), EYE_EFORMAT);
    buf_clear(&text);
    assert_int_equal(milvus_schema_tell(MILVUS_FILES, NULL, &text, &err), 0);
    assert_int_equal(milvus_schema_heard(text.data, MILVUS_FILES, "demo_files", &out, &err), 0);
    assert_int_equal(milvus_schema_heard(text.data, MILVUS_PICTURES, "demo", &out, &err),
                     EYE_EFORMAT);
    buf_release(&text);
}

static void what_is_not_ours(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "another program"},
        {"my pictures", "another program"},
        {"[]", "another program"},
        {"{}", "another program"},
        {"{\"eyeshine\":0}", "another program"},
        {"{\"eyeshine\":2}", "newer"},
        {"{\"eyeshine\":1}", "model"},
        {"{\"eyeshine\":1,\"model\":\"xyz\",\"name\":\"a\",\"dim\":8}", "model"},
        {"{\"eyeshine\":1,\"model\":"
         "\"0011223344556677889900112233445566778899001122334455667788990011\",\"dim\":0}",
         "model"},
        {"{\"eyeshine\":1,\"model\":"
         "\"0011223344556677889900112233445566778899001122334455667788990011\",\"dim\":99999}",
         "model"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct milvus_model out;
        struct eye_err err = {0};
        assert_int_equal(milvus_schema_heard(bad[i].text, MILVUS_PICTURES, "the demo", &out, &err),
                         EYE_EFORMAT);
        if (!strstr(err.msg, bad[i].words) || !strstr(err.msg, "the demo"))
            print_message("%s -> %s\n", bad[i].text, err.msg);
        assert_non_null(strstr(err.msg, bad[i].words));
        assert_non_null(strstr(err.msg, "the demo"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_and_heard),
        cmocka_unit_test(what_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
