/* bpe.h - CLIP's byte-pair encoding. Read-only after bpe_open. */
#ifndef CLIP_BPE_H
#define CLIP_BPE_H

#include "base/buf.h"
#include "clip/cps.h"

enum { BPE_START = 49406, BPE_END = 49407, BPE_VOCABULARY = 49408 };

struct bpe;

/* From the gzip of merges that the program carries. NULL: EYE_ENOMEM, or EYE_EINTERNAL for a broken build. */
struct bpe *bpe_open(struct eye_err *err);
void bpe_close(struct bpe *bpe);
/* Ids of a text that is clean and lower case, without start and end. ids: [max]; what does not fit is left out.
 * Returns how many were written. */
int bpe_encode(const struct bpe *bpe, const struct cps *text, int *ids, int max,
               struct eye_err *err);

/* bpe_data.c: the gzip file as it is in models/clip-bpe. */
extern const unsigned char bpe_data[], bpe_data_end[];

#endif
