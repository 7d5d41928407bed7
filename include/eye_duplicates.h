/* eye_duplicates.h - the same picture more than once.
 *
 * Three different things that are never mixed in one group: SAME bytes in several files (one picture of the library); NEAR: other
 * bytes, but one picture to the eye (smaller, recompressed, other format); SIMILAR: other pictures of much the same thing
 * (a burst, the next frame). Included by eyeshine.h, whose rules hold. */
#ifndef EYE_DUPLICATES_H
#define EYE_DUPLICATES_H

#ifndef EYESHINE_H
#error "include eyeshine.h, which includes this"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { EYE_DUP_SAME, EYE_DUP_NEAR, EYE_DUP_SIMILAR } eye_dup_kind;

typedef struct {
    int64_t id;
    const char *path; /* absolute */
    bool offline;
    uint64_t size;
    int width, height;
    const char *format;
    const char *hash; /* SHA-256, 64 hex digits */
    int distance; /* bits of 64 in which its perceptual hash differs from the representative's; 0 for SAME, -1 unknown */
    float cosine; /* between its embedding and the representative's; 1 for SAME */
} eye_dup_member;

/* The first member is the representative: most pixels, then most bytes, then the lowest id, then the first path: it does not change with
 * the order of indexing or asking. SAME: one member a file, all with one id. */
typedef struct {
    eye_dup_kind kind;
    const eye_dup_member *members;
    size_t n;
} eye_dup_group;

typedef struct {
    eye_dup_kind kind;
    int distance; /* NEAR: at most so many bits, 0..16; -1: 6 */
    float cosine; /* NEAR: at least (0: 0.90); SIMILAR: at least (0: the model's default), 0.5..1 */
    const char
        *path; /* only groups with a member below this folder or matching this glob; NULL: all */
    int64_t
        after; /* only groups after that with this representative, in order of it; 0: from the first */
    size_t limit; /* groups; 0: all */
    /* Perceptual hashes that were never computed are made first; non-zero stops (EYE_ECANCELLED). May be NULL. */
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
} eye_dup_options;

/* Groups by ascending id of the representative; strings live during the call. *total: groups there are in all. */
EYE_API int eye_duplicates(eye_lib *lib, const eye_dup_options *options,
                           int (*fn)(void *ctx, const eye_dup_group *g), void *ctx, uint64_t *total,
                           struct eye_err *err);

#ifdef __cplusplus
}
#endif
#endif
