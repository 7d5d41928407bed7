/* bpe.c - CLIP's byte-pair encoding: a word is its UTF-8 bytes, and pairs are merged, the earliest learned first.
 *
 * Ids: 0-255 the bytes (printable ones first), 256-511 the same at a word's end, then one for each merge in the
 * order of the file, then start and end. So a merge is a pair of ids, and the text of a token is needed only while
 * reading the file. Lookup: one open-addressing table from pair to merge, 0.8 MB; opening takes some 10 ms, most of it
 * inflating. There is no cache of words: a query has few, and encoding stays free of locks.
 * Dropped: a heap of pairs. It merges in another order than the reference where equal pairs overlap ("aaa"). */
#include "clip/bpe.h"

#define ZLIB_CONST
#include <zlib.h>

#include "clip/token.h"

enum {
    FIRST_MERGE = 512,
    MERGES = BPE_START - FIRST_MERGE, /* 48894 */
    SLOTS = 1 << 17,                  /* of both tables; at most 38 % full */
    NONE = 0xFFFF,
    LONGEST_TOKEN = 255,
    TEXT_MAX = 2 << 20 /* bytes of the merges that are used: 0.5 MB */
};

struct pair_slot {
    uint16_t left, right;
    uint16_t merge; /* NONE: free */
};

struct bpe {
    uint16_t byte_id[256];
    struct pair_slot *pairs; /* [SLOTS] */
};

/* ---- reading the file ---- */

/* Texts of all tokens, only while opening. */
struct names {
    struct buf text; /* one after the other */
    uint32_t *start; /* [BPE_START + 1] into text */
    uint16_t *slots; /* [SLOTS] hash table of ids; NONE: free */
    size_t count;
};

static uint32_t hash_name(const char *s, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h ^ (h >> 15);
}

/* The slot where the token is or would be. */
static uint16_t *name_slot(const struct names *names, const char *s, size_t len)
{
    for (uint32_t i = hash_name(s, len);; i++) {
        uint16_t *slot = &names->slots[i % SLOTS];
        if (*slot == NONE)
            return slot;
        size_t at = names->start[*slot], size = names->start[*slot + 1] - at;
        if (size == len && memcmp(names->text.data + at, s, len) == 0)
            return slot;
    }
}

static int add_name(struct names *names, const char *s, size_t len, struct eye_err *err)
{
    uint16_t *slot = name_slot(names, s, len);
    if (*slot != NONE || names->count >= BPE_START)
        return eye_fail(err, EYE_EINTERNAL, "the built-in merges of CLIP are broken");
    *slot = (uint16_t)names->count;
    int code = buf_append(&names->text, s, len, err);
    names->start[++names->count] = (uint32_t)names->text.len;
    return code;
}

/* The 256 bytes stand in the file as printable characters: themselves, or from U+0100 on. They come first. */
static int add_bytes(struct names *names, struct bpe *bpe, struct eye_err *err)
{
    uint16_t next = 0;
    uint32_t character[256];
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned b = 0; b < 256; b++) {
            bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
            if (printable != (pass == 0))
                continue;
            character[next] = pass == 0 ? b : 256u + next - 188u;
            bpe->byte_id[b] = next++;
        }
    }
    for (unsigned i = 0; i < 512; i++) {
        char name[8];
        size_t len = cp_encode(character[i % 256], name);
        if (i >= 256) {
            memcpy(name + len, "</w>", 4);
            len += 4;
        }
        int code = add_name(names, name, len, err);
        if (code)
            return code;
    }
    return 0;
}

static struct pair_slot *pair_slot(const struct bpe *bpe, unsigned left, unsigned right)
{
    uint32_t i = (left * 0x9E3779B1u) ^ (right * 0x85EBCA6Bu);
    for (i ^= i >> 15;; i++) {
        struct pair_slot *slot = &bpe->pairs[i % SLOTS];
        if (slot->merge == NONE || (slot->left == left && slot->right == right))
            return slot;
    }
}

