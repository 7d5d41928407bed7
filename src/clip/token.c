/* token.c - a tokenizer of either kind behind one door: the clean-up of open_clip's SimpleTokenizer (lower case) or
 * HFTokenizer (white space only) first, start and end around, the cut to the context last. */
#include "clip/token.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "clip/bpe.h"
#include "clip/clean.h"
#include "clip/wordpiece.h"

enum { FILE_MAX = 64 << 20 };

struct tokenizer {
    struct bpe *bpe; /* one of the two */
    struct wordpiece *wordpiece;
    int context;
};

static struct tokenizer *tokenizer_new(int context, struct eye_err *err)
{
    if (context < 2) {
        eye_fail(err, EYE_EINVAL, "a context of %d tokens has no room for start and end", context);
        return NULL;
    }
    struct tokenizer *tok = mem_calloc(1, sizeof *tok, err);
    if (tok)
        tok->context = context;
    return tok;
}

struct tokenizer *tokenizer_open_bytes(const struct token_files *files, const char *what,
                                       int context, struct eye_err *err)
{
    struct tokenizer *tok = tokenizer_new(context, err);
    if (!tok)
        return NULL;
    tok->wordpiece = wordpiece_open(files, what, err);
    if (tok->wordpiece)
        return tok;
    tokenizer_close(tok);
    return NULL;
}

/* File `name` of `dir` into out, which stays empty if there is none. */
static int read_if_there(const char *dir, const char *name, struct buf *out, struct eye_err *err)
{
    char *path = fs_join(dir, name, err);
    if (!path)
        return EYE_ENOMEM;
    int code = 0;
    if (access(path, F_OK) == 0 || errno != ENOENT)
        code = fs_read_all(path, out, err);
    free(path);
    return code;
}

/* tokenizer_config.json says that vocab.txt is for BERT's tokenizer, so tokenizer.json need not be read. */
static bool says_bert(const struct buf *config)
{
    struct json *root = config->len ? json_parse(config->data, config->len, "", NULL) : NULL;
    const char *class = json_get_str(root, "tokenizer_class", "");
    bool bert = strcmp(class, "BertTokenizer") == 0 || strcmp(class, "BertTokenizerFast") == 0;
    json_free(root);
    return bert;
}

static struct tokenizer *open_wordpiece(const char *dir, const char *name, int context,
                                        struct eye_err *err)
{
    struct buf json, vocab, config;
    buf_init(&json, FILE_MAX);
    buf_init(&vocab, FILE_MAX);
    buf_init(&config, FILE_MAX);
    struct tokenizer *tok = NULL;
    int code = read_if_there(dir, "tokenizer_config.json", &config, err);
    if (!code)
        code = read_if_there(dir, "vocab.txt", &vocab, err);
    if (!code && !(vocab.len && says_bert(&config)))
        code = read_if_there(dir, "tokenizer.json", &json, err);
    struct token_files files = {.json = json.len ? json.data : NULL,
                                .vocab = vocab.data,
                                .config = config.len ? config.data : NULL,
                                .json_len = json.len,
                                .vocab_len = vocab.len,
                                .config_len = config.len};
    if (!code && !json.len && !vocab.len)
        eye_fail(err, EYE_ENOTFOUND,
                 "%s: the tokenizer \"%s\" is missing: put its tokenizer.json or vocab.txt there",
                 dir, name);
    else if (!code)
        tok = tokenizer_open_bytes(&files, dir, context, err);
    buf_release(&json);
    buf_release(&vocab);
    buf_release(&config);
    return tok;
}

struct tokenizer *tokenizer_open(const char *model_dir, const char *hf_tokenizer_name, int context,
                                 struct eye_err *err)
{
    if (hf_tokenizer_name)
        return open_wordpiece(model_dir, hf_tokenizer_name, context, err);
    struct tokenizer *tok = tokenizer_new(context, err);
    if (!tok)
        return NULL;
    tok->bpe = bpe_open(err);
    if (tok->bpe)
        return tok;
    tokenizer_close(tok);
    return NULL;
}

void tokenizer_close(struct tokenizer *tok)
{
    if (!tok)
        return;
    bpe_close(tok->bpe);
    wordpiece_close(tok->wordpiece);
    free(tok);
}

const char *tokenizer_kind(const struct tokenizer *tok)
{
    return tok->bpe ? "BPE" : "WordPiece";
}

int tokenizer_vocabulary(const struct tokenizer *tok)
{
    return tok->bpe ? BPE_VOCABULARY : wordpiece_vocabulary(tok->wordpiece);
}

int tokenizer_encode(const struct tokenizer *tok, const char *text, int *ids, int max,
                     struct eye_err *err)
{
    size_t len = strnlen(text, TOKEN_TEXT_MAX + 1);
    if (len > TOKEN_TEXT_MAX)
        return eye_fail(err, EYE_ELIMIT, "the text is longer than %d bytes; shorten it",
                        TOKEN_TEXT_MAX);
    if (max < tok->context)
        return eye_fail(err, EYE_EINVAL, "room for %d tokens, the context has %d", max,
                        tok->context);
    struct cps cps;
    cps_init(&cps);
    cps_decode(&cps, text, len);
    clean_text(&cps);
    if (tok->bpe)
        cps_lower(&cps);
    int room = tok->context - 2, n = cps_check(&cps, err);
    if (!n)
        n = tok->bpe ? bpe_encode(tok->bpe, &cps, ids + 1, room, err)
                     : wordpiece_encode(tok->wordpiece, &cps, ids + 1, room, err);
    cps_release(&cps);
    if (n < 0)
        return n;
    ids[0] = tok->bpe ? BPE_START : wordpiece_start(tok->wordpiece);
    ids[n + 1] = tok->bpe ? BPE_END : wordpiece_end(tok->wordpiece);
    return n + 2;
}
