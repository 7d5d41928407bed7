/* keys.c - API keys: eye_key_*.
 *
 * A secret is "eye_" and 256 random bits as 43 characters. With that much chance in it a plain SHA-256 keeps it as well
 * as a slow password hash would, and costs a request a microsecond. A secret that is too short, too long or of other letters
 * goes the same way as one that is merely wrong: hashed at its full allowed length and looked up. */
#include <errno.h>
#include <sys/random.h>

#include "base/json.h"
#include "engine/engine.h"

enum { RANDOM_BYTES = 32, NAME_MAX_BYTES = 100, USED_EVERY_SECONDS = 60 };

static const char prefix[] = "eye_";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 32 bytes as 43 characters of the URL-safe base64 alphabet, without padding. */
static void spell(const uint8_t bytes[RANDOM_BYTES], char *out)
{
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < RANDOM_BYTES; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (have += 8; have >= 6; have -= 6) {
            *out++ = letters[bits >> (have - 6) & 63];
        }
    }
    *out++ = letters[bits << (6 - have) & 63];
    *out = '\0';
}

static int make_secret(char secret[EYE_KEY_LEN], struct eye_err *err)
{
    uint8_t bytes[RANDOM_BYTES];
    ssize_t got;
    do {
        got = getrandom(bytes, sizeof bytes, 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof bytes) {
        return eye_fail_errno(err, errno, "cannot get random bytes from the system");
    }
    memcpy(secret, prefix, sizeof prefix - 1);
    spell(bytes, secret + sizeof prefix - 1);
    explicit_bzero(bytes, sizeof bytes);
    return 0;
}

/* What is kept of a secret. Always the same amount of work. */
static void hash_secret(const char *secret, struct hash *hash)
{
    char padded[EYE_KEY_LEN + 1] = {0}; /* one more byte, so that a longer secret is another one */
    memcpy(padded, secret, strnlen(secret, sizeof padded));
    hash_bytes(padded, sizeof padded, hash);
    explicit_bzero(padded, sizeof padded);
}

static int check_name(const char *name, struct eye_err *err)
{
    size_t n = name ? strlen(name) : 0;
    bool plain = n > 0 && n <= NAME_MAX_BYTES && utf8_valid(name, n);
    for (size_t i = 0; plain && i < n; i++) {
        plain = (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
    }
    return plain ? 0
                 : eye_fail(err, EYE_EINVAL, "a key needs a name of 1 to %d bytes of plain text",
                            (int)NAME_MAX_BYTES);
}

/* A row for a secret of the right shape. */
static int keep(eye_lib *lib, const char *name, eye_scope scope, const char *secret, int64_t *id,
                struct eye_err *err)
{
    struct hash hash;
    int64_t local;
    hash_secret(secret, &hash);
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_key_new(s, name, (int)scope, &hash, id ? id : &local, err) : EYE_EIO;
    eng_store_put(lib, s);
    return rc;
}

static int may_make(eye_lib *lib, const char *name, eye_scope scope, struct eye_err *err)
{
    int rc = eng_writable(lib, err);
    rc = rc < 0 ? rc : check_name(name, err);
    if (rc == 0 && (scope < EYE_SCOPE_READ || scope > EYE_SCOPE_ADMIN)) {
        rc = eye_fail(err, EYE_EINVAL, "a key is for reading, writing or admin");
    }
    return rc;
}

int eye_key_new(eye_lib *lib, const char *name, eye_scope scope, char secret[EYE_KEY_LEN],
                int64_t *id, struct eye_err *err)
{
    int rc = may_make(lib, name, scope, err);
    rc = rc < 0 ? rc : make_secret(secret, err);
    return rc < 0 ? rc : keep(lib, name, scope, secret, id, err);
}

/* As make_secret makes them. */
static bool is_secret(const char *text)
{
    const size_t n = sizeof prefix - 1;
    return text && strncmp(text, prefix, n) == 0 &&
           strspn(text + n, letters) == EYE_KEY_LEN - 1 - n && strlen(text) == EYE_KEY_LEN - 1;
}

int eye_key_add(eye_lib *lib, const char *name, eye_scope scope, const char *secret, int64_t *id,
                struct eye_err *err)
{
    int rc = may_make(lib, name, scope, err);
    if (rc == 0 && !is_secret(secret)) {
        rc = eye_fail(err, EYE_EINVAL,
                      "the secret of key '%s' is not \"%s\" and %d characters of A-Z a-z 0-9 - _",
                      name, prefix, (int)(EYE_KEY_LEN - sizeof prefix));
    }
    if (rc == 0 && eye_key_check(lib, secret, NULL, NULL, NULL) == 0) {
        rc = eye_fail(err, EYE_EEXIST, "this library has a key with the secret of '%s'", name);
    }
    return rc < 0 ? rc : keep(lib, name, scope, secret, id, err);
}

/* A busy or full database is no reason to turn someone away. */
static void note_use(const eye_lib *lib, struct store *s, const struct store_key *key)
{
    int64_t now = (int64_t)time(NULL);
    if (!lib->read_only && (key->used_at == INT64_MIN || now - key->used_at >= USED_EVERY_SECONDS ||
                            now < key->used_at)) {
        store_key_used(s, key->id, NULL);
    }
}

int eye_key_check(eye_lib *lib, const char *secret, int64_t *id, eye_scope *scope,
                  struct eye_err *err)
{
    struct hash hash;
    struct store_key key = {0};
    hash_secret(secret ? secret : "", &hash);
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_key_find(s, &hash, &key, err) : EYE_EIO;
    if (rc == 0) {
        note_use(lib, s, &key);
        if (id) {
            *id = key.id;
        }
        if (scope) {
            *scope = (eye_scope)key.scope;
        }
    }
    eng_store_put(lib, s);
    return rc == EYE_ENOTFOUND ? eye_fail(err, rc, "no such key") : rc;
}

int eye_key_remove(eye_lib *lib, int64_t id, struct eye_err *err)
{
    int rc = eng_writable(lib, err);
    if (rc < 0) {
        return rc;
    }
    struct store *s = eng_store_get(lib, err);
    rc = s ? store_key_remove(s, id, err) : EYE_EIO;
    eng_store_put(lib, s);
    return rc;
}

int eye_keys(eye_lib *lib, int (*fn)(void *ctx, const eye_key *key), void *ctx, struct eye_err *err)
{
    struct store_key *keys = NULL;
    size_t n = 0;
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_keys(s, &keys, &n, err) : EYE_EIO;
    eng_store_put(lib, s);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        eye_key key = {keys[i].id, keys[i].name, (eye_scope)keys[i].scope, keys[i].created_at,
                       keys[i].used_at};
        rc = fn(ctx, &key);
    }
    store_keys_free(keys, n);
    return rc;
}
