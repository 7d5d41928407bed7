/* cps.c - code points: UTF-8 in and out, classes, normalisation, lower case.
 *
 * utf8proc knows the Unicode data; where a reference library follows another version of it, or none, its
 * classes come from tables/charclass.h. `make_tokens.py --codepoints` compares a text for each of 50,000 code
 * points: see the numbers in tests/golden/tokens/README.md. */
#include "clip/cps.h"

#include <utf8proc.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "clip/tables/charclass.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

void cps_init(struct cps *t)
{
    *t = (struct cps){0};
}

void cps_release(struct cps *t)
{
    free(t->v);
    cps_init(t);
}

static bool grow(struct cps *t, size_t more)
{
    if (t->code)
        return false;
    if (more > CPS_MAX - t->n) {
        t->code = EYE_ELIMIT;
        return false;
    }
    if (t->n + more <= t->cap)
        return true;
    size_t cap = t->cap ? t->cap : 64;
    while (cap < t->n + more)
        cap *= 2;
    uint32_t *v = mem_realloc(t->v, cap, sizeof *v, NULL);
    if (!v) {
        t->code = EYE_ENOMEM;
        return false;
    }
    t->v = v;
    t->cap = cap;
    return true;
}

void cps_push(struct cps *t, uint32_t c)
{
    if (grow(t, 1))
        t->v[t->n++] = c;
}

void cps_append(struct cps *t, const uint32_t *v, size_t n)
{
    if (n && grow(t, n)) {
        memcpy(t->v + t->n, v, n * sizeof *v);
        t->n += n;
    }
}

void cps_replace(struct cps *t, struct cps *out)
{
    if (t->code)
        out->code = t->code;
    free(t->v);
    *t = *out;
    cps_init(out);
}

int cps_check(const struct cps *t, struct eye_err *err)
{
    if (t->code == EYE_ELIMIT)
        return eye_fail(err, EYE_ELIMIT, "the text is too long to clean up; shorten it");
    return t->code ? eye_fail(err, t->code, "not enough memory to clean up a text") : 0;
}

/* Bytes of the longest beginning of a well-formed sequence at s, at least 1 (Unicode 3.9, table 3-8). */
static size_t broken_part(const uint8_t *s, size_t len)
{
    uint8_t low = 0x80, high = 0xBF;
    size_t want;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        want = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        want = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        want = 4;
    else
        return 1;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    size_t n = 1;
    while (n < want && n < len && s[n] >= low && s[n] <= high) {
        low = 0x80;
        high = 0xBF;
        n++;
    }
    return n;
}

void cps_decode(struct cps *t, const char *utf8, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = CP_REPLACEMENT;
        size_t step = utf8_step(utf8 + i, len - i, &c);
        if (!step) {
            c = CP_REPLACEMENT;
            step = broken_part((const uint8_t *)utf8 + i, len - i);
        }
        cps_push(t, c);
        i += step;
    }
}

size_t cp_encode(uint32_t c, char out[4])
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)c, bytes);
    if (n < 1) /* not a code point: nobody makes one */
        return cp_encode(CP_REPLACEMENT, out);
    memcpy(out, bytes, (size_t)n);
    return (size_t)n;
}

bool cp_in(const struct cp_range *table, size_t n, uint32_t c)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c < table[mid].first)
            high = mid;
        else if (c > table[mid].last)
            low = mid + 1;
        else
            return true;
    }
    return false;
}

