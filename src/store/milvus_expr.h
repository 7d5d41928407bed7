/* milvus_expr.h - filters as expressions of Milvus: as much of them as an expression can say.
 *
 * An expression lets pass exactly what the filter does (exact), or more; never less. What it lets pass too much is left to match.h. */
#ifndef STORE_MILVUS_EXPR_H
#define STORE_MILVUS_EXPR_H

#include "base/buf.h"
#include "store/ids.h"
#include "store/match.h"

struct milvus_expr {
    enum {
        MILVUS_NOTHING,
        MILVUS_SOME,
        MILVUS_ALL
    } says;          /* of all rows; there is no constant to write */
    struct buf text; /* MILVUS_SOME */
    bool exact;
    bool facets; /* all that is asked of pictures themselves is said */
};
void milvus_expr_init(struct milvus_expr *e);
void milvus_expr_release(struct milvus_expr *e);

/* What a node of a tree, an IS, asks of files. */
struct milvus_leaf {
    const struct store_where *node;
    struct match_files *files;
    struct store_ids ids; /* known: the pictures of which a file passes */
    bool known;
};

enum { MILVUS_IDS_MAX = 8192 }; /* ids that are written into an expression, for each leaf */

/* Of pictures. leaves [n]: of each IS that asks anything of files. like: the server knows LIKE "%x%". */
int milvus_expr_where(const struct store_where *w, const struct milvus_leaf *leaves, size_t n,
                      bool like, struct milvus_expr *out, struct eye_err *err);
/* Of files. */
int milvus_expr_files(const struct match_files *m, bool like, struct milvus_expr *out,
                      struct eye_err *err);
/* Append "field in [...]". */
int milvus_expr_ids(struct buf *out, const char *field, const int64_t *ids, size_t n,
                    struct eye_err *err);

/* ---- conditions that are joined (milvus_terms.c) ---- */

struct milvus_terms {
    bool any;     /* of them must hold; else all */
    bool decided; /* by one that says nothing passes (all), or everything (any) */
    struct buf *v;
    size_t n;
    int rc;
    struct eye_err *err;
};
void milvus_terms_init(struct milvus_terms *t, bool any, struct eye_err *err);
void milvus_terms_constant(struct milvus_terms *t, bool value);
/* A comparison, as printf writes it: numbers and names of fields, never texts. */
void milvus_terms_add(struct milvus_terms *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "field op literal" of bytes [n]. */
void milvus_terms_text(struct milvus_terms *t, const char *field, const char *op, const char *bytes,
                       size_t n);
/* field op value (">=" or "<="), for any value. */
void milvus_terms_real(struct milvus_terms *t, const char *field, const char *op, double value);
/* The field begins with bytes [n], which are not empty; false: with no more than is said, for a character is cut. */
bool milvus_terms_prefix(struct milvus_terms *t, const char *field, const char *bytes, size_t n);
/* The field has bytes [n] as a part; false: it has no more than what is said, which may be nothing. */
bool milvus_terms_part(struct milvus_terms *t, const char *field, const char *bytes, size_t n);
/* What was written before, in parentheses where it needs them. */
void milvus_terms_raw(struct milvus_terms *t, const struct buf *text);
/* A group, with its constant. It is released. */
void milvus_terms_group(struct milvus_terms *t, struct milvus_terms *group);
/* Written out, in parentheses if there are two or more; not: negated. t is released. Its rc. */
int milvus_terms_write(struct milvus_terms *t, bool not, struct milvus_expr *out);
void milvus_terms_release(struct milvus_terms *t);

#endif
