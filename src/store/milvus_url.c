/* milvus_url.c - milvus://[user[:password]@]host[:port]/[database/]collection, and the login that the environment adds.
 *
 * Taken apart by hand: libcurl's parser would do for the host, but messages must never show a password, whatever is wrong with the URL, so
 * it has to be known which part may be one before anything is said. A host is checked strictly because it goes into another URL; names
 * of databases and collections as Milvus does, so that a typing error is found here and not after a round trip.
 * Milvus wants "authorization: base64(user:password)" or base64(token), without "Basic". */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/fs.h"
#include "store/milvus_wire.h"

enum { NAME_MAX_ = 200, HOST_MAX = 253, SECRET_MAX = 4096, DEFAULT_PORT = 19530 };

static const char form[] =
    "it must be milvus://HOST[:PORT]/[DATABASE/]COLLECTION or milvus+tls://...";

/* ---- the login ---- */

static int read_secret_file(const char *path, const char *var, char **out, struct eye_err *err)
{
    struct buf b;
    buf_init(&b, SECRET_MAX);
    int rc = fs_read_all(path, &b, err);
    if (rc) {
        buf_release(&b);
        return err ? eye_fail_prefix(err, "%s", var) : rc;
    }
    while (b.len > 0 && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
        b.data[--b.len] = '\0';
    if (b.len == 0 || strlen(b.data) != b.len)
        rc = eye_fail(err, EYE_EINVAL, "%s: %s: is empty or holds a NUL byte", var, path);
    else
        *out = buf_detach(&b, NULL);
    buf_release(&b);
    return rc;
}

/* Value of environment variable `var`, or what the file named by VAR_FILE holds. NULL: neither is set. */
static int from_environment(const char *var, char **out, struct eye_err *err)
{
    char file_var[64];
    snprintf(file_var, sizeof(file_var), "%s_FILE", var);
    const char *value = getenv(var), *path = getenv(file_var);
    *out = NULL;
    if (value && *value) {
        *out = mem_strdup(value, err);
        return *out ? 0 : EYE_ENOMEM;
    }
    return path && *path ? read_secret_file(path, file_var, out, err) : 0;
}

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static bool printable(const char *s)
{
    for (; s && *s; s++)
        if (iscntrl((unsigned char)*s))
            return false;
    return true;
}

static int set_login(struct milvus_place *p, const char *plain, struct eye_err *err)
{
    struct buf b;
    buf_init(&b, 4 * (size_t)SECRET_MAX);
    int rc = buf_puts(&b, "authorization: ", err);
    rc = rc ? rc : base64_encode(plain, strlen(plain), &b, err);
    if (!rc)
        p->login = buf_detach(&b, NULL);
    buf_release(&b);
    return rc;
}

struct login {
    char *user, *password, *token; /* ours */
};

static void login_forget(struct login *l)
{
    forget(l->user);
    forget(l->password);
    forget(l->token);
}

/* What the URL says (NULL: nothing), and what the environment says where it leaves something open. */
static int login_gather(struct login *l, const char *user, const char *password,
                        struct eye_err *err)
{
    if (user)
        l->user = mem_strdup(user, err);
    if (password)
        l->password = mem_strdup(password, err);
    if ((user && !l->user) || (password && !l->password))
        return EYE_ENOMEM;
    int rc = user ? 0 : from_environment("EYESHINE_STORE_USER", &l->user, err);
    if (!rc && !password)
        rc = from_environment("EYESHINE_STORE_PASSWORD", &l->password, err);
    if (!rc && !user && !password)
        rc = from_environment("EYESHINE_STORE_TOKEN", &l->token, err);
    return rc;
}

static int login_check(const struct login *l, const char *name, struct eye_err *err)
{
    if (!printable(l->user) || !printable(l->password) || !printable(l->token))
        return eye_fail(err, EYE_EINVAL, "%s: the login holds a control character", name);
    if (l->token || !l->user == !l->password)
        return 0;
    if (l->user)
        return eye_fail(err, EYE_EINVAL,
                        "%s: there is a user but no password; set EYESHINE_STORE_PASSWORD or "
                        "EYESHINE_STORE_PASSWORD_FILE",
                        name);
    return eye_fail(err, EYE_EINVAL, "%s: there is a password but no user; set EYESHINE_STORE_USER",
                    name);
}

static int make_login(struct milvus_place *p, const char *user, const char *password,
                      struct eye_err *err)
{
    struct login l = {NULL, NULL, NULL};
    char *plain = NULL;
    int rc = login_gather(&l, user, password, err);
    rc = rc ? rc : login_check(&l, p->name, err);
    if (!rc && !l.token && l.user && asprintf(&plain, "%s:%s", l.user, l.password) < 0) {
        plain = NULL;
        rc = eye_fail(err, EYE_ENOMEM, "out of memory");
    }
    if (!rc && (l.token || plain))
        rc = set_login(p, l.token ? l.token : plain, err);
    if (!rc && p->login) {
        p->secret = mem_strdup(l.token ? l.token : l.password, err);
        rc = p->secret ? 0 : EYE_ENOMEM;
    }
    login_forget(&l);
    forget(plain);
    return rc;
}

/* ---- the URL ---- */

struct parts {
    char *copy;            /* of the URL, cut into the rest */
    char *user, *password; /* NULL: not there */
    char *host;            /* without [] */
    bool v6;
    unsigned port;
    const char *database, *collection;
};

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, tolower((unsigned char)c));
    return c && at ? (int)(at - digits) : -1;
}

