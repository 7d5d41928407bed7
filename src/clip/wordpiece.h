/* wordpiece.h - BERT's WordPiece. Read-only after opening. */
#ifndef CLIP_WORDPIECE_H
#define CLIP_WORDPIECE_H

#include "clip/cps.h"
#include "clip/token.h"

struct wordpiece;

/* `what`: the folder, for messages. NULL: EYE_EFORMAT, EYE_ENOMEM. */
struct wordpiece *wordpiece_open(const struct token_files *files, const char *what,
                                 struct eye_err *err);
void wordpiece_close(struct wordpiece *wp);
/* Ids of a text after open_clip's clean-up, without [CLS] and [SEP]; ids: [max], what does not fit is left out. */
int wordpiece_encode(const struct wordpiece *wp, const struct cps *text, int *ids, int max,
                     struct eye_err *err);
int wordpiece_start(const struct wordpiece *wp); /* [CLS] */
int wordpiece_end(const struct wordpiece *wp);   /* [SEP] */
int wordpiece_vocabulary(const struct wordpiece *wp);

#endif
