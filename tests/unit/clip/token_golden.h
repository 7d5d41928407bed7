/* token_golden.h - compare a tokenizer with a file of golden ids (tools/golden/make_tokens.py). */
#ifndef TEST_TOKEN_GOLDEN_H
#define TEST_TOKEN_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "clip/token.h"

enum { GOLDEN_IDS = 128 };

/* The text of a row: "text", or the bytes of "hex". */
static inline void golden_text(const struct json *row, struct buf *out)
{
    struct eye_err err;
    buf_clear(out);
    const char *hex = json_get_str(row, "hex", "");
    assert_int_equal(buf_puts(out, json_get_str(row, "text", ""), &err), 0);
    for (size_t i = 0; hex[i] && hex[i + 1]; i += 2) {
        char pair[3] = {hex[i], hex[i + 1], '\0'};
        assert_int_equal(buf_putc(out, (char)strtol(pair, NULL, 16), &err), 0);
    }
}

/* 1 if the ids differ, with a line that says where. */
static inline int golden_differs(const struct tokenizer *tok, const struct json *row,
                                 const struct buf *text)
{
    struct eye_err err;
    const struct json *want = json_get(row, "ids");
    int ids[GOLDEN_IDS];
    int n = tokenizer_encode(tok, text->data, ids, GOLDEN_IDS, &err);
    if (n < 0)
        fail_msg("%s: %s", text->data, err.msg);
    int at = -1;
    for (int i = 0; i < n && at < 0; i++)
        if (json_int(json_at(want, (size_t)i), -1) != ids[i])
            at = i;
    if (at < 0 && (size_t)n == json_size(want))
        return 0;
    print_message("%.200s: %d ids, reference %zu, first difference at %d\n", text->data, n,
                  json_size(want), at);
    return 1;
}

/* Rows in which ids differ; *rows gets the number of rows. */
static inline int golden_compare(const struct tokenizer *tok, const char *path, int *rows)
{
    struct eye_err err;
    struct buf file, text;
    buf_init(&file, (size_t)256 << 20);
    buf_init(&text, 1 << 20);
    if (fs_read_all(path, &file, &err))
        fail_msg("%s", err.msg);
    int differ = 0;
    *rows = 0;
    for (char *line = file.data; *line;) {
        size_t len = strcspn(line, "\n");
        struct json *row = json_parse(line, len, path, &err);
        if (!row)
            fail_msg("%s", err.msg);
        if (json_get(row, "ids")) {
            golden_text(row, &text);
            differ += golden_differs(tok, row, &text);
            ++*rows;
        }
        json_free(row);
        line += len + (line[len] == '\n');
    }
    buf_release(&text);
    buf_release(&file);
    return differ;
}

#endif
