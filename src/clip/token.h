/* token.h - words to token ids, as open_clip does it: clean-up, splitting, cutting to the context.
 *
 * A struct tokenizer is read-only after opening: any number of threads may encode with it. */
#ifndef CLIP_TOKEN_H
#define CLIP_TOKEN_H

#include <stddef.h>

#include "base/err.h"

struct tokenizer;

/* Longest text that is looked at, in bytes; a longer one gives EYE_ELIMIT. */
enum { TOKEN_TEXT_MAX = 65536 };

/* hf_tokenizer_name NULL: CLIP's byte-pair encoding (built in, `model_dir` is not read). Otherwise BERT's WordPiece with
 * the vocab.txt and tokenizer_config.json, or the tokenizer.json, of `model_dir`; the name serves messages only. context:
 * tokens a text may have, start and end included, >= 2. NULL on error: EYE_ENOTFOUND, EYE_EFORMAT (not a WordPiece). */
struct tokenizer *tokenizer_open(const char *model_dir, const char *hf_tokenizer_name, int context,
                                 struct eye_err *err);
void tokenizer_close(struct tokenizer *tok);

/* Ids of UTF-8 `text` (invalid bytes become U+FFFD) with start and end, without padding, cut to the context as the
 * reference cuts. ids: [max], max >= context. Returns their count, or EYE_EINVAL, EYE_ELIMIT, EYE_ENOMEM. */
int tokenizer_encode(const struct tokenizer *tok, const char *text, int *ids, int max,
                     struct eye_err *err);

const char *tokenizer_kind(const struct tokenizer *tok); /* "BPE", "WordPiece" */
int tokenizer_vocabulary(const struct tokenizer *tok);   /* ids are below this */

/* The parts behind tokenizer_open, for tests and fuzzing: a WordPiece tokenizer from the bytes of tokenizer.json
 * or, where `json` is NULL, of vocab.txt and tokenizer_config.json (may be NULL). `what` names them in messages. */
struct token_files {
    const char *json, *vocab, *config;
    size_t json_len, vocab_len, config_len;
};
struct tokenizer *tokenizer_open_bytes(const struct token_files *files, const char *what,
                                       int context, struct eye_err *err);

#endif
