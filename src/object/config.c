/* config.c - endpoint, region and login from the environment, by the names that AWS's own tools use.
 *
 * No flag and no setting takes a secret: a command line and a settings file are read by others too easily. For containers each of
 * them may lie in a file (NAME_FILE), as docker's and Kubernetes' secrets do. ~/.aws is not read: a service has no home. */
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "object/internal.h"

enum { SECRET_MAX = 16384 };

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int take(char **out, const char *value, struct eye_err *err)
{
    if (!value)
        return 0;
    *out = mem_strdup(value, err);
    return *out ? 0 : EYE_ENOMEM;
}

/* A header is made of it. */
static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

static int read_secret(char **out, const char *path, const char *name, struct eye_err *err)
{
    struct buf text;
    struct eye_err why = {0};
    buf_init(&text, SECRET_MAX);
    int rc = fs_read_all(path, &text, &why);
    if (rc < 0)
        eye_fail(err, rc, "%s: %s", name, why.msg);
    while (rc == 0 && text.len && strchr(" \t\r\n", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    if (rc == 0)
        rc = text.len ? take(out, text.data, err)
                      : eye_fail(err, EYE_EINVAL, "%s: %s is empty", name, path);
    if (text.data)
        explicit_bzero(text.data, text.cap);
    buf_release(&text);
    return rc;
}

static int secret(char **out, const char *name, struct eye_err *err)
{
    char file[64];
    snprintf(file, sizeof file, "%s_FILE", name);
    const char *path = env(file);
    int rc = path ? read_secret(out, path, file, err) : take(out, env(name), err);
    if (rc == 0 && *out && !is_printable(*out))
        rc = eye_fail(err, EYE_EINVAL, "%s holds a blank or a character that no key has", name);
    return rc;
}

static int style(enum object_style *out, struct eye_err *err)
{
    const char *text = env("EYESHINE_S3_STYLE");
    *out = !text                           ? OBJECT_STYLE_AUTO
           : strcasecmp(text, "path") == 0 ? OBJECT_STYLE_PATH
                                           : OBJECT_STYLE_HOST;
    if (text && *out == OBJECT_STYLE_HOST && strcasecmp(text, "host") != 0)
        return eye_fail(err, EYE_EINVAL, "EYESHINE_S3_STYLE is path or host, not '%s'", text);
    return 0;
}

static int attempts(int *out, struct eye_err *err)
{
    const char *text = env("AWS_MAX_ATTEMPTS");
    char *end = NULL;
    long v = text ? strtol(text, &end, 10) : 0;
    if (text && (*end || v < 1 || v > 20))
        return eye_fail(err, EYE_EINVAL, "AWS_MAX_ATTEMPTS is 1 to 20, not '%s'", text);
    *out = (int)v;
    return 0;
}

int object_config_env(struct object_config *c, struct eye_err *err)
{
    memset(c, 0, sizeof *c);
    const char *endpoint = env("AWS_ENDPOINT_URL_S3");
    endpoint = endpoint ? endpoint : env("AWS_ENDPOINT_URL");
    endpoint = endpoint ? endpoint : env("S3_ENDPOINT");
    const char *region = env("AWS_REGION");
    int rc = take(&c->endpoint, endpoint, err);
    rc = rc ? rc : take(&c->region, region ? region : env("AWS_DEFAULT_REGION"), err);
    rc = rc ? rc : take(&c->ca_file, env("AWS_CA_BUNDLE"), err);
    rc = rc ? rc : secret(&c->key, "AWS_ACCESS_KEY_ID", err);
    rc = rc ? rc : secret(&c->secret, "AWS_SECRET_ACCESS_KEY", err);
    rc = rc ? rc : secret(&c->token, "AWS_SESSION_TOKEN", err);
    rc = rc ? rc : attempts(&c->tries, err);
    return rc ? rc : style(&c->style, err);
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void object_config_release(struct object_config *c)
{
    free(c->endpoint);
    free(c->region);
    free(c->ca_file);
    wipe(c->key);
    wipe(c->secret);
    wipe(c->token);
    memset(c, 0, sizeof *c);
}
