/* fuzz_object.c - what an object store answers, its first byte how it is cut: a page of a listing or an error; and any text as
 * the address of a place. What is taken must be fit to be used: keys without a NUL in them, codes of letters, prefixes that lead nowhere else. */
#include "fuzz.h"

#include <string.h>

#include "object/internal.h"

static void check_page(const struct object_xml *x)
{
    for (size_t i = 0; i < object_xml_count(x); i++) {
        struct object_info info = object_xml_at(x, i);
        PROMISE(info.key && info.key[0] && strlen(info.key) <= 4096);
        PROMISE(info.mtime_ns >= 0);
        if (object_name_is_plain(info.key))
            PROMISE(info.key[0] != '/' && !strstr(info.key, "//") && !strstr(info.key, "/../"));
    }
    PROMISE(!object_xml_next(x) || (object_xml_more(x) && object_xml_next(x)[0]));
}

static void read_answer(const char *text, size_t len, size_t step)
{
    struct object_xml *x = object_xml_new(NULL);
    PROMISE(x);
    bool ok = true;
    for (size_t at = 0; ok && at < len; at += step)
        ok = object_xml_feed(x, text + at, len - at < step ? len - at : step, false);
    if (ok && object_xml_finish(x))
        check_page(x);
    const char *code = object_xml_error(x);
    PROMISE(strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(code));
    object_xml_free(x);
}

static void read_url(const char *text)
{
    char *bucket, *prefix;
    struct eye_err err = {0, ""};
    if (object_url_parse(text, &bucket, &prefix, &err) == 0) {
        PROMISE(bucket[0] && !strpbrk(bucket, "/?#%@: "));
        PROMISE(!prefix[0] || object_name_is_plain(prefix));
    } else {
        PROMISE(err.code == EYE_EINVAL && err.msg[0]);
    }
    free(bucket);
    free(prefix);
    char *copy = strdup(text);
    PROMISE(copy);
    if (object_decode(copy))
        PROMISE(strlen(copy) <= strlen(text));
    free(copy);
    object_time(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    char *text = malloc(len);
    PROMISE(text);
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    read_answer(text, len - 1, data[0] ? data[0] : 4096);
    read_url(text);
    free(text);
    return 0;
}
