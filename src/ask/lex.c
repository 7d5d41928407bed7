/* lex.c - a line as tokens.
 *
 * The one rule behind all the others: whatever does not clearly mean something else is a word. So each sign of the grammar counts
 * only where a person who does not know it would hardly put it: at the beginning of a word ("t-shirt" and "C++" are words), and
 * with what it needs behind it ("#hashtag", "12:30", ":-)", "a -> b", "(sleeping)" are words). Parentheses are found by
 * looking ahead for a filter. A grammar for a parser generator was begun and dropped: its words were what was left over
 * after a dozen exceptions.
 *
 * Each byte is looked at a bounded number of times: what looking ahead found is remembered. */
#include "ask/ask.h"

struct lexer {
    const char *s;
    size_t len, at;
    size_t depth; /* parentheses that are open */
    /* Parentheses of text that are open: how many, where the first is, and whether a filter came since. */
    size_t aside, aside_at;
    bool aside_filter;
    /* From ahead_from up to ahead_to there are only signs, "not" and parentheses, and then what ahead says. */
    size_t ahead_from, ahead_to;
    enum { IS_TEXT, IS_FILTER, RAN_OUT } ahead;
    bool no_curly; /* no closing curly quote follows */
    struct ask_token *out;
    size_t n, cap;
    eye_span *where;
    struct eye_err *err;
};

static size_t left_at(const struct lexer *lx, size_t at)
{
    return lx->len - at;
}

static size_t skip_blanks(const struct lexer *lx, size_t at)
{
    for (size_t n; (n = ask_blank(lx->s + at, left_at(lx, at))) > 0;)
        at += n;
    return at;
}

static bool ends_word(const struct lexer *lx, size_t at)
{
    return at == lx->len || ask_blank(lx->s + at, left_at(lx, at)) > 0;
}

static bool ends_value(const struct lexer *lx, size_t at, bool inside)
{
    return ends_word(lx, at) || (inside && lx->s[at] == ')');
}

/* ---- what begins here? ---- */

/* + or -, but not of "--", "->", "-)" and their like. */
static bool is_sign(const struct lexer *lx, size_t at)
{
    if (lx->s[at] != '+' && lx->s[at] != '-')
        return false;
    return at + 1 == lx->len || !strchr("+-><=/),.;:!_|~", lx->s[at + 1]);
}

static enum ask_oper oper_of(const char *s, size_t len)
{
    return ask_is_word(s, len, "and")   ? ASK_AND
           : ask_is_word(s, len, "or")  ? ASK_OR
           : ask_is_word(s, len, "not") ? ASK_NOT
                                        : ASK_NO_OPER;
}

/* A value that tells an unknown key from "std::vector", "http://..." and ":)". */
static bool looks_like_value(char c)
{
    return ask_is_letter(c) || ask_is_digit(c) || strchr("\"*_", c) || (unsigned char)c >= 0x80;
}

/* All of the value is a number. */
static bool is_all_number(const struct lexer *lx, size_t at, bool inside)
{
    double v = 0;
    size_t n = ask_number(lx->s + at, left_at(lx, at), &v);
    return n && ends_value(lx, at + n, inside);
}

/* ":", ">", ">=", "<", "<=", and ":>" for ">" and so on. Bytes of it; 0: none. */
static size_t read_op(const char *s, size_t left, enum ask_op *op)
{
    size_t n = left && *s == ':';
    *op = ASK_IS;
    if (n < left && (s[n] == '<' || s[n] == '>')) {
        bool less = s[n++] == '<', same = n < left && s[n] == '=';
        *op = less ? (same ? ASK_LE : ASK_LT) : (same ? ASK_GE : ASK_GT);
        n += same;
    }
    return n;
}

/* Is it a filter that was misspelt? What only looks like one ("Re:Zero", "localhost:8000") is a word. */
static bool is_slip(const struct lexer *lx, const struct ask_token *t, size_t value, bool inside)
{
    const char *meant;
    bool filled = t->op == ASK_IS ? looks_like_value(lx->s[value]) &&
                                        !ask_blank(lx->s + value, left_at(lx, value))
                                  : is_all_number(lx, value, inside);
    return filled && ask_key_near(lx->s + t->name.at, t->name.len, &meant);
}

