/* milvus_text.h - bytes as text that Milvus takes, and back; and literals of its expressions. */
#ifndef STORE_MILVUS_TEXT_H
#define STORE_MILVUS_TEXT_H

#include "base/buf.h"

/* Append bytes [n] (a path, a name: any but NUL) as UTF-8: what is no part of valid UTF-8 becomes U+10FF00 + byte, and so does each
 * byte of a real U+10FF00..U+10FFFF. Equal texts come from equal bytes only; texts that are joined are the texts of joined bytes if
 * the first ends at the end of a character. */
int milvus_text_put(struct buf *out, const char *bytes, size_t n, struct eye_err *err);
/* The bytes of such a text, appended. EYE_EFORMAT: it is none. */
int milvus_text_get(struct buf *out, const char *text, struct eye_err *err);
/* So many of bytes [n] are characters that no byte after them could change. */
size_t milvus_text_whole(const char *bytes, size_t n);
/* Are the bytes valid UTF-8, so that they are a part of other bytes exactly if their text is a part of the others' text? */
bool milvus_text_plain(const char *bytes, size_t n);

/* Append text as a string literal of an expression, quotes and all. */
int milvus_text_quote(struct buf *out, const char *text, struct eye_err *err);
/* Append the literal of the least text that is larger than all that begin with `text`; false: there is none. */
bool milvus_text_quote_after(struct buf *out, const char *text, int *rc, struct eye_err *err);

#endif
