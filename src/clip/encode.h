/* encode.h - the doors of clip.c that only tests and tools go through. */
#ifndef CLIP_ENCODE_H
#define CLIP_ENCODE_H

#include "clip/clip.h"

/* Like clip_encode_text for n token ids as the tokenizer gives them (start and end included, no padding). */
int clip_encode_ids(struct clip *clip, struct clip_work *work, const int *ids, size_t n, float *out,
                    struct eye_err *err);

#endif