/* Key and operator of a condition that begins here: bytes up to its value; 0: no condition. */
static size_t cond_head(const struct lexer *lx, size_t at, bool inside, struct ask_token *t)
{
    const char *s = lx->s;
    size_t end = at;
    while (end < lx->len && end - at <= 32 &&
           (ask_is_letter(s[end]) || s[end] == '_' || (end > at && s[end] == '-')))
        end++;
    size_t op = end > at ? read_op(s + end, left_at(lx, end), &t->op) : 0;
    size_t value = end + op;
    if (op == 0 || ends_value(lx, value, inside))
        return 0;
    t->name = (eye_span){at, end - at};
    t->key = ask_key_of(s + at, end - at);
    return t->key == ASK_NO_KEY && !is_slip(lx, t, value, inside) ? 0 : value - at;
}

/* Bytes of a sign, a "not" or a parenthesis, which may stand before a condition; 0: none of these. */
static size_t before_filter(const struct lexer *lx, size_t at)
{
    if (at == lx->len)
        return 0;
    if (lx->s[at] == '(' || is_sign(lx, at))
        return 1;
    bool turns = left_at(lx, at) >= 3 && oper_of(lx->s + at, 3) == ASK_NOT;
    return turns && (ends_word(lx, at + 3) || lx->s[at + 3] == '(') ? 3 : 0;
}

/* Does a filter follow this parenthesis? Each later parenthesis of the same run has the same answer. */
static bool opens(struct lexer *lx, size_t at)
{
    struct ask_token t;
    if (at < lx->ahead_from || at >= lx->ahead_to) {
        size_t to = at;
        for (size_t n; (n = before_filter(lx, to)) > 0;)
            to = skip_blanks(lx, to + n);
        lx->ahead_from = at;
        lx->ahead_to = to;
        lx->ahead = to == lx->len ? RAN_OUT : cond_head(lx, to, true, &t) ? IS_FILTER : IS_TEXT;
    }
    return lx->ahead == IS_FILTER;
}

/* "2:" directly before something that can be weighed: bytes of it; 0: it is the text "16:9", "12:30", "2: the sequel". */
static size_t weight_head(struct lexer *lx, size_t at)
{
    double w = 0;
    size_t n = ask_number(lx->s + at, left_at(lx, at), &w), next = at + n + 1;
    if (n == 0 || next >= lx->len || lx->s[next - 1] != ':' || ends_word(lx, next))
        return 0;
    char c = lx->s[next];
    bool term = ask_is_letter(c) || strchr("\"@#", c) || (unsigned char)c >= 0x80;
    if ((c == '+' || c == '-') && next + 1 < lx->len) { /* the parser says how it is written */
        char d = lx->s[next + 1];
        term = ask_is_letter(d) || strchr("\"@#", d);
    }
    return term || (c == '(' && opens(lx, next)) ? n + 1 : 0;
}

/* ---- reading ---- */

static int add(struct lexer *lx, const struct ask_token *t)
{
    if (lx->n == lx->cap) {
        size_t cap = lx->cap ? 2 * lx->cap : 32;
        struct ask_token *out = mem_realloc(lx->out, cap, sizeof *out, lx->err);
        if (!out)
            return EYE_ENOMEM;
        lx->out = out;
        lx->cap = cap;
    }
    lx->out[lx->n++] = *t;
    return 0;
}

/* From the quote at `at`: *text is what is inside, the result where the line goes on; 0: it has no end. */
static size_t quoted(const struct lexer *lx, size_t at, struct ask_token *t)
{
    size_t i = at + 1;
    t->escaped = false;
    for (; i < lx->len && lx->s[i] != '"'; i++)
        if (lx->s[i] == '\\' && i + 1 < lx->len) {
            t->escaped = true;
            i++;
        }
    t->text = (eye_span){at + 1, i - at - 1};
    return i < lx->len ? i + 1 : 0;
}

static int no_end(struct lexer *lx, size_t at)
{
    return ask_wrong(lx->where, (eye_span){at, 1}, lx->err,
                     "this quote has no end: put another \" behind the last word, or take it out");
}

/* The curly quotes that phones and word processors make of straight ones. */
static const char curly_open[] = "\xe2\x80\x9c", curly_close[] = "\xe2\x80\x9d";

