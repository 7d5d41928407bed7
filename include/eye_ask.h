/* eye_ask.h - one line that says what is looked for: words, pictures, more and less of them, and filters. One grammar for the
 * command line, the API and the page; docs/QUERY.md is its manual.
 *
 *   two dogs + snow - people              mixed: each part has a weight, 1 or -1
 *   "black & white" 2:beach 0.5:@me.jpg   quotes keep words as they are; N: weighs; @FILE and #ID are pictures
 *   format:png width>2000 (camera:fuji or after:2023-05) -path:*tmp*     filters: and by default, or, not, parentheses
 *
 * Included by eyeshine.h, whose rules hold. Pure text work: nothing is opened, no library needed; any thread. */
#ifndef EYE_ASK_H
#define EYE_ASK_H

#ifndef EYESHINE_H
#error "include eyeshine.h, which includes this"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eye_ask eye_ask;

/* Where in the line something stands: bytes from its beginning. */
typedef struct {
    size_t at, len;
} eye_span;

enum { EYE_ASK_BYTES = 65536, EYE_ASK_TERMS = 32, EYE_ASK_DEPTH = 32, EYE_ASK_FILTERS = 256 };

/* line: UTF-8. NULL: EYE_EINVAL with a sentence that names what is wrong and what would be right; *where is the place of it. EYE_ELIMIT: more
 * than the numbers above. now: seconds since 1970, for "after:yesterday", "added:7d". */
EYE_API eye_ask *eye_ask_parse(const char *line, int64_t now, eye_span *where, struct eye_err *err);
EYE_API void eye_ask_free(eye_ask *ask);

/* Borrowed from ask. A term's query has words, like, or image_path (after @; the caller decides whether files may be read). */
EYE_API const eye_term *eye_ask_terms(const eye_ask *ask, size_t *n);
EYE_API const eye_span *eye_ask_term_spans(const eye_ask *ask); /* [n] */
EYE_API const eye_where *eye_ask_where(const eye_ask *ask);     /* NULL: no filter */
/* Each condition in the line, for chips. negated: it must not hold; alone: it is one of the conditions that must all hold, so
 * taking its span out of the line (with a sign, "not" or "and" that goes with it) leaves a good line. */
typedef struct {
    eye_span span;
    const char *text; /* tidied, with its own sign: a good line by itself; borrowed */
    bool negated, alone;
} eye_ask_filter;
EYE_API const eye_ask_filter *eye_ask_filters(const eye_ask *ask, size_t *n);
EYE_API float eye_ask_min_score(const eye_ask *ask); /* of score>N; -2: none */
/* The same query, tidied: parsing it gives the same again. Borrowed. */
EYE_API const char *eye_ask_text(const eye_ask *ask);
/* Its filters alone, tidied: what is left of the text without the terms. "": none. Borrowed. */
EYE_API const char *eye_ask_where_text(const eye_ask *ask);

#ifdef __cplusplus
}
#endif
#endif
