/* queries.h - what `search` looks for: query lines, texts taken as they are, or a picture. */
#ifndef CLI_QUERIES_H
#define CLI_QUERIES_H

#include "cli/cli.h"

/* One of --queries, or the only one. */
struct query {
    const char *text; /* as it came, for headings and messages; NULL: a picture */
    char *words;   /* yours: words of a plain line that differ from its text; NULL: none, or not */
    bool line;     /* to be read as a line each time it is searched */
    eye_query own; /* else: this alone */
};

struct query_set {
    struct query *items;
    size_t n;
    struct buf text; /* the words, or the lines of --queries with NULs for newlines */
    int fd;          /* a picture from a pipe; -1 */
    int64_t now;     /* of the lines' "today" */
};
void query_set_init(struct query_set *set);
void query_set_release(struct query_set *set);

struct query_args {
    const struct cli_list *words;
    const char *image, *file; /* --image, --queries */
    int64_t like;
    bool literal;
};
/* One of them, checked to its end before anything is searched. 0, or an exit code after saying what is wrong. */
int query_set_read(const struct cli_ctx *ctx, const struct query_args *args, struct query_set *set);

/* A query ready to be searched. */
struct asked {
    eye_ask *ask; /* NULL: no line */
    eye_term own;
    const eye_term *terms; /* [nterms] */
    size_t nterms;
    const eye_where *where;
    const char *filters; /* the same as a line; "" */
    float min_score;     /* -2: none */
};
int query_ask(const struct query_set *set, size_t i, struct asked *out);
void query_asked(struct asked *a); /* frees what query_ask made */

/* ---- caret.c ---- */
/* The line, or what is near the place, and a caret under each character of it. */
void cli_put_caret(FILE *out, const char *line, eye_span where);

#endif