/* "left right": the token made by merging them. */
static int add_merge(struct names *names, struct bpe *bpe, const char *line, size_t len,
                     struct eye_err *err)
{
    const char *space = memchr(line, ' ', len);
    char joined[LONGEST_TOKEN];
    if (!space || len > sizeof joined)
        return eye_fail(err, EYE_EINTERNAL, "the built-in merges of CLIP are broken");
    size_t left_len = (size_t)(space - line), right_len = len - left_len - 1;
    uint16_t left = *name_slot(names, line, left_len);
    uint16_t right = *name_slot(names, space + 1, right_len);
    struct pair_slot *slot = pair_slot(bpe, left, right);
    if (left == NONE || right == NONE || slot->merge != NONE)
        return eye_fail(err, EYE_EINTERNAL, "the built-in merges of CLIP are broken");
    *slot = (struct pair_slot){left, right, (uint16_t)(names->count - FIRST_MERGE)};
    memcpy(joined, line, left_len);
    memcpy(joined + left_len, space + 1, right_len);
    return add_name(names, joined, len - 1, err);
}

/* The first line is a heading, the next MERGES are used; the file has more. Ends once they are there. */
static int inflate_lines(struct buf *out, struct eye_err *err)
{
    z_stream z = {0};
    char chunk[65536];
    size_t lines = 0;
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return eye_fail(err, EYE_ENOMEM, "not enough memory to inflate the merges of CLIP");
    z.next_in = bpe_data;
    // cppcheck-suppress comparePointers ; two labels around one piece of data
    z.avail_in = (uInt)(bpe_data_end - bpe_data);
    int code = 0, status = Z_OK;
    while (!code && status == Z_OK && lines <= MERGES) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = sizeof chunk;
        status = inflate(&z, Z_NO_FLUSH);
        size_t n = sizeof chunk - z.avail_out;
        for (size_t i = 0; i < n; i++)
            lines += chunk[i] == '\n';
        code = buf_append(out, chunk, n, err);
    }
    inflateEnd(&z);
    if (!code && lines <= MERGES)
        code = eye_fail(err, EYE_EINTERNAL, "the built-in merges of CLIP are broken");
    return code;
}

static int read_merges(struct bpe *bpe, struct names *names, struct eye_err *err)
{
    struct buf lines;
    buf_init(&lines, TEXT_MAX);
    int code = inflate_lines(&lines, err);
    if (!code)
        code = add_bytes(names, bpe, err);
    const char *line = code ? NULL : strchr(lines.data, '\n') + 1;
    for (int i = 0; i < MERGES && !code; i++) {
        size_t len = strcspn(line, "\n");
        code = add_merge(names, bpe, line, len, err);
        line += len + 1;
    }
    buf_release(&lines);
    return code;
}

struct bpe *bpe_open(struct eye_err *err)
{
    struct names names = {0};
    buf_init(&names.text, TEXT_MAX);
    struct bpe *bpe = mem_calloc(1, sizeof *bpe, err);
    names.start = mem_calloc(BPE_START + 1, sizeof *names.start, err);
    names.slots = mem_calloc(SLOTS, sizeof *names.slots, err);
    if (bpe)
        bpe->pairs = mem_calloc(SLOTS, sizeof *bpe->pairs, err);
    bool ok = bpe && bpe->pairs && names.start && names.slots;
    if (ok) {
        memset(names.slots, 0xFF, SLOTS * sizeof *names.slots);
        memset(bpe->pairs, 0xFF, SLOTS * sizeof *bpe->pairs);
        ok = read_merges(bpe, &names, err) == 0;
    }
    buf_release(&names.text);
    free(names.start);
    free(names.slots);
    if (ok)
        return bpe;
    bpe_close(bpe);
    return NULL;
}

void bpe_close(struct bpe *bpe)
{
    if (bpe)
        free(bpe->pairs);
    free(bpe);
}

/* ---- encoding ---- */

struct symbols {
    uint16_t *id;    /* [n] */
    uint16_t *merge; /* [n] of the pair that starts here, NONE where there is none */
    size_t n;
};

static uint16_t merge_of(const struct bpe *bpe, unsigned left, unsigned right)
{
    return pair_slot(bpe, left, right)->merge;
}

static void find_merges(const struct bpe *bpe, struct symbols *s)
{
    for (size_t i = 0; i + 1 < s->n; i++)
        s->merge[i] = merge_of(bpe, s->id[i], s->id[i + 1]);
    s->merge[s->n - 1] = NONE;
}

