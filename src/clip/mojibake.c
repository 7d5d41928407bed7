/* mojibake.c - "cafÃ©" back to "café": text that was UTF-8, but was read in a one-byte encoding.
 *
 * The method is that of ftfy 6.3.1 (Robyn Speer, Apache-2.0), which open_clip runs on every text: text with a sequence of
 * characters that hardly occurs elsewhere (tables/mojibake.h) is encoded in each of ten encodings, and the first
 * result that reads as UTF-8 is taken; where no encoding fits the whole, runs that look like UTF-8 are repaired by
 * themselves. Bytes 0x1A stand for U+FFFD, a byte that was lost. Written anew; only the character data are ftfy's.
 * Its regular expressions became rules over classes of code points: one bisection a character. */
#include <stdint.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "clip/clean.h"

struct class_span {
    uint32_t first, last;
    uint8_t class;
};
enum { SET_WORD = 254, SET_START = 255 };
struct bad_rule {
    uint8_t n, sets[7];
};
struct charmap {
    const char *name;
    bool lossy;         /* 0x1A is U+FFFD */
    uint16_t high[128]; /* 0x80 to 0xFF */
};

#include "clip/tables/mojibake.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
enum {
    ROUNDS_MAX = 64, /* of repair; ftfy goes on until nothing changes, which takes two or three */
    NESTED_MAX = 4,  /* runs within runs */
    LATIN_1 = 0,     /* CHARMAPS[0] */
    MACROMAN = 8
};

static unsigned class_of(uint32_t c)
{
    size_t low = 0, high = COUNT(CLASS_SPANS);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c < CLASS_SPANS[mid].first)
            high = mid;
        else if (c > CLASS_SPANS[mid].last)
            low = mid + 1;
        else
            return CLASS_SPANS[mid].class;
    }
    return CLASS_OTHER;
}

static bool in_set(unsigned set, unsigned class, uint32_t c)
{
    if (set == SET_WORD)
        return c == '_' || cp_letter(c) || cp_number(c);
    return (SETS[set][class / 64] >> (class % 64)) & 1;
}

static bool rule_fits(const struct bad_rule *rule, const uint32_t *v, size_t n, size_t at,
                      unsigned first_class)
{
    size_t pos = at;
    for (unsigned k = 0; k < rule->n; k++) {
        unsigned set = rule->sets[k];
        if (set == SET_START) {
            if (pos != 0)
                return false;
            continue;
        }
        if (pos >= n || !in_set(set, pos == at ? first_class : class_of(v[pos]), v[pos]))
            return false;
        pos++;
    }
    return true;
}

static bool is_bad(const uint32_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned class = class_of(v[i]);
        for (size_t r = 0; r < COUNT(RULES); r++)
            if (rule_fits(&RULES[r], v, n, i, class))
                return true;
    }
    return false;
}

static bool is_ascii(const struct cps *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i] >= 0x80)
            return false;
    return true;
}

/* The byte for `c`, or -1. */
static int encode_byte(const struct charmap *map, uint32_t c)
{
    if (map->lossy && (c == 0x1A || c == CP_REPLACEMENT))
        return c == 0x1A ? -1 : 0x1A;
    if (c < 0x80)
        return (int)c;
    for (int i = 0; i < 128; i++)
        if (map->high[i] == c)
            return 0x80 + i;
    return -1;
}

/* t in the encoding, appended to out; 1 if it has a character that is not in it, 0, or an error. */
static int encode(const struct charmap *map, const struct cps *t, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        int byte = encode_byte(map, t->v[i]);
        if (byte < 0)
            return 1;
        int code = buf_putc(out, (char)byte, NULL);
        if (code)
            return code;
    }
    return 0;
}

static bool cont(unsigned b)
{
    return b >= 0x80 && b <= 0xBF;
}

/* Three continuation bytes of which one has become a space. */
static bool altered_tail(unsigned b, unsigned c, unsigned d)
{
    int spaces = (b == ' ') + (c == ' ') + (d == ' ');
    return spaces == 1 && cont(b) + cont(c) + cont(d) == 2;
}

/* A first byte and its continuation, of three, that are likely to be meant. */
static bool altered_three(unsigned a, unsigned b, unsigned c)
{
    if (b == ' ')
        return (a == 0xE2 || a == 0xE3) && cont(c) && c != 0x85 && c != 0xA0;
    return a >= 0xE0 && a <= 0xE3 && cont(b) && b != 0x85 && b != 0xA0 && c == ' ';
}

/* Bytes at s that would be UTF-8 if a space in them were 0xA0, else 0. Only likely characters. */
static size_t altered_utf8(const uint8_t *s, size_t n)
{
    if (n < 2)
        return 0;
    unsigned a = s[0], b = s[1], c = n > 2 ? s[2] : 0, d = n > 3 ? s[3] : 0;
    if (b == ' ' && (a == 0xC2 || a == 0xC3 || a == 0xC5 || a == 0xCE || a == 0xD0 || a == 0xD9))
        return 2;
    if (altered_three(a, b, c))
        return 3;
    return a == 0xF0 && altered_tail(b, c, d) ? 4 : 0;
}

