/* fuzz_tokenizer.c - words to ids. First byte even: the rest is text for CLIP's BPE. Odd: up to the first NUL a
 * tokenizer.json (1 mod 4) or a vocab.txt (3 mod 4) of a model, then text for it. */
#include "fuzz.h"

#include <string.h>

#include "clip/token.h"

enum { CONTEXT = 77 };

static void encode(const struct tokenizer *tok, const char *text)
{
    int ids[CONTEXT];
    struct eye_err err = {0, ""};
    int n = tokenizer_encode(tok, text, ids, CONTEXT, &err);
    PROMISE(n <= CONTEXT && (n >= 2 || err.code == n));
    for (int i = 0; i < n; i++)
        PROMISE(ids[i] >= 0 && ids[i] < tokenizer_vocabulary(tok));
}

/* Opening reads 49,408 merges: once for all inputs. */
static const struct tokenizer *bpe(void)
{
    static struct tokenizer *tok;
    if (!tok)
        tok = tokenizer_open(NULL, NULL, CONTEXT, NULL);
    PROMISE(tok != NULL);
    return tok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = len > 0 ? malloc(len) : NULL;
    if (!text)
        return 0;
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    if (data[0] % 2 == 0) {
        encode(bpe(), text);
    } else {
        size_t first = strlen(text);
        const char *words = first < len - 1 ? text + first + 1 : "a dog";
        struct token_files files = {0};
        if (data[0] % 4 == 1)
            files.json = text, files.json_len = first;
        else
            files.vocab = text, files.vocab_len = first;
        struct eye_err err = {0, ""};
        struct tokenizer *tok = tokenizer_open_bytes(&files, "fuzz", CONTEXT, &err);
        PROMISE(tok || (err.code < 0 && err.msg[0] != '\0'));
        if (tok)
            encode(tok, words);
        tokenizer_close(tok);
    }
    free(text);
    return 0;
}
