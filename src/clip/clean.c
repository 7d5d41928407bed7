/* clean.c - what open_clip's tokenizers do to a text first: ftfy.fix_text, html.unescape twice, white space.
 *
 * Whole sequences of steps follow ftfy 6.3.1 (they repeat until nothing changes, line by line); its fix_surrogates has
 * nothing to do here, for no step can make a surrogate from well-formed text. */
#include "clip/clean.h"

enum { ROUNDS_MAX = 64 };
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Ligatures and digraphs of Latin letters: the letters, three at most. */
static size_t split_ligature(uint32_t c, uint32_t out[3])
{
    static const struct {
        uint16_t ligature, letters[3];
    } TABLE[] = {{0x132, {'I', 'J'}},       {0x133, {'i', 'j'}},       {0x149, {0x2BC, 'n'}},
                 {0x1C4, {'D', 0x17D}},     {0x1C5, {'D', 0x17E}},     {0x1C6, {'d', 0x17E}},
                 {0x1C7, {'L', 'J'}},       {0x1C8, {'L', 'j'}},       {0x1C9, {'l', 'j'}},
                 {0x1CA, {'N', 'J'}},       {0x1CB, {'N', 'j'}},       {0x1CC, {'n', 'j'}},
                 {0x1F1, {'D', 'Z'}},       {0x1F2, {'D', 'z'}},       {0x1F3, {'d', 'z'}},
                 {0xFB00, {'f', 'f'}},      {0xFB01, {'f', 'i'}},      {0xFB02, {'f', 'l'}},
                 {0xFB03, {'f', 'f', 'i'}}, {0xFB04, {'f', 'f', 'l'}}, {0xFB05, {0x17F, 't'}},
                 {0xFB06, {'s', 't'}}};
    out[0] = c;
    for (size_t i = 0; c >= 0x132 && i < COUNT(TABLE); i++) {
        size_t n = 0;
        while (TABLE[i].ligature == c && n < 3 && TABLE[i].letters[n]) {
            out[n] = TABLE[i].letters[n];
            n++;
        }
        if (n)
            return n;
    }
    return 1;
}

static uint32_t straight_quote(uint32_t c)
{
    if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B))
        return '\'';
    return c >= 0x201C && c <= 0x201F ? '"' : c;
}

/* Full-width Latin, half-width Katakana and Hangul in their usual width. */
static void push_usual_width(struct cps *out, uint32_t c)
{
    struct cps one;
    cps_init(&one);
    cps_push(&one, c == 0x3000 ? ' ' : c);
    if (c >= 0xFF01 && c <= 0xFFEF)
        cps_normalize(&one, CPS_NFKC);
    for (size_t i = 0; i < one.n; i++)
        cps_push(out, straight_quote(one.v[i]));
    if (one.code)
        out->code = one.code;
    cps_release(&one);
}

/* What is decided by a character alone: C1 controls, ligatures, width, quotes. */
static void fix_characters(struct cps *t)
{
    struct cps out;
    cps_init(&out);
    for (size_t i = 0; i < t->n; i++) {
        if (t->v[i] < 0x80) {
            cps_push(&out, t->v[i]);
            continue;
        }
        uint32_t letters[3];
        size_t n = split_ligature(clean_c1(t->v[i]), letters);
        for (size_t k = 0; k < n; k++)
            push_usual_width(&out, letters[k]);
    }
    cps_replace(t, &out);
}

static void fix_line_breaks(struct cps *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        uint32_t c = t->v[i];
        if (c == '\r' && i + 1 < t->n && t->v[i + 1] == '\n')
            continue;
        t->v[n++] = c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029 ? '\n' : c;
    }
    t->n = n;
}

/* Length of a terminal's escape sequence ("ESC[1;31m") at v [n], else 0. */
static size_t terminal_escape(const uint32_t *v, size_t n)
{
    if (n < 3 || v[0] != 0x1B || v[1] != '[')
        return 0;
    size_t i = 2;
    while (i < n && (v[i] == ';' || cp_decimal(v[i])))
        i++;
    return i < n && v[i] < 0x80 && ((v[i] | 0x20) >= 'a' && (v[i] | 0x20) <= 'z') ? i + 1 : 0;
}

static bool unwanted_control(uint32_t c)
{
    static const struct cp_range TABLE[] = {{0x00, 0x08},    {0x0B, 0x0B},     {0x0E, 0x1F},
                                            {0x7F, 0x7F},    {0x206A, 0x206F}, {0xFEFF, 0xFEFF},
                                            {0xFFF9, 0xFFFC}};
    return cp_in(TABLE, COUNT(TABLE), c);
}

static void remove_controls(struct cps *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n;) {
        size_t escape = terminal_escape(t->v + i, t->n - i);
        if (!escape)
            t->v[n++] = t->v[i];
        i += escape ? escape : 1;
    }
    t->n = n;
    n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (!unwanted_control(t->v[i]))
            t->v[n++] = t->v[i];
    t->n = n;
}

static bool same(const struct cps *a, const struct cps *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof *a->v) == 0);
}

static void fix_line(struct cps *t, bool unescape)
{
    for (int round = 0; round < ROUNDS_MAX && !t->code; round++) {
        struct cps before;
        cps_init(&before);
        cps_append(&before, t->v, t->n);
        if (unescape)
            clean_unescape_strict(t);
        clean_mojibake(t);
        fix_characters(t);
        fix_line_breaks(t);
        remove_controls(t);
        cps_normalize(t, CPS_NFC);
        if (before.code)
            t->code = before.code;
        bool done = same(t, &before);
        cps_release(&before);
        if (done)
            return;
    }
}

/* Printable ASCII without '&' is what it should be: most queries. */
static bool plain(const struct cps *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i] < 0x20 || t->v[i] > 0x7E || t->v[i] == '&')
            return false;
    return true;
}

void clean_fix(struct cps *t)
{
    if (plain(t))
        return;
    struct cps out, line;
    cps_init(&out);
    bool unescape = true;
    for (size_t i = 0; i < t->n && !out.code;) {
        size_t end = i;
        while (end < t->n && t->v[end] != '\n')
            end++;
        end += end < t->n;
        cps_init(&line);
        cps_append(&line, t->v + i, end - i);
        for (size_t k = 0; k < line.n && unescape; k++)
            unescape = line.v[k] != '<'; /* it is HTML from here on, and means its references */
        fix_line(&line, unescape);
        cps_append(&out, line.v, line.n);
        if (line.code)
            out.code = line.code;
        cps_release(&line);
        i = end;
    }
    cps_replace(t, &out);
}

static void single_spaces(struct cps *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (!cp_space(t->v[i]))
            t->v[n++] = t->v[i];
        else if (n && t->v[n - 1] != ' ')
            t->v[n++] = ' ';
    }
    t->n = n && t->v[n - 1] == ' ' ? n - 1 : n;
}

void clean_text(struct cps *t)
{
    clean_fix(t);
    clean_unescape(t);
    clean_unescape(t);
    single_spaces(t);
}