/* After 0xC3 and a space: the space stays ("Ã la" is "à la"), but for Portuguese words that begin so. */
static bool a_grave_word(const uint8_t *s, size_t n)
{
    static const char *const REST[] = {" ", "quele", "quela", "quilo", "s "};
    if (n < 2 || s[0] != 0xC3 || s[1] != ' ')
        return false;
    for (size_t i = 0; i < COUNT(REST); i++) {
        size_t len = strlen(REST[i]);
        if (n - 2 >= len && memcmp(s + 2, REST[i], len) == 0)
            return false;
    }
    return true;
}

static int restore_a0(struct buf *bytes)
{
    struct buf step, out;
    buf_init(&step, bytes->max);
    buf_init(&out, bytes->max);
    int code = 0;
    const uint8_t *s = (const uint8_t *)bytes->data;
    for (size_t i = 0; i < bytes->len && !code;) {
        bool word = a_grave_word(s + i, bytes->len - i);
        code = word ? buf_append(&step, "\xC3\xA0 ", 3, NULL) : buf_putc(&step, (char)s[i], NULL);
        i += word ? 2 : 1;
    }
    s = (const uint8_t *)step.data;
    for (size_t i = 0; i < step.len && !code;) {
        size_t n = altered_utf8(s + i, step.len - i), end = i + (n ? n : 1);
        for (; i < end && !code; i++)
            code = buf_putc(&out, n && s[i] == ' ' ? '\xA0' : (char)s[i], NULL);
    }
    buf_release(&step);
    buf_release(bytes);
    *bytes = out;
    return code;
}

static bool has_altered(const struct buf *bytes)
{
    for (size_t i = 0; i < bytes->len; i++)
        if (altered_utf8((const uint8_t *)bytes->data + i, bytes->len - i))
            return true;
    return false;
}

/* The `n` bytes after a lead byte are continuations or lost, one of them may be '?', and one at least is lost. */
static bool lossy_tail(const uint8_t *s, size_t n)
{
    size_t lost = 0, marks = 0;
    for (size_t i = 0; i < n; i++) {
        lost += s[i] == 0x1A;
        marks += s[i] == '?';
        if (!cont(s[i]) && s[i] != 0x1A && s[i] != '?')
            return false;
    }
    return marks == 1 || (marks == 0 && lost > 0);
}

/* A pair of surrogates, three bytes each, of which the last byte of one or both is lost. */
static bool lossy_surrogates(const uint8_t *s, size_t n)
{
    if (n < 6 || s[0] != 0xED || s[1] < 0xA0 || s[1] > 0xAF || s[3] != 0xED || s[4] < 0xB0 ||
        s[4] > 0xBF)
        return false;
    bool first_gone = s[2] == 0x1A || s[2] == '?', second_gone = s[5] == 0x1A || s[5] == '?';
    return (first_gone && (second_gone || cont(s[5]))) || (second_gone && cont(s[2]));
}

/* Bytes at s of a UTF-8 sequence of which some were lost, else 0. */
static size_t lossy_utf8(const uint8_t *s, size_t n)
{
    unsigned a = s[0];
    if (n > 1 && a >= 0xC2 && a <= 0xDF && s[1] == 0x1A)
        return 2;
    if (n > 1 && (a == 0xC2 || a == 0xC3) && s[1] == '?')
        return 2;
    if (lossy_surrogates(s, n))
        return 6;
    if (n > 2 && a >= 0xE0 && a <= 0xEF && lossy_tail(s + 1, 2))
        return 3;
    if (n > 3 && a >= 0xF0 && a <= 0xF4 && lossy_tail(s + 1, 3))
        return 4;
    return a == 0x1A ? 1 : 0;
}

static int replace_lossy(struct buf *bytes)
{
    struct buf out;
    buf_init(&out, bytes->max);
    int code = 0;
    const uint8_t *s = (const uint8_t *)bytes->data;
    for (size_t i = 0; i < bytes->len && !code;) {
        size_t n = lossy_utf8(s + i, bytes->len - i);
        code = n ? buf_append(&out, "\xEF\xBF\xBD", 3, NULL) : buf_putc(&out, (char)s[i], NULL);
        i += n ? n : 1;
    }
    buf_release(bytes);
    *bytes = out;
    return code;
}

/* A character above U+FFFF as two surrogates of three bytes each (CESU-8); 0 if none. */
static uint32_t cesu8(const uint8_t *s, size_t n)
{
    if (n < 6 || s[0] != 0xED || s[1] < 0xA0 || s[1] > 0xAF || !cont(s[2]) || s[3] != 0xED ||
        s[4] < 0xB0 || s[4] > 0xBF || !cont(s[5]))
        return 0;
    return ((s[1] & 0x0Fu) << 16) + ((s[2] & 0x3Fu) << 10) + ((s[4] & 0x0Fu) << 6) +
           (s[5] & 0x3Fu) + 0x10000;
}

