/* info.h - what a model folder says of itself, and its identity. */
#ifndef CLIP_INFO_H
#define CLIP_INFO_H

#include "clip/clip.h"
#include "clip/config.h"
#include "clip/safetensors.h"

/* Fill everything. `tokenizer`: its kind, for text_arch. EYE_EFORMAT if eyeshine.json is broken or the files are not
 * those that it describes (by their size; the sums are clip_verify's work). */
int info_fill(const char *dir, const struct config *config, const struct safetensors *st,
              const char *tokenizer, struct clip_info *out, struct eye_err *err);

#endif
