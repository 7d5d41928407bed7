/* tls.c - certificate and key, looked at before the server starts.
 *
 * libmicrohttpd only says that it did not start; so the pair is loaded once into GnuTLS here, whose answer tells what is
 * wrong with which file. */
#include "http/internal.h"

#include <gnutls/gnutls.h>

#include "base/fs.h"

enum { PEM_MAX = 1 << 20 };

static char *read_pem(const char *path, struct eye_err *err)
{
    struct buf b;
    buf_init(&b, PEM_MAX);
    if (fs_read_all(path, &b, err) == 0 && b.len > 0 && !memchr(b.data, '\0', b.len))
        return buf_detach(&b, NULL);
    if (b.len > 0 || (err && err->msg[0] == '\0'))
        eye_fail(err, EYE_EFORMAT, "%s: is not a PEM file", path);
    buf_release(&b);
    return NULL;
}

static int check_pair(const struct http_server *s, struct eye_err *err)
{
    gnutls_certificate_credentials_t cred;
    gnutls_datum_t cert = {(unsigned char *)s->cert, (unsigned)strlen(s->cert)};
    gnutls_datum_t key = {(unsigned char *)s->key, (unsigned)strlen(s->key)};
    int rc = gnutls_certificate_allocate_credentials(&cred);
    if (rc != GNUTLS_E_SUCCESS)
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    rc = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(cred);
    if (rc >= 0)
        return 0;
    if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return eye_fail(err, EYE_EFORMAT, "%s: is not the key of the certificate in %s",
                        s->cfg.tls_key, s->cfg.tls_cert);
    return eye_fail(err, EYE_EFORMAT,
                    "%s and %s: are no usable certificate and key in PEM form: %s", s->cfg.tls_cert,
                    s->cfg.tls_key, gnutls_strerror(rc));
}

int http_tls_load(struct http_server *s, struct eye_err *err)
{
    const struct http_config *c = &s->cfg;
    if (!c->tls_cert && !c->tls_key)
        return 0;
    if (!c->tls_cert || !c->tls_key)
        return eye_fail(err, EYE_EINVAL, "TLS needs both a certificate and its key");
    s->cert = read_pem(c->tls_cert, err);
    if (!s->cert)
        return EYE_EFORMAT;
    s->key = read_pem(c->tls_key, err);
    if (!s->key)
        return EYE_EFORMAT;
    s->is_tls = true;
    return check_pair(s, err);
}