static size_t curly(struct lexer *lx, size_t at, struct ask_token *t)
{
    if (lx->no_curly || left_at(lx, at) < 3 || memcmp(lx->s + at, curly_open, 3) != 0)
        return 0;
    const char *end = strstr(lx->s + at + 3, curly_close);
    lx->no_curly = !end;
    if (!end)
        return 0;
    size_t close = (size_t)(end - lx->s);
    t->text = (eye_span){at + 3, close - at - 3};
    return close > at + 3 ? close + 3 : 0;
}

/* A comma or full stop behind a quoted phrase says nothing, and would be a term. */
static size_t after_phrase(const struct lexer *lx, size_t at)
{
    size_t end = at;
    while (end < lx->len && strchr(",;.!?", lx->s[end]))
        end++;
    return ends_word(lx, end) ? end : at;
}

static size_t bare_end(const struct lexer *lx, size_t at, bool inside)
{
    for (int nested = 0; !ends_word(lx, at); at++) {
        nested += lx->s[at] == '(';
        if (lx->s[at] == ')' && inside && nested-- == 0)
            break;
    }
    return at;
}

static int read_cond(struct lexer *lx, size_t head, struct ask_token *t)
{
    size_t value = lx->at + head, end;
    if (lx->s[value] == '"') {
        end = quoted(lx, value, t);
        if (!end)
            return no_end(lx, value);
    } else {
        end = bare_end(lx, value, lx->depth > 0 || lx->aside > 0);
        t->text = (eye_span){value, end - value};
    }
    lx->aside_filter = true;
    t->kind = ASK_COND;
    t->span.len = end - lx->at;
    lx->at = end;
    return 0;
}

static int read_file(struct lexer *lx, struct ask_token *t)
{
    size_t name = lx->at + 1, end;
    if (lx->s[name] == '"') {
        end = quoted(lx, name, t);
        if (!end)
            return no_end(lx, name);
    } else {
        end = bare_end(lx, name, lx->depth > 0);
        t->text = (eye_span){name, end - name};
    }
    t->kind = ASK_FILE;
    t->span.len = end - lx->at;
    lx->at = end;
    return 0;
}

static bool read_id(struct lexer *lx, struct ask_token *t)
{
    size_t end = lx->at + 1;
    while (end < lx->len && ask_is_digit(lx->s[end]))
        end++;
    if (end == lx->at + 1 || !ends_value(lx, end, lx->depth > 0))
        return false;
    t->kind = ASK_ID;
    t->text = (eye_span){lx->at + 1, end - lx->at - 1};
    t->span.len = end - lx->at;
    lx->at = end;
    return true;
}

/* Follows the parentheses of text through a word. Those with a filter between them were meant to hold it: false. */
static bool follow_asides(struct lexer *lx, size_t at, size_t end)
{
    size_t nested = 0;
    for (bool begins = true; at < end; at++) {
        begins = begins && lx->s[at] == '(';
        if (begins && lx->aside++ == 0) {
            lx->aside_at = at;
            lx->aside_filter = false;
        }
        nested += lx->s[at] == '(' && !begins;
        if (lx->s[at] != ')')
            continue;
        if (nested)
            nested--;
        else if (lx->aside && --lx->aside == 0 && lx->aside_filter)
            return false;
    }
    return true;
}

static int read_word(struct lexer *lx, struct ask_token *t)
{
    size_t at = lx->at, letters = at;
    while (letters < lx->len && ask_is_letter(lx->s[letters]))
        letters++;
    bool tight = letters < lx->len && lx->s[letters] == '(' && oper_of(lx->s + at, letters - at) &&
                 opens(lx, letters); /* or(...) */
    size_t end = tight ? letters : bare_end(lx, at, lx->depth > 0);
    t->kind = ASK_WORD;
    t->span.len = end - at;
    t->text = t->span;
    t->oper = oper_of(lx->s + at, end - at);
    lx->at = end;
    if (follow_asides(lx, at, end))
        return 0;
    return ask_wrong(lx->where, (eye_span){lx->aside_at, 1}, lx->err, ASK_NO_WORDS_INSIDE);
}

