/* eye_duplicates.h - the same picture more than once.
 *
 * Three different things that are never mixed in one group: SAME bytes in several files (one picture of the library); NEAR: other
 * bytes, but one picture to the eye (smaller, recompressed, other format); SIMILAR: other pictures of much the same thing
 * (a burst, the next frame). docs/DUPLICATES.md says how they are told apart. Included by eyeshine.h, whose rules hold. */
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
    const char *path; /* absolute; one that is there if any is */
    bool offline;     /* it is not there just now */
    uint64_t size;
    int width, height;
    const char *format;
    const char *hash; /* SHA-256, 64 hex digits */
    int distance; /* bits of 64 in which its perceptual hash differs from the representative's; 0 for SAME, -1 unknown */
    float cosine; /* between its embedding and the representative's; 1 for SAME */
} eye_dup_member;

/* The first member is the representative: most pixels, then most bytes, then the lowest SHA-256: it does not change with the order of
 * indexing or asking. Each other member is NEAR, or SIMILAR, to the representative itself, never through a third one, and in one group only.
 * SAME: one member a file, all with one id, those that are there first, then by path. Else one member a picture. */
typedef struct {
    eye_dup_kind kind;
    const eye_dup_member *members;
    size_t n;
} eye_dup_group;

typedef enum {
    EYE_DUP_HASHING,  /* perceptual hashes that were never computed are made first */
    EYE_DUP_COMPARING /* pictures with each other */
} eye_dup_phase;

typedef struct {
    eye_dup_kind kind;
    int distance; /* NEAR: at most so many bits, 0..16; -1: 6 */
    float cosine; /* NEAR: at least (0: 0.90); SIMILAR: at least (0: the model's default), 0.5..1 */
    const char *
        path; /* only groups with a member below this folder (absolute) or matching this glob; NULL: all */
    int64_t
        after; /* only groups after that with this representative, in order of it; 0: from the first */
    size_t limit;    /* groups; 0: all */
    bool only_known; /* hashes that were never computed stay so: totals.unknown tells how many */
    int max_age; /* groups found up to so many seconds ago will do, though pictures came or went since; 0: as of now */
    /* Non-zero stops: what was hashed is kept, eye_duplicates returns EYE_ECANCELLED. May be NULL. */
    int (*progress)(void *ctx, eye_dup_phase phase, uint64_t done, uint64_t total);
    void *ctx;
} eye_dup_options;
#define EYE_DUP_OPTIONS_INIT                                                                       \
    {                                                                                              \
        EYE_DUP_SAME, -1, 0, NULL, 0, 0, false, 0, NULL, NULL                                      \
    }

typedef struct {
    uint64_t groups; /* there are in all, of this kind and below `path` */
    int64_t next;    /* for `after` of the next page; 0: that was the last */
    uint64_t
        unknown; /* pictures that no hash is known of: not computed yet, or their files cannot be read just now; they are near nobody */
} eye_dup_totals;

/* Groups by ascending id of the representative; strings live during the call; fn non-zero stops and is returned. What is found is
 * kept in memory, so that pages are cheap and fit together. EYE_EINVAL. */
EYE_API int eye_duplicates(eye_lib *lib, const eye_dup_options *options,
                           int (*fn)(void *ctx, const eye_dup_group *g), void *ctx,
                           eye_dup_totals *totals, struct eye_err *err);

typedef struct {
    bool ready; /* eye_duplicates with the same options and max_age has its answer at hand */
    eye_dup_phase phase;
    uint64_t done, total; /* of what goes on, unless ready */
} eye_dup_state;

/* For a server: have the groups found by a thread of the library's own, and wait for it at most so long; then ask for them with only_known.
 * Hashes that were never computed are made by another such thread meanwhile. What fails in them is told here, once. */
EYE_API int eye_duplicates_prepare(eye_lib *lib, const eye_dup_options *options, int wait_ms,
                                   eye_dup_state *state, struct eye_err *err);

#ifdef __cplusplus
}
#endif
#endif
