/* serve_keys.c - API keys that are given to `serve` when it starts, by whoever starts it.
 *
 * In a container nobody is there to run `eyeshine key new` first, and many nodes of one collection must know the same keys without
 * sharing a disk. So they come as other secrets of containers do, by environment or by file, and are written into the node's library like
 * any other key. Their names end in a mark, by which the next start finds those that are no longer given: taking a key out and starting
 * again ends it. Nothing of a secret is ever said. A flag was left out on purpose: everybody on the machine can read it. */
#include <string.h>

#include "base/fs.h"
#include "cli/serve.h"

enum { FILE_MAX = 1 << 16, KEYS_MAX = 1000 };

static const char MARK[] = " (given at start)";

static bool scope_named(const char *name, size_t n, eye_scope *out)
{
    static const char *const names[] = {
        [EYE_SCOPE_READ] = "read", [EYE_SCOPE_WRITE] = "write", [EYE_SCOPE_ADMIN] = "admin"};
    for (int s = EYE_SCOPE_READ; s <= EYE_SCOPE_ADMIN; s++)
        if (strlen(names[s]) == n && memcmp(names[s], name, n) == 0) {
            *out = (eye_scope)s;
            return true;
        }
    return false;
}

/* The secret is what comes after the last colon, so that a name may hold one. */
static bool read_one(char *entry, struct serve_key *key)
{
    char *secret = strrchr(entry, ':');
    if (!secret || secret == entry)
        return false;
    *secret++ = '\0';
    char *scope = strrchr(entry, ':');
    if (!scope || scope == entry)
        return false;
    *scope++ = '\0';
    key->name = entry;
    key->secret = secret;
    return scope_named(scope, strlen(scope), &key->scope);
}

int serve_keys_read(char *text, struct serve_key **keys, size_t *n)
{
    char *save = NULL;
    *n = 0;
    *keys = calloc(KEYS_MAX, sizeof **keys);
    if (!*keys) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    for (char *e = strtok_r(text, ",\r\n", &save); e; e = strtok_r(NULL, ",\r\n", &save)) {
        e += strspn(e, " \t");
        e[strcspn(e, " \t")] = '\0';
        if (!*e || *e == '#')
            continue;
        if (*n == KEYS_MAX || !read_one(e, &(*keys)[*n])) {
            cli_say("keys given at the start: number %zu is not NAME:SCOPE:SECRET (the scope is "
                    "read, write or admin; %d keys at most)",
                    *n + 1, (int)KEYS_MAX);
            free(*keys);
            *keys = NULL;
            return CLI_USAGE;
        }
        ++*n;
    }
    return 0;
}

/* ---- the library's side ---- */

struct marked {
    int64_t ids[KEYS_MAX];
    size_t n;
};

static int on_key(void *ctx, const eye_key *key)
{
    struct marked *m = ctx;
    size_t len = strlen(key->name), tail = sizeof MARK - 1;
    if (m->n < KEYS_MAX && len > tail && strcmp(key->name + len - tail, MARK) == 0)
        m->ids[m->n++] = key->id;
    return 0;
}

static void unmark(struct marked *m, int64_t id)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->ids[i] == id)
            m->ids[i] = 0;
}

/* What is known with the same scope stays as it is; what has another one is made anew. */
static int apply_one(eye_lib *lib, const struct serve_key *key, struct marked *m,
                     struct eye_err *err)
{
    int64_t id = 0;
    eye_scope scope = 0;
    char name[160];
    if (eye_key_check(lib, key->secret, &id, &scope, NULL) == 0) {
        if (scope == key->scope) {
            unmark(m, id);
            return 0;
        }
        int rc = eye_key_remove(lib, id, err);
        if (rc)
            return rc;
        unmark(m, id);
    }
    snprintf(name, sizeof name, "%s%s", key->name, MARK);
    return eye_key_add(lib, name, key->scope, key->secret, NULL, err);
}

static int apply(eye_lib *lib, const struct serve_key *keys, size_t n)
{
    struct eye_err err = {0};
    struct marked *m = calloc(1, sizeof *m);
    if (!m) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    int rc = eye_keys(lib, on_key, m, &err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = apply_one(lib, &keys[i], m, &err);
    for (size_t i = 0; i < m->n && rc == 0; i++)
        if (m->ids[i])
            rc = eye_key_remove(lib, m->ids[i], &err);
    free(m);
    return rc ? cli_fail(&err) : 0;
}

int serve_keys_apply(eye_lib *lib)
{
    const char *given = getenv("EYESHINE_KEYS"), *file = getenv("EYESHINE_KEYS_FILE");
    struct serve_key *keys = NULL;
    struct eye_err err = {0};
    struct buf text;
    size_t n = 0;
    buf_init(&text, FILE_MAX);
    if (given && *given && file && *file) {
        cli_say("$EYESHINE_KEYS and $EYESHINE_KEYS_FILE are both set: give one of them");
        return CLI_USAGE;
    }
    int rc = file && *file ? fs_read_all(file, &text, &err) : 0;
    if (rc == 0 && given)
        rc = buf_append(&text, given, strlen(given), &err);
    if (rc == 0)
        rc = buf_append(&text, "", 1, &err);
    int code = rc ? cli_fail(&err) : 0;
    if (!code)
        code = serve_keys_read(text.data, &keys, &n);
    if (!code)
        code = apply(lib, keys, n);
    if (text.len)
        explicit_bzero(text.data, text.len);
    free(keys);
    buf_release(&text);
    return code;
}