/* UTF-8, and its variants CESU-8 and Java's NUL. False if it is not. */
static bool decode(const struct buf *bytes, struct cps *out)
{
    const uint8_t *s = (const uint8_t *)bytes->data;
    for (size_t i = 0; i < bytes->len;) {
        uint32_t c = cesu8(s + i, bytes->len - i);
        size_t step = c ? 6 : 0;
        if (!step && s[i] == 0xC0 && i + 1 < bytes->len && s[i + 1] == 0x80)
            step = 2;
        if (!step)
            step = utf8_step(bytes->data + i, bytes->len - i, &c);
        if (!step)
            return false;
        cps_push(out, c);
        i += step;
    }
    return true;
}

/* The text as read in encoding `m` and meant as UTF-8: 0 with `out`, 1 if it cannot have been, or an error. */
static int reread(size_t m, const struct cps *t, struct cps *out)
{
    struct buf bytes;
    buf_init(&bytes, (size_t)CPS_MAX * 4);
    int code = encode(&CHARMAPS[m], t, &bytes);
    if (code == 0 && m != MACROMAN && has_altered(&bytes))
        code = restore_a0(&bytes);
    if (code == 0 && CHARMAPS[m].lossy)
        code = replace_lossy(&bytes);
    if (code == 0) {
        cps_init(out);
        if (!decode(&bytes, out)) {
            cps_release(out);
            code = 1;
        }
    }
    buf_release(&bytes);
    return code;
}

static void fix(struct cps *t, int depth);

static bool clue(const uint32_t *v, size_t n, size_t at, unsigned set)
{
    return at < n && in_set(set, class_of(v[at]), v[at]);
}

/* Characters at `at` that look like UTF-8 sequences in some encoding, else 0. */
static size_t utf8_run(const uint32_t *v, size_t n, size_t at)
{
    static const unsigned FIRST[] = {CLUE_UTF8_FIRST_OF_2, CLUE_UTF8_FIRST_OF_3,
                                     CLUE_UTF8_FIRST_OF_4};
    if (at > 0 && clue(v, n, at - 1, CLUE_UTF8_CONTINUATION_STRICT))
        return 0;
    size_t end = at;
    for (bool more = true; more;) {
        more = false;
        for (size_t k = 0; k < COUNT(FIRST) && !more; k++) {
            if (!clue(v, n, end, FIRST[k]))
                continue;
            size_t i = 1;
            while (i <= k + 1 && clue(v, n, end + i, CLUE_UTF8_CONTINUATION))
                i++;
            more = i == k + 2;
            end += more ? i : 0;
        }
    }
    return end - at;
}

/* Repair runs that look like UTF-8 by themselves. */
static void fix_runs(struct cps *t, int depth)
{
    struct cps out;
    cps_init(&out);
    for (size_t i = 0; i < t->n;) {
        size_t n = utf8_run(t->v, t->n, i);
        if (n && n < t->n && is_bad(t->v + i, n)) {
            struct cps run;
            cps_init(&run);
            cps_append(&run, t->v + i, n);
            fix(&run, depth + 1);
            if (run.code)
                out.code = run.code;
            cps_append(&out, run.v, run.n);
            cps_release(&run);
        } else {
            cps_append(&out, t->v + i, n ? n : 1);
        }
        i += n ? n : 1;
    }
    cps_replace(t, &out);
}

uint32_t clean_c1(uint32_t c)
{
    if (c < 0x80 || c > 0x9F || !WINDOWS_1252[c - 0x80])
        return c;
    return WINDOWS_1252[c - 0x80];
}

static bool same(const struct cps *a, const struct cps *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof *a->v) == 0);
}

/* One repair. */
static void fix_step(struct cps *t, int depth)
{
    if (is_ascii(t) || !is_bad(t->v, t->n))
        return;
    for (size_t m = 0; m < COUNT(CHARMAPS); m++) {
        struct cps out;
        int code = reread(m, t, &out);
        if (code == 0) {
            cps_replace(t, &out);
            return;
        }
        if (code < 0) {
            t->code = code;
            return;
        }
    }
    struct cps before;
    cps_init(&before);
    cps_append(&before, t->v, t->n);
    fix_runs(t, depth);
    /* Else C1 control characters, which nobody wants, were Windows-1252's. */
    if (same(t, &before))
        for (size_t i = 0; i < t->n; i++)
            t->v[i] = clean_c1(t->v[i]);
    cps_release(&before);
}

static void fix(struct cps *t, int depth)
{
    for (int round = 0; round < ROUNDS_MAX && depth < NESTED_MAX && !t->code; round++) {
        struct cps before;
        cps_init(&before);
        cps_append(&before, t->v, t->n);
        t->code = before.code;
        if (!t->code)
            fix_step(t, depth);
        bool done = same(t, &before);
        cps_release(&before);
        if (done)
            return;
    }
}

void clean_mojibake(struct cps *t)
{
    fix(t, 0);
}
