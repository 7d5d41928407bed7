/* test_hostile.c - the folder of tools/hostile/make_hostile.py through the decoder: each file ends as it is expected to,
 * with a reason, none kills or hangs a worker, and memory stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "image/image.h"

struct visit {
    struct decoder_pool *pool;
    char folder[256];
    int good, failed, wrong;
};

/* Percent-encoding undone, in place. */
static void unquote(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        char hex[3] = {0};
        if (*at == '%' && at[1] && at[2]) {
            memcpy(hex, at + 1, 2);
            *to++ = (char)strtol(hex, NULL, 16);
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

static bool code_expected(const struct json *codes, int code)
{
    for (size_t i = 0; i < json_size(codes); i++)
        if (strcmp(json_str(json_at(codes, i), ""), eye_err_name(code)) == 0)
            return true;
    return false;
}

static int decode_path(struct decoder_pool *pool, const char *path, struct eye_err *err)
{
    struct image_prep prep = {.width = 64, .height = 64};
    struct image img = {0, 0, NULL};
    struct image_meta meta;
    struct stat st;
    int fd = fs_open_regular(path, &st, err);
    if (fd < 0)
        return fd;
    int code = decoder_decode(pool, fd, &prep, &img, &meta, err);
    image_release(&img);
    close(fd);
    return code;
}

static void visit_one(struct visit *v, const struct json *entry)
{
    struct eye_err err = {0, ""};
    const char *expect = json_get_str(entry, "expect", "");
    const char *quoted = json_get_str(entry, "path", "");
    char *name = mem_strdup(quoted, NULL);
    assert_non_null(name);
    unquote(name);
    char *path = fs_join(v->folder, name, NULL);
    assert_non_null(path);
    int code = strcmp(expect, "skipped") == 0 ? 0 : decode_path(v->pool, path, &err);
    bool ok = true;
    if (strcmp(expect, "good") == 0)
        ok = code == 0, v->good++;
    else if (strcmp(expect, "failed") == 0)
        ok = code_expected(json_get(entry, "codes"), code) && err.msg[0], v->failed++;
    else if (strcmp(expect, "any") == 0)
        ok = code == 0 || code_expected(json_get(entry, "codes"), code);
    if (!ok) {
        print_message("%s: %s, but %d %s (%s)\n", quoted, expect, code, err.msg,
                      json_get_str(entry, "why", ""));
        v->wrong++;
    }
    free(path);
    free(name);
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static void test_hostile_folder(void **state)
{
    (void)state;
    struct visit v = {.wrong = 0};
    struct eye_err err = {0, ""};
    char command[1024], base[] = "/tmp/eyeshine-hostile-XXXXXX";
    assert_non_null(mkdtemp(base));
    snprintf(v.folder, sizeof(v.folder), "%s/files", base);
    snprintf(command, sizeof(command),
             "python3 tools/hostile/make_hostile.py --base tests/golden/pixels %s >/dev/null",
             v.folder);
    run(command);
    v.pool = decoder_open(1, NULL, &err);
    if (!v.pool)
        fail_msg("%s", err.msg);
    snprintf(command, sizeof(command), "%s.expect.json", v.folder);
    struct json *root = json_parse_file(command, 1 << 20, &err);
    if (!root)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < json_size(root); i++)
        visit_one(&v, json_at(root, i));
    json_free(root);
    decoder_close(v.pool);
    snprintf(command, sizeof(command), "rm -rf %s", base);
    run(command);
    assert_true(v.good >= 20);
    assert_true(v.failed >= 60);
    assert_int_equal(v.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
