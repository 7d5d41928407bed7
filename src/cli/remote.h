/* remote.h - `search` and `index` on a running server instead of a library here. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "base/json.h"
#include "cli/cli.h"
#include "cli/refine.h"
#include "http/http.h"

struct remote {
    char *base;   /* "http://127.0.0.1:8000/photos", for people and for HTTP; no slash at the end */
    char *socket; /* Unix socket; NULL: by address */
    char *auth;   /* header with the key; NULL: none */
    bool quiet;
};

/* From the settings `server` and `key-file`, and $EYESHINE_KEY. 0, or an exit code after saying why. */
int remote_open(const struct cli_ctx *ctx, struct remote *r);
void remote_close(struct remote *r);

struct remote_call {
    const char *method, *path; /* below BASE/api/v1: "/jobs" */
    const char *json;          /* body; NULL: none */
    const struct fetch_part *parts;
    size_t nparts;   /* > 0: a form instead */
    int max_seconds; /* 0: 300 */
    bool may_refuse; /* a 4xx of this file (413, 422 ...) is the caller's to tell: *why */
};
/* One request, and again while the server says that it is too much. *out: the answer (may be NULL). 0, or an exit code after saying why;
 * with may_refuse also CLI_PARTLY, and the server's sentence in `why`. */
int remote_ask(const struct remote *r, const struct remote_call *call, struct json **out,
               struct eye_err *why);

/* ---- remote_search.c ---- */
/* Results of one query, each to `put` (non-zero stops). filters: those of its line, "": none; ask->where is not looked at. *found counts. */
int remote_search(const struct remote *r, const struct refine_ask *ask, const char *filters,
                  int (*put)(void *ctx, const eye_result *result), void *ctx, uint64_t *found);

/* ---- remote_index.c ---- */
int remote_index(struct cli_ctx *ctx, const struct cli_list *paths, const struct cli_list *globs,
                 bool all_files, bool json);

#endif
