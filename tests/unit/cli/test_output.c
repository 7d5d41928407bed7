/* test_output.c - numbers, times and names as people and programs read them. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/json.h"
#include "cli/cli.h"

static void bytes_and_times(void **state)
{
    (void)state;
    char out[24];
    char counted[48];
    assert_string_equal(cli_count(1, "file", counted), "1 file");
    assert_string_equal(cli_count(0, "file", counted), "0 files");
    assert_string_equal(cli_count(12345, "group", counted), "12345 groups");
    cli_human_bytes(0, out);
    assert_string_equal(out, "0 B");
    cli_human_bytes(999, out);
    assert_string_equal(out, "999 B");
    cli_human_bytes(1000, out);
    assert_string_equal(out, "1.0 kB");
    cli_human_bytes(55373244, out);
    assert_string_equal(out, "55.4 MB");
    cli_human_bytes(999999, out);
    assert_string_equal(out, "1.0 MB");
    cli_human_time(7.4, out);
    assert_string_equal(out, "0:07");
    cli_human_time(3723, out);
    assert_string_equal(out, "1:02:03");
    cli_human_time(-1, out);
    assert_string_equal(out, "0:00");
}

/* The object that cli_json_path writes for `path`. */
static char *path_json(const char *path)
{
    struct buf b;
    struct json_writer w;
    buf_init(&b, 4096);
    jw_init(&w, &b);
    jw_object(&w);
    cli_json_path(&w, path);
    jw_object_end(&w);
    return buf_detach(&b, NULL);
}

static void paths_in_json_keep_their_bytes(void **state)
{
    (void)state;
    char *plain = path_json("/a/\"b\"\n.jpg");
    assert_string_equal(plain, "{\"path\":\"/a/\\\"b\\\"\\n.jpg\"}");
    char *odd = path_json("/a/\xff.jpg");
    assert_non_null(strstr(odd, "\"path_base64\":\"L2Ev/y5qcGc=\""));
    assert_non_null(strstr(odd, "\xef\xbf\xbd"));
    free(plain);
    free(odd);
}

static void times_in_json(void **state)
{
    (void)state;
    struct buf b;
    struct json_writer w;
    buf_init(&b, 4096);
    jw_init(&w, &b);
    jw_object(&w);
    cli_json_time(&w, "a", 1700000000);
    cli_json_time(&w, "b", EYE_TIME_UNKNOWN);
    cli_json_time(&w, "c", -1);
    jw_object_end(&w);
    assert_string_equal(
        b.data, "{\"a\":\"2023-11-14T22:13:20Z\",\"b\":null,\"c\":\"1969-12-31T23:59:59Z\"}");
    buf_release(&b);
}

static void errors_become_exit_codes(void **state)
{
    (void)state;
    struct eye_err err = {.code = EYE_EINVAL, .msg = "wrong"};
    assert_int_equal(cli_fail(&err), CLI_USAGE);
    err.code = EYE_EIO;
    assert_int_equal(cli_fail(&err), CLI_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_times),
        cmocka_unit_test(paths_in_json_keep_their_bytes),
        cmocka_unit_test(times_in_json),
        cmocka_unit_test(errors_become_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
