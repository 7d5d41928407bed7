/* wordpiece.c - BERT's WordPiece as the fast tokenizers of Hugging Face do it: special tokens are found in the
 * text as it came, the rest is normalised (control characters out, ideographs apart, accents and case off),
 * split at spaces and punctuation, and each word is cut into the longest pieces the vocabulary has, or is [UNK].
 *
 * The normaliser works character by character (no final sigma) and leaves text decomposed, which is kept here.
 * A vocab.txt whose tokenizer_config.json says BERT is read in 3 ms; tokenizer.json says the same in 25 ms (half a
 * megabyte of JSON), so it is read only where the former are not there. */
#include "clip/wordpiece.h"

#include "base/buf.h"
#include "base/json.h"

enum {
    WORD_MAX = 100,      /* characters; longer is [UNK] */
    PIECE_MAX = 4 * 128, /* bytes of a vocabulary entry that is looked up */
    VOCABULARY_MAX = 1 << 20,
    SPECIALS_MAX = 64
};

struct special {
    uint32_t *text; /* [n] */
    size_t n;
    int id;
};

struct wordpiece {
    char *text;      /* all pieces, one after the other, each NUL-terminated */
    uint32_t *start; /* [count] into text; UINT32_MAX: an id without a piece */
    uint32_t *slots; /* [nslots] hash table: id + 1, 0: free */
    size_t count, nslots, longest;
    bool clean, lowercase, strip_accents, split_cjk;
    char prefix[16]; /* "##" */
    int unknown, cls, sep;
    size_t word_max;
    struct special specials[SPECIALS_MAX];
    size_t nspecials;
};

/* ---- the vocabulary ---- */

static uint32_t hash_piece(const char *s, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h ^ (h >> 15);
}

/* The slot of a piece, or the free one where it would be. */
static uint32_t *piece_slot(const struct wordpiece *wp, const char *s, size_t len)
{
    for (size_t i = hash_piece(s, len);; i++) {
        uint32_t *slot = &wp->slots[i & (wp->nslots - 1)];
        if (!*slot)
            return slot;
        const char *have = wp->text + wp->start[*slot - 1];
        if (strncmp(have, s, len) == 0 && have[len] == '\0')
            return slot;
    }
}

static int piece_id(const struct wordpiece *wp, const char *s, size_t len)
{
    return (int)*piece_slot(wp, s, len) - 1;
}

/* What reading a vocabulary has gathered: pieces in `text`, where each id's begins. */
struct gather {
    struct buf text;
    uint32_t *start;
    size_t count, cap;
    const char *what;
    struct eye_err *err;
};

static int gather_piece(struct gather *g, size_t id, const char *s, size_t len)
{
    if (id >= VOCABULARY_MAX)
        return eye_fail(g->err, EYE_EFORMAT, "%s: the vocabulary is too large", g->what);
    while (id >= g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 32768;
        uint32_t *start = mem_realloc(g->start, cap, sizeof *start, g->err);
        if (!start)
            return EYE_ENOMEM;
        memset(start + g->cap, 0xFF, (cap - g->cap) * sizeof *start);
        g->start = start;
        g->cap = cap;
    }
    g->start[id] = (uint32_t)g->text.len;
    g->count = id + 1 > g->count ? id + 1 : g->count;
    int code = buf_append(&g->text, s, len, g->err);
    return code ? code : buf_putc(&g->text, '\0', g->err);
}

static int gather_member(void *ctx, const char *key, const struct json *v)
{
    struct gather *g = ctx;
    int64_t id = json_int(v, -1);
    if (id < 0 || id >= VOCABULARY_MAX)
        return eye_fail(g->err, EYE_EFORMAT, "%s: token \"%s\" has no proper id", g->what, key);
    return gather_piece(g, (size_t)id, key, strlen(key));
}

/* vocab.txt: one piece a line, the line's number its id. */
static int gather_lines(struct gather *g, const char *text, size_t len)
{
    size_t id = 0;
    int code = 0;
    for (size_t i = 0; i < len && !code; id++) {
        const char *line = text + i, *end = memchr(line, '\n', len - i);
        size_t n = end ? (size_t)(end - line) : len - i;
        i += n + 1;
        if (n && line[n - 1] == '\r')
            n--;
        if (memchr(line, '\0', n))
            return eye_fail(g->err, EYE_EFORMAT, "%s: vocab.txt is not a list of words", g->what);
        code = gather_piece(g, id, line, n);
    }
    return code;
}

