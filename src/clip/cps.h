/* cps.h - text as code points, for the clean-up before tokenizing. Failure is sticky: a call that
 * cannot have memory or would pass CPS_MAX sets `code`, later ones do nothing, cps_check reports it. */
#ifndef CLIP_CPS_H
#define CLIP_CPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CPS_MAX = 1 << 20, CP_REPLACEMENT = 0xFFFD };

struct cps {
    uint32_t *v;
    size_t n, cap;
    int code; /* first failure */
};

/* Inclusive; a table of them is sorted. */
struct cp_range {
    uint32_t first, last;
};

void cps_init(struct cps *t);
void cps_release(struct cps *t);
void cps_push(struct cps *t, uint32_t c);
void cps_append(struct cps *t, const uint32_t *v, size_t n);
/* t becomes what `out` is; out is as after cps_init. */
void cps_replace(struct cps *t, struct cps *out);
int cps_check(const struct cps *t, struct eye_err *err);

/* Append UTF-8; what is not well-formed becomes U+FFFD, one for each maximal part (as Python and browsers do). */
void cps_decode(struct cps *t, const char *utf8, size_t len);
/* Bytes of `c` in UTF-8, 1 to 4. */
size_t cp_encode(uint32_t c, char out[4]);

bool cp_in(const struct cp_range *table, size_t n, uint32_t c);
bool cp_letter(uint32_t c);       /* \p{L} */
bool cp_number(uint32_t c);       /* \p{N} */
bool cp_space(uint32_t c);        /* Python's str.isspace */
bool cp_decimal(uint32_t c);      /* \d */
bool cp_bert_removed(uint32_t c); /* the BERT normaliser's classes */
bool cp_bert_space(uint32_t c);
bool cp_bert_accent(uint32_t c);
bool cp_bert_punct(uint32_t c);
bool cp_bert_cjk(uint32_t c);

enum cps_form { CPS_NFC, CPS_NFD, CPS_NFKC };
void cps_normalize(struct cps *t, enum cps_form form);

/* Python's str.lower: full mapping, final sigma. */
void cps_lower(struct cps *t);
/* Lower case of one character by itself: out [2], returns how many. */
size_t cp_lower(uint32_t c, uint32_t out[2]);

#endif
