/* limit.h - how often one caller may ask: token buckets in a table of fixed size. Thread-safe. */
#ifndef API_LIMIT_H
#define API_LIMIT_H

#include "base/err.h"

struct api_limit;

/* Each caller may ask `per_minute` times at once, and as often again in each minute. */
struct api_limit *api_limit_new(int per_minute, struct eye_err *err);
void api_limit_free(struct api_limit *l);

/* Take one token of `who`, a name for a caller ("key:3", an address). 0: go on; else the seconds until
 * there is one again, at least 1. `now`: seconds of a clock that never goes back. */
int api_limit_take(struct api_limit *l, const char *who, double now);
/* The same answer without taking one. */
int api_limit_look(struct api_limit *l, const char *who, double now);

/* The caller's name for an address: an IPv6 one by its /64, which is what one customer is given. */
void api_limit_name(const char *peer, char out[64]);

#endif
