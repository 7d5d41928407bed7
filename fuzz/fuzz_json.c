/* fuzz_json.c - whatever is read as JSON can be written again, and then reads as the same. */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"

static void rewrite(struct json_writer *w, const struct json *v);

static int rewrite_member(void *ctx, const char *key, const struct json *v)
{
    jw_key(ctx, key);
    rewrite(ctx, v);
    return 0;
}

static void rewrite(struct json_writer *w, const struct json *v)
{
    if (json_is_object(v)) {
        jw_object(w);
        json_each(v, rewrite_member, w);
        jw_object_end(w);
    } else if (json_is_array(v)) {
        jw_array(w);
        for (size_t i = 0; i < json_size(v); i++)
            rewrite(w, json_at(v, i));
        jw_array_end(w);
    } else if (json_is_string(v)) {
        jw_str(w, json_str(v, ""));
    } else if (json_is_number(v)) {
        jw_num(w, json_num(v, 0), 17);
    } else {
        jw_null(w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct eye_err err = {0, ""};
    struct json *root = json_parse((const char *)data, len, "fuzz", &err);
    if (!root) {
        PROMISE(err.code < 0 && err.msg[0] != '\0');
        PROMISE(utf8_valid(err.msg, strlen(err.msg)));
        return 0;
    }
    struct buf text;
    struct json_writer w;
    buf_init(&text, 1 << 24);
    jw_init(&w, &text);
    rewrite(&w, root);
    json_free(root);
    if (w.code == 0) {
        root = json_parse(text.data, text.len, "again", &err);
        PROMISE(root != NULL);
        json_free(root);
    }
    buf_release(&text);
    return 0;
}