static utf8proc_category_t category(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

bool cp_letter(uint32_t c)
{
    utf8proc_category_t k = category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           cp_in(LETTERS_NEW, COUNT(LETTERS_NEW), c);
}

bool cp_number(uint32_t c)
{
    utf8proc_category_t k = category(c);
    return (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO) ||
           cp_in(NUMBERS_NEW, COUNT(NUMBERS_NEW), c);
}

bool cp_decimal(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_ND;
}

bool cp_space(uint32_t c)
{
    if (c <= 0x20)
        return c == 0x20 || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    utf8proc_category_t k = category(c);
    return c == 0x85 || (k >= UTF8PROC_CATEGORY_ZS && k <= UTF8PROC_CATEGORY_ZP);
}

bool cp_bert_removed(uint32_t c)
{
    return cp_in(BERT_REMOVED, COUNT(BERT_REMOVED), c);
}

bool cp_bert_space(uint32_t c)
{
    return cp_in(BERT_SPACE, COUNT(BERT_SPACE), c);
}

bool cp_bert_accent(uint32_t c)
{
    return cp_in(BERT_ACCENT, COUNT(BERT_ACCENT), c);
}

bool cp_bert_punct(uint32_t c)
{
    return cp_in(BERT_PUNCT, COUNT(BERT_PUNCT), c);
}

bool cp_bert_cjk(uint32_t c)
{
    return cp_in(BERT_CJK, COUNT(BERT_CJK), c);
}

/* utf8proc decomposes from UTF-8 only, so the text makes a round trip; normalising is a small part of a query. */
void cps_normalize(struct cps *t, enum cps_form form)
{
    if (t->code || t->n == 0)
        return;
    static const utf8proc_option_t OPTIONS[] = {
        [CPS_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        [CPS_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        [CPS_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
    };
    utf8proc_option_t options = OPTIONS[form];
    struct buf utf8;
    buf_init(&utf8, (size_t)CPS_MAX * 4);
    for (size_t i = 0; i < t->n && !t->code; i++) {
        char bytes[4];
        t->code = buf_append(&utf8, bytes, cp_encode(t->v[i], bytes), NULL);
    }
    if (t->code) {
        buf_release(&utf8);
        return;
    }
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)utf8.data;
    utf8proc_ssize_t len = (utf8proc_ssize_t)utf8.len;
    utf8proc_ssize_t n = utf8proc_decompose(in, len, NULL, 0, options);
    utf8proc_int32_t *v = n < 0 ? NULL : mem_calloc((size_t)n + 1, sizeof *v, NULL);
    if (v) {
        n = utf8proc_decompose(in, len, v, n, options);
        if (n > 0)
            n = utf8proc_normalize_utf32(v, n, options);
        t->n = 0;
        for (utf8proc_ssize_t i = 0; i < n; i++)
            cps_push(t, (uint32_t)v[i]);
    } else {
        t->code = EYE_ENOMEM;
    }
    free(v);
    buf_release(&utf8);
}

/* Unicode 3.13: does not stand between a sigma and the letters it ends. */
static bool case_ignorable(uint32_t c)
{
    static const uint16_t MID[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,
                                   0x5F4,  0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                   0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    for (size_t i = 0; i < COUNT(MID); i++)
        if (c == MID[i])
            return true;
    utf8proc_category_t k = category(c);
    return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF ||
           k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_SK;
}

static bool cased(uint32_t c)
{
    static const struct cp_range OTHER[] = {
        {0xAA, 0xAA},       {0xBA, 0xBA},       {0x2160, 0x217F},  {0x24B6, 0x24E9},
        {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
    utf8proc_category_t k = category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LT) ||
           cp_in(OTHER, COUNT(OTHER), c);
}

/* A capital sigma at i ends a word: letters before it, none after. */
static bool final_sigma(const struct cps *t, size_t i)
{
    size_t before = i, after = i + 1;
    while (before > 0 && case_ignorable(t->v[before - 1]))
        before--;
    if (before == 0 || !cased(t->v[before - 1]))
        return false;
    while (after < t->n && case_ignorable(t->v[after]))
        after++;
    return after == t->n || !cased(t->v[after]);
}

size_t cp_lower(uint32_t c, uint32_t out[2])
{
    if (c == 0x130) { /* I with dot above: the one letter that becomes two */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    return 1;
}

void cps_lower(struct cps *t)
{
    struct cps out;
    cps_init(&out);
    for (size_t i = 0; i < t->n; i++) {
        uint32_t low[2];
        size_t n = cp_lower(t->v[i], low);
        if (t->v[i] == 0x3A3 && final_sigma(t, i))
            low[0] = 0x3C2;
        cps_append(&out, low, n);
    }
    cps_replace(t, &out);
}
