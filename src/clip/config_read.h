/* config_read.h - checked access to the members of one JSON object of a configuration file.
 *
 * A reader remembers its first failure; later calls then do nothing, so that a parser reads like a list. */
#ifndef CLIP_CONFIG_READ_H
#define CLIP_CONFIG_READ_H

#include "base/json.h"
#include "clip/config.h"

struct config_reader {
    const char *path;    /* of the file */
    const char *section; /* e.g. "vision_cfg", for messages */
    const struct json *obj;
    struct eye_err *err;
    int code; /* first failure */
};

enum { CONFIG_SIDE_MAX = 4096, CONFIG_WIDTH_MAX = 16384, CONFIG_LAYERS_MAX = 256 };

struct config_reader config_section(const struct config_reader *parent, const char *key);

/* A whole number in 1..max; `fallback` when absent or null. */
size_t config_size(struct config_reader *r, const char *key, size_t fallback, size_t max);
/* The same as a number or as a pair [height, width]. */
void config_pair(struct config_reader *r, const char *key, size_t fallback, size_t *height,
                 size_t *width);
double config_num(struct config_reader *r, const char *key, double fallback, double low,
                  double high);
/* Whether the member is set, as Python sees it: not null, false, 0, "" or empty. */
bool config_bool(const struct config_reader *r, const char *key);
/* The member is there and is null (json_get() cannot tell that from absent). */
bool config_is_null(const struct config_reader *r, const char *key);
/* Index of the member's value in `words` (NULL-terminated); `fallback` when absent; other words are refused. */
int config_word(struct config_reader *r, const char *key, const char *const *words, int fallback);
/* One number for all three or a list of three. */
void config_three(struct config_reader *r, const char *key, float out[3]);

/* Fail unless every member is in `known` (NULL-terminated): open_clip would refuse it, too. */
void config_known(struct config_reader *r, const char *const *known);
/* Fail if config_bool() says that the member is set. */
void config_refuse(struct config_reader *r, const char *key, const char *what);
/* "PATH: this model uses WHAT, which ... cannot run" */
int config_unsupported(struct config_reader *r, const char *what);
int config_fail(struct config_reader *r, const char *key, const char *why);

/* heads must divide width; fills the rest of a stack from what was read. */
void config_stack_check(struct config_reader *r, const struct config_stack *s);

/* The dialects. `root` is the parsed file `path` in folder `dir`. */
int config_parse_open_clip(const char *dir, const char *path, const struct json *root,
                           struct config *out, struct eye_err *err);
int config_parse_hf(const char *dir, const char *path, const struct json *root, struct config *out,
                    struct eye_err *err);
/* BERT's sizes from text_config.json or config.json of the folder. */
int config_parse_bert(const char *dir, struct config *out, struct eye_err *err);

/* DIR/name parsed and remembered in out->files; NULL with err->code EYE_ENOTFOUND if it is not there. */
struct json *config_file(const char *dir, const char *name, struct config *out,
                         struct eye_err *err);

#endif