/* %XX in place; false on a wrong one or %00. */
static bool unescape(char *s)
{
    char *to = s;
    for (; *s; s++, to++) {
        if (*s != '%') {
            *to = *s;
            continue;
        }
        int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *to = (char)(high * 16 + low);
        s += 2;
    }
    *to = '\0';
    return true;
}

static bool valid_name(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    size_t n = 0;
    for (; s[n]; n++)
        if (!isalnum((unsigned char)s[n]) && s[n] != '_')
            return false;
    return n <= NAME_MAX_;
}

static bool valid_host(const char *s, bool v6)
{
    size_t n = strlen(s);
    if (n == 0 || n > HOST_MAX)
        return false;
    for (; *s; s++)
        if (v6 ? !isxdigit((unsigned char)*s) && !strchr(":.", *s)
               : !isalnum((unsigned char)*s) && !strchr("-._", *s))
            return false;
    return true;
}

static bool take_port(struct parts *p, const char *text)
{
    char *end = NULL;
    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long v = strtoul(text, &end, 10);
    p->port = (unsigned)v;
    return *end == '\0' && v >= 1 && v <= 65535;
}

/* host[:port]; the part before '@' is gone. */
static bool take_host(struct parts *p, char *text)
{
    p->port = DEFAULT_PORT;
    char *colon = NULL;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (!close || (close[1] && close[1] != ':'))
            return false;
        colon = close[1] ? close + 1 : NULL;
        *close = '\0';
        p->host = text + 1;
        p->v6 = true;
    } else {
        colon = strchr(text, ':');
        p->host = text;
    }
    if (colon) {
        *colon = '\0';
        if (!take_port(p, colon + 1))
            return false;
    }
    return valid_host(p->host, p->v6);
}