/* All pairs of merge `best`, from left to right; only pairs beside them are looked up again. */
static void apply_merge(const struct bpe *bpe, struct symbols *s, uint16_t best)
{
    size_t n = 0;
    bool after_merged = false;
    for (size_t i = 0; i < s->n; n++) {
        bool merged = s->merge[i] == best;
        uint16_t id = merged ? (uint16_t)(FIRST_MERGE + best) : s->id[i];
        if (n > 0 && (merged || after_merged))
            s->merge[n - 1] = merge_of(bpe, s->id[n - 1], id);
        s->id[n] = id;
        s->merge[n] = s->merge[i];
        after_merged = merged;
        i += merged ? 2 : 1;
    }
    s->n = n;
    s->merge[n - 1] = NONE;
}

/* Bytes to symbols in place: the earliest merge of all pairs, again and again. */
static void merge_word(const struct bpe *bpe, struct symbols *s)
{
    find_merges(bpe, s);
    for (;;) {
        uint16_t best = NONE;
        for (size_t i = 0; i < s->n; i++)
            best = s->merge[i] < best ? s->merge[i] : best;
        if (best == NONE)
            return;
        apply_merge(bpe, s, best);
    }
}

/* Length of `word` at v [n], where a long s is an s as in the reference's IGNORECASE; else 0. */
static size_t starts_with(const uint32_t *v, size_t n, const char *word)
{
    size_t len = strlen(word);
    if (n < len)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (v[i] != (unsigned char)word[i] && !(word[i] == 's' && v[i] == 0x17F))
            return 0;
    return len;
}

/* [^\s\p{L}\p{N}]. U+0345, the one mark whose other case is a letter, fits nothing under IGNORECASE. */
static bool other(uint32_t c)
{
    return !cp_space(c) && !cp_letter(c) && !cp_number(c) && c != 0x345;
}

/* Characters of the word at v [n]: CLIP's <start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|
 * [^\s\p{L}\p{N}]+, the first that fits. 0: none does. *special gets the id of a whole special token, else -1. */
static size_t next_word(const uint32_t *v, size_t n, int *special)
{
    static const char *const FIXED[] = {
        "<start_of_text>", "<end_of_text>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    *special = -1;
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0] && (v[0] == '<' || v[0] == '\''); i++) {
        size_t len = starts_with(v, n, FIXED[i]);
        bool exact = true;
        for (size_t k = 0; k < len; k++)
            exact = exact && v[k] < 0x80;
        if (len && i < 2 && exact)
            *special = i == 0 ? BPE_START : BPE_END;
        if (len)
            return len;
    }
    if (cp_number(v[0]))
        return 1;
    bool (*kind)(uint32_t) = cp_letter(v[0]) ? cp_letter : other;
    size_t len = 0;
    while (len < n && kind(v[len]))
        len++;
    return len;
}

static void encode_word(const struct bpe *bpe, const uint32_t *v, size_t n, struct symbols *s)
{
    s->n = 0;
    for (size_t i = 0; i < n; i++) {
        char bytes[4];
        size_t len = cp_encode(v[i], bytes);
        for (size_t k = 0; k < len; k++)
            s->id[s->n++] = bpe->byte_id[(uint8_t)bytes[k]];
    }
    s->id[s->n - 1] = (uint16_t)(s->id[s->n - 1] + 256);
    merge_word(bpe, s);
}

int bpe_encode(const struct bpe *bpe, const struct cps *text, int *ids, int max,
               struct eye_err *err)
{
    size_t room = text->n * 4 + 1; /* bytes; text->n is at most CPS_MAX */
    struct symbols s = {0};
    s.id = mem_calloc(room, sizeof *s.id, err);
    s.merge = mem_calloc(room, sizeof *s.merge, err);
    int count = s.id && s.merge ? 0 : EYE_ENOMEM;
    for (size_t i = 0; count >= 0 && count < max && i < text->n;) {
        int special;
        size_t len = next_word(text->v + i, text->n - i, &special);
        if (special >= 0) {
            ids[count++] = special;
        } else if (len) {
            encode_word(bpe, text->v + i, len, &s);
            for (size_t k = 0; k < s.n && count < max; k++)
                ids[count++] = s.id[k];
        }
        i += len ? len : 1;
    }
    free(s.id);
    free(s.merge);
    return count;
}
