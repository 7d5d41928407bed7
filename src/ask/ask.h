/* ask.h - what the files of src/ask share: a line becomes tokens (lex.c), tokens become terms and a tree of conditions
 * (parse.c, with keys.c, value.c and date.c), and those are written again, tidied (print.c). */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include "base/buf.h"
#include "eyeshine.h"

/* ---- chars.c: text, a byte at a time; nothing here knows locales ---- */
size_t ask_blank(const char *s, size_t left); /* bytes of the blank that s begins with; 0: none */
bool ask_is_letter(char c);                   /* ASCII */
bool ask_is_digit(char c);
bool ask_is_word(const char *s, size_t len, const char *lower); /* ASCII case ignored */
/* "12", "0.5", ".5": bytes of it, 0: none; *out its value. At most 15 digits are exact. */
size_t ask_number(const char *s, size_t left, double *out);

/* ---- keys.c ---- */
enum ask_key {
    ASK_PATH,
    ASK_ROOT,
    ASK_NAME,
    ASK_FORMAT,
    ASK_CAMERA,
    ASK_TAKEN,
    ASK_AFTER,
    ASK_BEFORE,
    ASK_MODIFIED,
    ASK_ADDED,
    ASK_WIDTH,
    ASK_HEIGHT,
    ASK_MP,
    ASK_ORIENTATION,
    ASK_HAS,
    ASK_GPS,
    ASK_BOX,
    ASK_SCORE,
    ASK_NO_KEY /* none of them */
};
enum ask_key ask_key_of(const char *s, size_t len); /* "folder" is ASK_ROOT; case ignored */
const char *ask_key_name(enum ask_key key);
/* Is it so near to a key, or a key of so many programs, that a filter was meant? *meant: which; NULL: none that we have. */
bool ask_key_near(const char *s, size_t len, const char **meant);

/* ---- lex.c ---- */
enum ask_kind {
    ASK_END,
    ASK_WORD,   /* bare; oper: it is "and", "or" or "not" */
    ASK_PHRASE, /* quoted */
    ASK_FILE,   /* @... */
    ASK_ID,     /* #17 */
    ASK_SIGN,   /* + or - */
    ASK_WEIGHT, /* 2: directly before a term */
    ASK_COND,   /* key:value; ASK_NO_KEY: a key misspelt, which is the parser's to refuse */
    ASK_OPEN,   /* a parenthesis that holds filters */
    ASK_CLOSE
};
enum ask_oper { ASK_NO_OPER, ASK_AND, ASK_OR, ASK_NOT };
enum ask_op { ASK_IS, ASK_GT, ASK_GE, ASK_LT, ASK_LE };

struct ask_token {
    enum ask_kind kind;
    enum ask_oper oper; /* WORD */
    enum ask_key key;   /* COND */
    enum ask_op op;     /* COND */
    eye_span span;      /* all of it */
    eye_span name;      /* COND: the key as written */
    eye_span text;      /* what is meant: inside the quotes, after @, the number, the value */
    bool escaped;       /* text has \" and \\ */
    bool
        starts; /* here begins a filter: a condition or parenthesis, or what negates one. Set by ask_lex. */
    bool minus; /* SIGN */
};

/* line [len] as tokens, the last ASK_END; yours to free. NULL: an error, *where its place. */
struct ask_token *ask_lex(const char *line, size_t len, eye_span *where, struct eye_err *err);
/* Would these words, bare, be read as one term that has exactly them? */
bool ask_stays_bare(const char *words, bool weighed); /* weighed: behind "2:" */
/* Would `text`, bare, be read as the value of a key, wherever it stands? */
bool ask_stays_value(const char *text);

/* ---- the query ---- */

/* One condition: as written, and as the engine takes it. */
struct ask_cond {
    enum ask_key key;
    enum ask_op op;
    const char *text; /* the value; canonical where the key knows words */
    eye_filter filter;
    float score;   /* SCORE */
    eye_span span; /* with its sign or "not" */
    eye_span cut;  /* what to take out of the line to be rid of it */
};

enum ask_shape { ASK_ONE, ASK_ALL, ASK_ANY };
struct ask_node {
    enum ask_shape shape;
    bool negated;
    struct ask_cond *cond;         /* ONE */
    struct ask_node *first, *last; /* ALL, ANY: two parts or more; the line's own ALL any number */
    struct ask_node *next;         /* beside it */
    eye_span span;
    int depth; /* of its eye_where */
};

struct ask_kept; /* ask.c: memory that lives as long as the query */

struct eye_ask {
    char *line;
    size_t len;
    eye_term terms[EYE_ASK_TERMS];
    eye_span term_spans[EYE_ASK_TERMS];
    const char *weights[EYE_ASK_TERMS]; /* as written; NULL: 1 */
    size_t nterms;
    struct ask_node *root; /* ALL */
    eye_ask_filter filters[EYE_ASK_FILTERS];
    size_t nfilters;
    const eye_where *where;
    float min_score;
    const char *text, *where_text;
    struct ask_kept *kept;
};
void *ask_keep(eye_ask *ask, size_t size, struct eye_err *err); /* zeroed */
char *ask_keep_text(eye_ask *ask, const char *s, size_t len, struct eye_err *err);

/* err := EYE_EINVAL and the sentence, *where := span; returns the code. */
int ask_wrong(eye_span *where, eye_span span, struct eye_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define ASK_NO_WORDS_INSIDE                                                                        \
    "only filters stand in parentheses, like (format:png or format:gif); words and pictures go "   \
    "outside"

/* "%.*s" of a piece of the line for a message: whole characters, at most some 40 bytes. */
int ask_piece(const char *s, size_t len);

/* ---- parse.c: fills terms, root ---- */
int ask_parse(eye_ask *ask, const struct ask_token *tokens, int64_t now, eye_span *where,
              struct eye_err *err);
/* ---- value.c: the condition of a token; its text and filter. `value`: unescaped, borrowed for as long as the query ---- */
int ask_value(eye_ask *ask, const struct ask_token *t, const char *value, int64_t now,
              struct ask_cond *out, eye_span *where, struct eye_err *err);
/* ---- date.c ---- */
struct ask_period {
    int64_t from, to; /* from <= t < to */
    bool ago;         /* it was told by how long ago: a moment */
};
/* "2024", "2024-05", "2024-05-31", "2024-05-31T18:00[:00][Z]", "today", "yesterday", "7d", "3w", "2m", "1y". UTC. */
bool ask_date(const char *s, size_t len, int64_t now, struct ask_period *out);
/* ---- where.c: filters, where and min_score from root ---- */
int ask_where(eye_ask *ask, struct eye_err *err);
/* ---- print.c ---- */
int ask_print(eye_ask *ask, struct eye_err *err);
int ask_print_cond(struct buf *b, const struct ask_cond *c, bool negated, struct eye_err *err);

#endif