/* A token of one kind and length, without more to it. */
static void read_mark(struct lexer *lx, struct ask_token *t, enum ask_kind kind, size_t len)
{
    t->kind = kind;
    t->span.len = len;
    t->minus = lx->s[lx->at] == '-';
    lx->at += len;
    lx->depth += kind == ASK_OPEN;
    lx->depth -= kind == ASK_CLOSE;
}

static int read_phrase(struct lexer *lx, struct ask_token *t)
{
    size_t end = quoted(lx, lx->at, t);
    if (!end)
        return no_end(lx, lx->at);
    t->kind = ASK_PHRASE;
    t->span.len = end - lx->at;
    lx->at = after_phrase(lx, end);
    return 0;
}

static int read_letters(struct lexer *lx, struct ask_token *t)
{
    size_t n = cond_head(lx, lx->at, lx->depth > 0, t);
    if (n)
        return read_cond(lx, n, t);
    n = curly(lx, lx->at, t);
    if (n) {
        t->kind = ASK_PHRASE;
        t->span.len = n - lx->at;
        lx->at = after_phrase(lx, n);
        return 0;
    }
    n = weight_head(lx, lx->at);
    if (n == 0)
        return read_word(lx, t);
    read_mark(lx, t, ASK_WEIGHT, n);
    return 0;
}

/* The token at lx->at, which is no blank. */
static int read_one(struct lexer *lx, struct ask_token *t)
{
    char c = lx->s[lx->at];
    bool alone = ends_word(lx, lx->at + 1);
    *t = (struct ask_token){.span = {lx->at, 0}, .key = ASK_NO_KEY};
    if (c == '"')
        return read_phrase(lx, t);
    if (c == '@' && !alone)
        return read_file(lx, t);
    if (c == '#' && read_id(lx, t))
        return 0;
    if (c == ')' && lx->depth)
        read_mark(lx, t, ASK_CLOSE, 1);
    else if (c == '(' && opens(lx, lx->at))
        read_mark(lx, t, ASK_OPEN, 1);
    else if (is_sign(lx, lx->at))
        read_mark(lx, t, ASK_SIGN, 1);
    else
        return read_letters(lx, t);
    return 0;
}

struct ask_token *ask_lex(const char *line, size_t len, eye_span *where, struct eye_err *err)
{
    struct lexer lx = {.s = line, .len = len, .where = where, .err = err};
    struct ask_token t;
    int rc = 0;
    while (rc == 0 && (lx.at = skip_blanks(&lx, lx.at)) < len) {
        rc = read_one(&lx, &t);
        rc = rc ? rc : add(&lx, &t);
    }
    t = (struct ask_token){.kind = ASK_END, .span = {len, 0}};
    if (rc || add(&lx, &t)) {
        free(lx.out);
        return NULL;
    }
    for (size_t i = lx.n - 1; i-- > 0;) {
        struct ask_token *k = &lx.out[i];
        bool before = k->kind == ASK_SIGN || (k->kind == ASK_WORD && k->oper == ASK_NOT);
        k->starts = before ? k[1].starts : k->kind == ASK_COND || k->kind == ASK_OPEN;
    }
    return lx.out;
}

/* ---- for the printer ---- */

bool ask_stays_bare(const char *words, bool weighed)
{
    struct eye_err err;
    eye_span where;
    struct ask_token t = {.kind = ASK_END};
    struct lexer lx = {.s = words, .len = strlen(words), .where = &where, .err = &err};
    if (lx.len == 0 || (weighed && !ask_is_letter(*words) && (unsigned char)*words < 0x80))
        return false;
    while (lx.at < lx.len) {
        size_t begin = lx.at;
        bool depends = memcmp(words + begin, curly_open, left_at(&lx, begin) < 3 ? 1 : 3) == 0;
        if (depends || ask_blank(words + begin, left_at(&lx, begin)) || read_one(&lx, &t) ||
            t.kind != ASK_WORD)
            return false;
        if (lx.at < lx.len && (words[lx.at++] != ' ' || lx.at == lx.len))
            return false;
    }
    /* a parenthesis at the end is for what follows to explain */
    return t.oper == ASK_NO_OPER && !(lx.ahead_to == lx.len && lx.ahead == RAN_OUT);
}

bool ask_stays_value(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (ask_blank(text + i, len - i) || text[i] == '(' || text[i] == ')')
            return false;
    return len && !strchr("\"<>", *text);
}
