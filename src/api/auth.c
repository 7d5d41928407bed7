/* auth.c - API keys, remembered for ten seconds so that a page of thumbnails costs one look into the database.
 *
 * Kept are SHA-256s, never secrets. A key is 256 random bits, so no slow hash is needed and guessing is hopeless; the limit on wrong
 * secrets is against the noise of those who try. A wrong secret that was tried before counts no second time: a page with a key
 * that was removed sends it with each of its pictures, and must not lock out the address that it shares with others. */
#include "api/auth.h"

#include <pthread.h>
#include <strings.h>

#include "api/limit.h"
#include "base/buf.h"
#include "base/hash.h"

enum { KNOWN = 64, WRONG = 64 };

struct answer {
    struct hash secret;
    int64_t id;
    eye_scope scope;
    double until; /* 0: free */
};

struct api_auth {
    pthread_mutex_t lock;
    api_auth_ask *ask;
    void *ctx;
    struct api_limit *guesses;
    struct answer known[KNOWN], wrong[WRONG];
    unsigned forgotten; /* how often all answers were forgotten */
};

struct api_auth *api_auth_new(api_auth_ask *ask, void *ctx, struct eye_err *err)
{
    struct api_auth *a = mem_calloc(1, sizeof *a, err);
    if (!a)
        return NULL;
    a->guesses = api_limit_new(API_AUTH_GUESSES, err);
    if (!a->guesses) {
        free(a);
        return NULL;
    }
    a->ask = ask;
    a->ctx = ctx;
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void api_auth_free(struct api_auth *a)
{
    if (!a)
        return;
    api_limit_free(a->guesses);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- the answers; the lock is held ---- */

/* Every byte is looked at, so that time tells nothing. */
static bool same_hash(const struct hash *a, const struct hash *b)
{
    unsigned diff = 0;
    for (size_t i = 0; i < HASH_LEN; i++)
        diff |= (unsigned)(a->bytes[i] ^ b->bytes[i]);
    return diff == 0;
}

static const struct answer *recall(const struct answer *table, size_t n, const struct hash *h,
                                   double now)
{
    const struct answer *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (table[i].until > now && same_hash(&table[i].secret, h))
            found = &table[i];
    return found;
}

/* In the place of one that is over, or of the one that ends first. */
static void remember(struct answer *table, size_t n, const struct answer *answer)
{
    struct answer *at = table;
    for (size_t i = 0; i < n; i++) {
        if (same_hash(&table[i].secret, &answer->secret)) {
            at = &table[i];
            break;
        }
        if (table[i].until < at->until)
            at = &table[i];
    }
    *at = *answer;
}

/* ---- */

static int not_known(struct eye_err *err)
{
    return eye_fail(err, EYE_ENOTFOUND,
                    "this API key is not known here: `eyeshine key list` shows which are");
}

/* What is remembered of a secret. */
struct memory {
    bool fresh;         /* `answer` can be believed */
    bool good;          /* it was somebody's a while ago: no guess, whatever comes of it */
    unsigned forgotten; /* when that was looked up, for `learn` */
    struct answer answer;
};

static struct memory look_up(struct api_auth *a, const struct hash *h, double now)
{
    pthread_mutex_lock(&a->lock);
    struct memory m = {.forgotten = a->forgotten};
    const struct answer *fresh = recall(a->known, KNOWN, h, now);
    m.good = recall(a->known, KNOWN, h, 0) != NULL;
    if (!fresh)
        fresh = recall(a->wrong, WRONG, h, now);
    m.fresh = fresh != NULL;
    if (fresh)
        m.answer = *fresh;
    pthread_mutex_unlock(&a->lock);
    return m;
}

static void drop(struct answer *table, size_t n, const struct hash *h)
{
    for (size_t i = 0; i < n; i++)
        if (same_hash(&table[i].secret, h))
            table[i] = (struct answer){0};
}

static void learn(struct api_auth *a, const struct answer *answer, unsigned forgotten)
{
    pthread_mutex_lock(&a->lock);
    if (a->forgotten == forgotten && answer->scope)
        remember(a->known, KNOWN, answer);
    if (!answer->scope) {
        drop(a->known, KNOWN, &answer->secret);
        remember(a->wrong, WRONG, answer);
    }
    pthread_mutex_unlock(&a->lock);
}

int api_auth_check(struct api_auth *a, const char *secret, const char *peer, double now,
                   int64_t *id, eye_scope *scope, int *wait, struct eye_err *err)
{
    struct answer answer = {.until = now + API_AUTH_SECONDS};
    char who[64];
    hash_bytes(secret, strlen(secret), &answer.secret);
    api_limit_name(peer, who);
    struct memory m = look_up(a, &answer.secret, now);
    if (m.fresh) {
        *id = m.answer.id;
        *scope = m.answer.scope;
        return m.answer.scope ? 0 : not_known(err);
    }
    *wait = m.good ? 0 : api_limit_look(a->guesses, who, now);
    if (*wait)
        return eye_fail(err, EYE_EBUSY, "too many wrong API keys from this address: wait %d s",
                        *wait);
    int rc = a->ask(a->ctx, secret, &answer.id, &answer.scope, err);
    if (rc == EYE_ENOTFOUND) {
        answer.scope = (eye_scope)0;
        api_limit_take(a->guesses, who, now);
        learn(a, &answer, m.forgotten);
        return not_known(err);
    }
    if (rc)
        return rc;
    learn(a, &answer, m.forgotten);
    *id = answer.id;
    *scope = answer.scope;
    return 0;
}

void api_auth_forget(struct api_auth *a)
{
    pthread_mutex_lock(&a->lock);
    a->forgotten++;
    memset(a->known, 0, sizeof a->known);
    pthread_mutex_unlock(&a->lock);
}

/* ---- where a secret stands in a request ---- */

static bool take_secret(const char *text, size_t n, char out[EYE_KEY_LEN])
{
    if (n == 0 || n >= EYE_KEY_LEN)
        return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

bool api_auth_bearer(const char *authorization, char out[EYE_KEY_LEN])
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *text = authorization + sizeof scheme - 1;
    text += strspn(text, " ");
    return take_secret(text, strcspn(text, " \t"), out);
}

bool api_auth_cookie(const char *cookie, char out[EYE_KEY_LEN])
{
    static const char name[] = "eyeshine_key=";
    for (const char *p = cookie; p && *p; p += strcspn(p, ";"), p += *p == ';') {
        p += strspn(p, " \t");
        if (strncmp(p, name, sizeof name - 1) == 0) {
            const char *text = p + sizeof name - 1;
            return take_secret(text, strcspn(text, "; \t"), out);
        }
    }
    return false;
}

static const char *const scope_names[] = {
    [EYE_SCOPE_READ] = "read", [EYE_SCOPE_WRITE] = "write", [EYE_SCOPE_ADMIN] = "admin"};

const char *api_scope_name(eye_scope scope)
{
    return scope >= EYE_SCOPE_READ && scope <= EYE_SCOPE_ADMIN ? scope_names[scope] : NULL;
}

eye_scope api_scope_of(const char *name)
{
    for (int s = EYE_SCOPE_READ; name && s <= EYE_SCOPE_ADMIN; s++)
        if (strcmp(name, scope_names[s]) == 0)
            return (eye_scope)s;
    return (eye_scope)0;
}