/* Take over what was gathered and make the hash table. */
static int index_pieces(struct wordpiece *wp, struct gather *g)
{
    wp->text = buf_detach(&g->text, NULL);
    wp->start = g->start;
    wp->count = g->count;
    g->start = NULL;
    for (wp->nslots = 1024; wp->nslots < wp->count * 3;)
        wp->nslots *= 2;
    wp->slots = mem_calloc(wp->nslots, sizeof *wp->slots, g->err);
    if (!wp->slots)
        return EYE_ENOMEM;
    for (size_t id = 0; id < wp->count; id++) {
        if (wp->start[id] == UINT32_MAX)
            continue;
        const char *piece = wp->text + wp->start[id];
        size_t len = strlen(piece);
        *piece_slot(wp, piece, len) = (uint32_t)id + 1; /* the last of equal ones counts */
        if (len > wp->longest && len < PIECE_MAX)
            wp->longest = len;
    }
    return 0;
}

/* ---- settings ---- */

static int add_special(struct wordpiece *wp, const char *content, int id, struct eye_err *err)
{
    if (wp->nspecials == SPECIALS_MAX)
        return eye_fail(err, EYE_EFORMAT, "the tokenizer has more than %d special tokens",
                        SPECIALS_MAX);
    struct cps text;
    cps_init(&text);
    cps_decode(&text, content, strlen(content));
    if (text.code)
        return cps_check(&text, err);
    if (text.n)
        wp->specials[wp->nspecials++] = (struct special){text.v, text.n, id};
    else
        cps_release(&text);
    return 0;
}

static int need_piece(const struct wordpiece *wp, const char *piece, const char *what, int *id,
                      struct eye_err *err)
{
    *id = piece_id(wp, piece, strlen(piece));
    if (*id < 0)
        return eye_fail(err, EYE_EFORMAT, "%s: the vocabulary has no %s", what, piece);
    return 0;
}

static const char *type_of(const struct json *v)
{
    return json_get_str(v, "type", "none");
}

static void read_normalizer(struct wordpiece *wp, const struct json *n)
{
    wp->clean = json_get_bool(n, "clean_text", true);
    wp->split_cjk = json_get_bool(n, "handle_chinese_chars", true);
    wp->lowercase = json_get_bool(n, "lowercase", true);
    wp->strip_accents = json_get_bool(n, "strip_accents", wp->lowercase);
}

static int read_added(struct wordpiece *wp, const struct json *added, struct eye_err *err)
{
    int code = 0;
    for (size_t i = 0; i < json_size(added) && !code; i++) {
        const struct json *token = json_at(added, i);
        int64_t id = json_get_int(token, "id", -1);
        if (id >= 0 && id < VOCABULARY_MAX)
            code = add_special(wp, json_get_str(token, "content", ""), (int)id, err);
    }
    return code;
}

static int read_json(struct wordpiece *wp, const struct json *root, struct gather *g)
{
    const struct json *model = json_get(root, "model"), *norm = json_get(root, "normalizer");
    const struct json *split = json_get(root, "pre_tokenizer");
    if (strcmp(type_of(model), "WordPiece") != 0 || strcmp(type_of(norm), "BertNormalizer") != 0 ||
        strcmp(type_of(split), "BertPreTokenizer") != 0)
        return eye_fail(
            g->err, EYE_EFORMAT,
            "%s: tokenizer.json is a %s tokenizer (%s, %s), only BERT's WordPiece is supported",
            g->what, type_of(model), type_of(norm), type_of(split));
    read_normalizer(wp, norm);
    int64_t most = json_get_int(model, "max_input_chars_per_word", WORD_MAX);
    wp->word_max = most < 0 ? 0 : most > WORD_MAX ? WORD_MAX : (size_t)most;
    const char *prefix = json_get_str(model, "continuing_subword_prefix", "##");
    if (strlen(prefix) >= sizeof wp->prefix)
        return eye_fail(g->err, EYE_EFORMAT, "%s: the prefix of word pieces is too long", g->what);
    memcpy(wp->prefix, prefix, strlen(prefix) + 1);
    int code = json_each(json_get(model, "vocab"), gather_member, g);
    if (!code)
        code = index_pieces(wp, g);
    if (!code)
        code = need_piece(wp, json_get_str(model, "unk_token", "[UNK]"), g->what, &wp->unknown,
                          g->err);
    return code ? code : read_added(wp, json_get(root, "added_tokens"), g->err);
}

