/* store.c - opening and closing: where requests go and how they are signed. */
#include <string.h>

#include "object/internal.h"

const char *object_host(const struct object_store *s)
{
    return s->host;
}

const char *object_bucket(const struct object_store *s)
{
    return s->bucket;
}

static int copy(char **out, const char *text, struct eye_err *err)
{
    *out = text ? mem_strdup(text, err) : NULL;
    return text && !*out ? EYE_ENOMEM : 0;
}

static int copy_config(struct object_config *to, const struct object_config *from,
                       struct eye_err *err)
{
    struct object_config c = *from;
    c.endpoint = c.region = c.key = c.secret = c.token = c.ca_file = NULL;
    *to = c;
    int rc = copy(&to->endpoint, from->endpoint, err);
    rc = rc ? rc : copy(&to->region, from->region ? from->region : "us-east-1", err);
    rc = rc ? rc : copy(&to->key, from->key, err);
    rc = rc ? rc : copy(&to->secret, from->secret, err);
    rc = rc ? rc : copy(&to->token, from->token, err);
    rc = rc ? rc : copy(&to->ca_file, from->ca_file, err);
    if (!rc && !from->key != !from->secret)
        rc = eye_fail(err, EYE_EINVAL, "the object store's login is half there: %s is not set",
                      from->key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    return rc;
}

/* It becomes part of a host's name and of what is signed. */
static bool region_is_valid(const char *region)
{
    size_t n = strlen(region);
    for (size_t i = 0; i < n; i++) {
        char c = region[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return n > 0 && n < 64;
}

/* Scheme, host with port, and path of the endpoint; EYE_EINVAL. */
static int split(const char *endpoint, char **scheme, char **host, char **path, struct eye_err *err)
{
    char *name = NULL, *port = NULL, *user = NULL, *query = NULL;
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, endpoint, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, scheme, 0) == CURLUE_OK &&
              (!strcmp(*scheme, "http") || !strcmp(*scheme, "https")) &&
              curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PATH, path, 0) == CURLUE_OK;
    if (ok) {
        curl_url_get(u, CURLUPART_PORT, &port, 0);
        curl_url_get(u, CURLUPART_USER, &user, 0);
        curl_url_get(u, CURLUPART_QUERY, &query, 0);
        ok = !user && !query &&
             asprintf(host, "%s%s%s", name, port ? ":" : "", port ? port : "") > 0;
    }
    curl_free(name);
    curl_free(port);
    curl_free(user);
    curl_free(query);
    curl_url_cleanup(u);
    return ok ? 0 /* not shown otherwise: nobody knows what in it is a password */
              : eye_fail(err, EYE_EINVAL,
                         "the object store's endpoint is no address; it is "
                         "http://HOST:PORT or https://HOST without user or query");
}

static int set_base(struct object_store *s, struct eye_err *err)
{
    char *scheme = NULL, *path = NULL, *aws = NULL;
    const struct object_config *c = &s->c;
    int rc = region_is_valid(c->region)
                 ? 0
                 : eye_fail(err, EYE_EINVAL, "'%s' is no name of a region", c->region);
    if (!rc && !c->endpoint && asprintf(&aws, "https://s3.%s.amazonaws.com", c->region) < 0)
        rc = eye_fail(err, EYE_ENOMEM, "out of memory");
    rc = rc ? rc : split(c->endpoint ? c->endpoint : aws, &scheme, &s->host, &path, err);
    if (!rc) {
        /* A wildcard certificate covers no name with dots. */
        bool in_host = c->style == OBJECT_STYLE_HOST ||
                       (c->style == OBJECT_STYLE_AUTO && !c->endpoint && !strchr(s->bucket, '.'));
        size_t n = strlen(path);
        while (n && path[n - 1] == '/')
            path[--n] = '\0';
        int len = in_host ? asprintf(&s->base, "%s://%s.%s%s", scheme, s->bucket, s->host, path)
                          : asprintf(&s->base, "%s://%s%s/%s", scheme, s->host, path, s->bucket);
        if (len < 0) {
            s->base = NULL;
            rc = eye_fail(err, EYE_ENOMEM, "out of memory");
        }
    }
    curl_free(scheme);
    curl_free(path);
    free(aws);
    return rc;
}

struct object_store *object_open(const char *bucket, const struct object_config *c,
                                 struct eye_err *err)
{
    struct object_store *s = mem_calloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    int rc = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
                 ? 0
                 : eye_fail(err, EYE_EINTERNAL, "libcurl cannot be set up");
    rc = rc ? rc : copy(&s->bucket, bucket, err);
    rc = rc ? rc : copy_config(&s->c, c, err);
    rc = rc ? rc : set_base(s, err);
    if (!rc && s->c.key && asprintf(&s->sign, "aws:amz:%s:s3", s->c.region) < 0) {
        s->sign = NULL;
        rc = eye_fail(err, EYE_ENOMEM, "out of memory");
    }
    if (rc) {
        object_close(s);
        return NULL;
    }
    return s;
}

void object_close(struct object_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->nidle; i++)
        curl_easy_cleanup(s->idle[i]);
    pthread_mutex_destroy(&s->lock);
    object_config_release(&s->c);
    free(s->bucket);
    free(s->base);
    free(s->host);
    free(s->sign);
    free(s);
}
