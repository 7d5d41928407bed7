/* auth.h - who asks: an API key's secret to its scope, quickly, and slowly for those who guess. Thread-safe. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include <stdint.h>

#include "eyeshine.h"

struct api_auth;

/* As eye_key_check: 0, EYE_ENOTFOUND, or another failure. */
typedef int api_auth_ask(void *ctx, const char *secret, int64_t *id, eye_scope *scope,
                         struct eye_err *err);

enum {
    API_AUTH_SECONDS =
        10, /* an answer is believed so long: then a key that was removed elsewhere is no key */
    API_AUTH_GUESSES = 20 /* wrong secrets a minute from one address */
};

struct api_auth *api_auth_new(api_auth_ask *ask, void *ctx, struct eye_err *err);
void api_auth_free(struct api_auth *a);

/* Whose secret this is. `peer`: the address it comes from; `now`: seconds of a clock that never goes back. EYE_ENOTFOUND: nobody's;
 * EYE_EBUSY: this address has guessed too often, *wait says for how many seconds nothing new is tried; others: the library's. */
int api_auth_check(struct api_auth *a, const char *secret, const char *peer, double now,
                   int64_t *id, eye_scope *scope, int *wait, struct eye_err *err);
/* A key was removed: forget all answers. */
void api_auth_forget(struct api_auth *a);

/* The secret in "Bearer eye_..." (scheme in any case) or in a Cookie header's eyeshine_key; false: none. Either may be NULL. */
bool api_auth_bearer(const char *authorization, char out[EYE_KEY_LEN]);
bool api_auth_cookie(const char *cookie, char out[EYE_KEY_LEN]);
/* As eye_scope: "read", "write", "admin"; 0 and NULL for what is none. */
const char *api_scope_name(eye_scope scope);
eye_scope api_scope_of(const char *name);

#endif