/* What is wrong with the URL, or NULL. Nothing of `rest` is in it. */
static const char *take_apart(struct parts *p, char *rest)
{
    char *path = strchr(rest, '/'), *at = NULL;
    if (!path)
        return "names no collection";
    *path++ = '\0';
    at = strrchr(rest, '@');
    if (at) {
        *at = '\0';
        char *colon = strchr(rest, ':');
        if (colon)
            *colon = '\0';
        p->user = rest;
        p->password = colon ? colon + 1 : NULL;
        if (!unescape(p->user) || (p->password && !unescape(p->password)))
            return "has a wrong %XX in its user or password";
        if (!*p->user)
            return "has an empty user";
        rest = at + 1;
    }
    if (!take_host(p, rest))
        return "has a host or port that is none";
    size_t len = strlen(path);
    if (len > 0 && path[len - 1] == '/')
        path[len - 1] = '\0';
    char *slash = strchr(path, '/');
    p->collection = path;
    if (slash) {
        *slash = '\0';
        p->database = path;
        p->collection = slash + 1;
    }
    if (!*p->collection)
        return "names no collection";
    if (!valid_name(p->collection) || (p->database && !valid_name(p->database)))
        return "has a database or collection whose name is not letters, digits and '_' (no digit "
               "first, at most 200)";
    return NULL;
}

static int describe(struct milvus_place *out, const struct parts *p, struct eye_err *err)
{
    const char *db = p->database ? p->database : "", *open = p->v6 ? "[" : "",
               *close = p->v6 ? "]" : "";
    out->loopback = strcmp(p->host, "localhost") == 0 || strncmp(p->host, "127.", 4) == 0 ||
                    strcmp(p->host, "::1") == 0;
    if (asprintf(&out->base, "%s://%s%s%s:%u", out->tls ? "https" : "http", open, p->host, close,
                 p->port) < 0)
        out->base = NULL;
    if (asprintf(&out->name, "milvus%s://%s%s%s:%u/%s%s%s", out->tls ? "+tls" : "", open, p->host,
                 close, p->port, db, *db ? "/" : "", p->collection) < 0)
        out->name = NULL;
    if (asprintf(&out->files, "%s_files", p->collection) < 0)
        out->files = NULL;
    out->database = mem_strdup(db, NULL);
    out->collection = mem_strdup(p->collection, NULL);
    if (!out->base || !out->name || !out->files || !out->database || !out->collection)
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    return 0;
}

int milvus_place_read(const char *url, struct milvus_place *out, struct eye_err *err)
{
    static const char plain[] = "milvus://", tls[] = "milvus+tls://";
    struct parts p = {0};
    const char *wrong = NULL;
    memset(out, 0, sizeof(*out));
    p.copy = mem_strdup(url, err);
    if (!p.copy)
        return EYE_ENOMEM;
    out->tls = strncmp(url, tls, sizeof(tls) - 1) == 0;
    char *rest = p.copy + (out->tls ? sizeof(tls) - 1 : sizeof(plain) - 1);
    if (!out->tls && strncmp(url, plain, sizeof(plain) - 1) != 0)
        wrong = "begins with neither milvus:// nor milvus+tls://";
    else
        wrong = take_apart(&p, rest);
    int rc = wrong ? eye_fail(err, EYE_EINVAL, "the store's address %s; %s", wrong, form) : 0;
    rc = rc ? rc : describe(out, &p, err);
    rc = rc ? rc : make_login(out, p.user, p.password, err);
    const char *ca = getenv("EYESHINE_STORE_CA");
    if (!rc && out->tls && ca && *ca) {
        out->ca = mem_strdup(ca, err);
        rc = out->ca ? 0 : EYE_ENOMEM;
    }
    explicit_bzero(p.copy, strlen(url));
    free(p.copy);
    if (rc)
        milvus_place_release(out);
    return rc;
}

void milvus_place_release(struct milvus_place *p)
{
    forget(p->login);
    forget(p->secret);
    free(p->base);
    free(p->name);
    free(p->database);
    free(p->collection);
    free(p->files);
    free(p->ca);
    memset(p, 0, sizeof(*p));
}

static void hide_one(const char *secret, char *text)
{
    size_t n = secret ? strlen(secret) : 0;
    for (char *at = text; n > 0 && (at = strstr(at, secret)) != NULL; at += n)
        memset(at, '*', n);
}

void milvus_place_hide(const struct milvus_place *p, char *text)
{
    hide_one(p->secret, text);
    hide_one(p->login ? strchr(p->login, ' ') + 1 : NULL, text);
}