static int read_plain(struct wordpiece *wp, const struct token_files *files, struct gather *g)
{
    static const char *const SPECIALS[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    struct json *config = NULL;
    if (files->config) {
        config = json_parse(files->config, files->config_len, "tokenizer_config.json", g->err);
        if (!config)
            return EYE_EFORMAT;
    }
    wp->clean = true;
    wp->lowercase = json_get_bool(config, "do_lower_case", true);
    wp->strip_accents = json_get_bool(config, "strip_accents", wp->lowercase);
    wp->split_cjk = json_get_bool(config, "tokenize_chinese_chars", true);
    json_free(config);
    memcpy(wp->prefix, "##", 3);
    wp->word_max = WORD_MAX;
    int code = gather_lines(g, files->vocab, files->vocab_len);
    if (!code)
        code = index_pieces(wp, g);
    if (!code)
        code = need_piece(wp, "[UNK]", g->what, &wp->unknown, g->err);
    for (size_t i = 0; i < sizeof SPECIALS / sizeof SPECIALS[0] && !code; i++) {
        int id = piece_id(wp, SPECIALS[i], strlen(SPECIALS[i]));
        code = id < 0 ? 0 : add_special(wp, SPECIALS[i], id, g->err);
    }
    return code;
}

static int read_files(struct wordpiece *wp, const struct token_files *files, struct gather *g)
{
    int code;
    if (files->json) {
        struct json *root = json_parse(files->json, files->json_len, "tokenizer.json", g->err);
        code = root ? read_json(wp, root, g) : EYE_EFORMAT;
        json_free(root);
    } else {
        code = read_plain(wp, files, g);
    }
    if (!code)
        code = need_piece(wp, "[CLS]", g->what, &wp->cls, g->err);
    return code ? code : need_piece(wp, "[SEP]", g->what, &wp->sep, g->err);
}

struct wordpiece *wordpiece_open(const struct token_files *files, const char *what,
                                 struct eye_err *err)
{
    struct wordpiece *wp = mem_calloc(1, sizeof *wp, err);
    if (!wp)
        return NULL;
    struct gather g = {.what = what, .err = err};
    buf_init(&g.text, (size_t)64 << 20);
    int code = read_files(wp, files, &g);
    buf_release(&g.text);
    free(g.start);
    if (!code)
        return wp;
    wordpiece_close(wp);
    return NULL;
}

void wordpiece_close(struct wordpiece *wp)
{
    if (!wp)
        return;
    for (size_t i = 0; i < wp->nspecials; i++)
        free(wp->specials[i].text);
    free(wp->text);
    free(wp->start);
    free(wp->slots);
    free(wp);
}

int wordpiece_start(const struct wordpiece *wp)
{
    return wp->cls;
}

int wordpiece_end(const struct wordpiece *wp)
{
    return wp->sep;
}

int wordpiece_vocabulary(const struct wordpiece *wp)
{
    return (int)wp->count;
}

/* ---- encoding ---- */

struct ids {
    int *v;
    int n, max;
};

static void push_id(struct ids *out, int id)
{
    if (out->n < out->max)
        out->v[out->n++] = id;
}

/* Control characters out, white space to spaces, spaces around ideographs. */
static void clean_and_split(const struct wordpiece *wp, const uint32_t *v, size_t n,
                            struct cps *out)
{
    for (size_t i = 0; i < n; i++) {
        if (wp->clean && cp_bert_removed(v[i]))
            continue;
        uint32_t c = wp->clean && cp_bert_space(v[i]) ? ' ' : v[i];
        bool apart = wp->split_cjk && cp_bert_cjk(c);
        if (apart)
            cps_push(out, ' ');
        cps_push(out, c);
        if (apart)
            cps_push(out, ' ');
    }
}

static void normalize(const struct wordpiece *wp, struct cps *t)
{
    struct cps out;
    if (wp->strip_accents) {
        cps_normalize(t, CPS_NFD);
        size_t n = 0;
        for (size_t i = 0; i < t->n; i++)
            if (!cp_bert_accent(t->v[i]))
                t->v[n++] = t->v[i];
        t->n = n;
    }
    if (!wp->lowercase)
        return;
    cps_init(&out);
    for (size_t i = 0; i < t->n; i++) {
        uint32_t low[2];
        cps_append(&out, low, cp_lower(t->v[i], low));
    }
    cps_replace(t, &out);
}

/* The longest piece at the start of s [len], where `at` characters begin: its id, and in *used its bytes without prefix. */
static int longest_piece(const struct wordpiece *wp, const char *s, size_t len, bool inside,
                         size_t *used)
{
    char piece[PIECE_MAX + 16];
    size_t skip = inside ? strlen(wp->prefix) : 0;
    size_t room = wp->longest > skip ? wp->longest - skip : 0;
    size_t n = len < room ? len : room;
    memcpy(piece, wp->prefix, skip);
    memcpy(piece + skip, s, n);
    for (; n > 0; n--) {
        if (n < len && ((uint8_t)s[n] & 0xC0) == 0x80) /* only between characters */
            continue;
        int id = piece_id(wp, piece, skip + n);
        if (id >= 0) {
            *used = n;
            return id;
        }
    }
    return -1;
}

static void encode_word(const struct wordpiece *wp, const uint32_t *v, size_t n, struct ids *out)
{
    char word[WORD_MAX * 4];
    size_t len = 0;
    int before = out->n;
    bool known = n <= wp->word_max;
    for (size_t i = 0; i < n && known; i++)
        len += cp_encode(v[i], word + len);
    for (size_t at = 0; at < len && known;) {
        size_t used = 0;
        int id = longest_piece(wp, word + at, len - at, at > 0, &used);
        known = id >= 0;
        push_id(out, id);
        at += used;
    }
    if (!known) {
        out->n = before;
        push_id(out, wp->unknown);
    }
}

/* Words of normalised text: between spaces, and each punctuation mark. */
static void encode_words(const struct wordpiece *wp, const struct cps *t, struct ids *out)
{
    for (size_t i = 0; i < t->n && out->n < out->max;) {
        size_t n = 0;
        while (i + n < t->n && !cp_bert_space(t->v[i + n]) && !cp_bert_punct(t->v[i + n]))
            n++;
        if (n) {
            encode_word(wp, t->v + i, n, out);
        } else {
            n = 1;
            if (cp_bert_punct(t->v[i]))
                encode_word(wp, t->v + i, 1, out);
        }
        i += n;
    }
}

/* The longest special token at v [n], or NULL. */
static const struct special *special_at(const struct wordpiece *wp, const uint32_t *v, size_t n)
{
    const struct special *best = NULL;
    for (size_t i = 0; i < wp->nspecials; i++) {
        const struct special *s = &wp->specials[i];
        if (s->n <= n && memcmp(s->text, v, s->n * sizeof *v) == 0 && (!best || s->n > best->n))
            best = s;
    }
    return best;
}

int wordpiece_encode(const struct wordpiece *wp, const struct cps *text, int *ids, int max,
                     struct eye_err *err)
{
    struct ids out = {ids, 0, max};
    int code = 0;
    for (size_t i = 0; i < text->n && out.n < max && !code;) {
        const struct special *special = NULL;
        size_t n = 0;
        while (i + n < text->n && !(special = special_at(wp, text->v + i + n, text->n - i - n)))
            n++;
        struct cps part;
        cps_init(&part);
        clean_and_split(wp, text->v + i, n, &part);
        normalize(wp, &part);
        code = cps_check(&part, err);
        if (!code)
            encode_words(wp, &part, &out);
        cps_release(&part);
        if (special)
            push_id(&out, special->id);
        i += n + (special ? special->n : 0);
    }
    return code ? code : out.n;
}
