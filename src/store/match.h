/* match.h - what a filter means, asked of one picture or one file at a time, in C. Both stores' filters are held to it: what their
 * indexes or expressions cannot say, or say of too much, is decided here. */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include "store/store.h"

/* ---- texts ---- */
char match_lower(char c); /* ASCII */
/* Is `part` [m], in lower case, a part of text [n], ASCII case ignored? */
bool match_part(const char *text, size_t n, const char *part, size_t m);
/* The next word of a filter's name at or after *words, which moves behind it; NULL: no more. *n: its length. */
const char *match_word(const char **words, size_t *n);

/* ---- pictures ---- */
enum match_facet {
    FACET_TAKEN,
    FACET_ADDED,
    FACET_PLACE,
    FACET_FORMAT,
    FACET_CAMERA,
    FACET_WIDTH,
    FACET_HEIGHT,
    FACET_AREA,
    FACET_SHAPE,
    FACETS
};
/* Which of them the filter asks for, as bits. */
unsigned match_facets(const struct store_filter *f);
/* Does the picture itself pass? All of it but hash, size, looks; what is asked of files is not looked at. */
bool match_picture(const struct store_filter *f, const struct store_picture *p);

/* ---- files: root, path, name and date, all of the same file ---- */

/* What the pattern means for the files below a root. */
struct match_root {
    int64_t id;
    char *path, *base; /* base: path and a slash */
    size_t base_len;
    enum { MATCH_NONE, MATCH_ALL, MATCH_SOME } pass;
    bool itself;      /* a file that is the root itself passes */
    const char *from; /* MATCH_SOME: rels begin with the literal part of this */
};

struct match_files {
    const struct store_filter *f; /* borrowed */
    enum { PATH_ANY, PATH_PART, PATH_STARS, PATH_GLOB } kind;
    char *names; /* words in lower case; NULL: not asked */
    size_t part_len, prefix_len;
    int64_t modified_from, modified_to; /* nanoseconds, both inclusive */
    bool dated, never;                  /* never: no date can pass */
    struct match_root *roots;
    size_t nroots;
};
bool match_asks_files(const struct store_filter *f);
struct match_files *match_files_new(const struct store_filter *f, struct eye_err *err);
/* To be told of every root of the library, or files below it do not pass. */
int match_files_root(struct match_files *m, int64_t id, const char *path, struct eye_err *err);
void match_files_free(struct match_files *m);
/* How much of root->from is literal. */
size_t match_from_len(const struct match_files *m, const struct match_root *root);
/* Does the pattern begin with text that is a range of paths? */
bool match_has_prefix(const struct match_files *m);
/* Does a file pass? All but its date. */
bool match_file(const struct match_files *m, int64_t root, const char *rel, size_t len);
bool match_date(const struct match_files *m, int64_t mtime_ns);

#endif
