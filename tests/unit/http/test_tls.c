/* Certificates made on the spot, and a client that speaks TLS. */
#include "fixture.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

static struct fixture f;
static char cert[700], key[700], other[700], junk[700];

static void ok(struct http_request *rq, void *ctx)
{
    (void)ctx;
    assert_true(http_is_tls(rq));
    http_reply_static(rq, 200, "text/plain", "secret", 6);
}

static void file(struct http_request *rq, void *ctx)
{
    (void)ctx;
    struct stat st;
    FILE *in = fopen(cert, "r");
    assert_int_equal(fstat(fileno(in), &st), 0);
    int fd = dup(fileno(in));
    fclose(in);
    http_reply_file(rq, fd, (uint64_t)st.st_size, "text/plain", "tag", 0);
}

static const struct http_route ROUTES[] = {{HTTP_GET, "/ok", HTTP_BODY_NONE, 0, ok, 0},
                                           {HTTP_GET, "/file", HTTP_BODY_NONE, 0, file, 0}};

static struct http_config config(void)
{
    return (struct http_config){.listen = "127.0.0.1:0",
                                .routes = ROUTES,
                                .nroutes = 2,
                                .tls_cert = cert,
                                .tls_key = key,
                                .header_seconds = 1};
}

static void keep(const char *path, const gnutls_datum_t *pem)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(pem->data, 1, pem->size, out), pem->size);
    assert_int_equal(fclose(out), 0);
}

static gnutls_x509_privkey_t make_key(const char *path)
{
    gnutls_x509_privkey_t k;
    gnutls_datum_t pem;
    assert_int_equal(gnutls_x509_privkey_init(&k), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         k, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_privkey_export2(k, GNUTLS_X509_FMT_PEM, &pem), 0);
    keep(path, &pem);
    gnutls_free(pem.data);
    return k;
}

/* For localhost, signed by itself. */
static void make_cert(gnutls_x509_privkey_t k)
{
    gnutls_x509_crt_t c;
    gnutls_datum_t pem;
    time_t today = time(NULL);
    assert_int_equal(gnutls_x509_crt_init(&c), 0);
    assert_int_equal(gnutls_x509_crt_set_version(c, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(c, "\x01", 1), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(c, today - 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(c, today + 86400), 0);
    assert_int_equal(gnutls_x509_crt_set_dn(c, "CN=localhost", NULL), 0);
    assert_int_equal(gnutls_x509_crt_set_key(c, k), 0);
    assert_int_equal(gnutls_x509_crt_sign2(c, c, k, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &pem), 0);
    keep(cert, &pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(c);
}

static int up(void **state)
{
    (void)state;
    fixture_open(&f);
    snprintf(cert, sizeof cert, "%s/cert.pem", f.dir);
    snprintf(key, sizeof key, "%s/key.pem", f.dir);
    snprintf(other, sizeof other, "%s/other.pem", f.dir);
    snprintf(junk, sizeof junk, "%s/junk.pem", f.dir);
    gnutls_x509_privkey_t k = make_key(key);
    make_cert(k);
    gnutls_x509_privkey_deinit(k);
    gnutls_x509_privkey_deinit(make_key(other));
    keep(junk, &(gnutls_datum_t){(unsigned char *)(uintptr_t) "junk\n", 5});
    return 0;
}

static int down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

/* The reply's length; -1 if no connection came about. */
static long ask_tls(const char *priorities, const char *request, char *out, size_t cap)
{
    gnutls_session_t s;
    gnutls_certificate_credentials_t cred;
    int fd = dial(&f);
    size_t n = 0;
    assert_int_equal(gnutls_init(&s, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
    assert_int_equal(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred), 0);
    assert_int_equal(gnutls_priority_set_direct(s, priorities, NULL), 0);
    gnutls_transport_set_int(s, fd);
    int rc = gnutls_handshake(s);
    if (rc == 0) {
        assert_int_equal(gnutls_record_send(s, request, strlen(request)), strlen(request));
        ssize_t got;
        while (n + 1 < cap && (got = gnutls_record_recv(s, out + n, cap - 1 - n)) > 0)
            n += (size_t)got;
        out[n] = '\0';
    }
    gnutls_deinit(s);
    gnutls_certificate_free_credentials(cred);
    close(fd);
    return rc == 0 ? (long)n : -1;
}

#define GET_OK "GET /ok HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

static void serves(void **state)
{
    (void)state;
    char out[8192];
    fixture_start(&f, config());
    assert_int_equal(strncmp(http_url(f.server), "https://127.0.0.1:", 18), 0);
    assert_true(ask_tls("NORMAL", GET_OK, out, sizeof out) > 0);
    assert_string_equal(body_of(out), "secret");
    assert_true(ask_tls("NORMAL:-VERS-ALL:+VERS-TLS1.2", GET_OK, out, sizeof out) > 0);
    assert_true(ask_tls("NORMAL", "GET /file HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", out,
                        sizeof out) > 0);
    assert_non_null(strstr(body_of(out), "BEGIN CERTIFICATE"));
    assert_true(ask_tls("LEGACY:-VERS-ALL:+VERS-TLS1.1:%COMPAT", GET_OK, out, sizeof out) < 0);
    /* Plain HTTP, and nothing at all: cut. */
    int fd = dial(&f);
    put_text(fd, GET_OK);
    assert_true(read_to_end(fd, out, sizeof out, 3000) >= 0);
    assert_null(strstr(out, "secret"));
    close(fd);
    fd = dial(&f);
    assert_true(read_to_end(fd, out, sizeof out, 3000) >= 0);
    close(fd);
    http_stop(f.server);
    f.server = NULL;
}

static void our_client_checks_certificates(void **state)
{
    (void)state;
    fixture_start(&f, config());
    char url[256];
    int status = 0;
    struct eye_err err = {0};
    snprintf(url, sizeof url, "%s/ok", http_url(f.server));
    struct fetch_config c = {.url = url};
    assert_int_equal(fetch(&c, NULL, 0, &status, NULL, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "no trusted TLS connection"));
    http_stop(f.server);
    f.server = NULL;
}

static void refuse(const char *cert_path, const char *key_path, int code, const char *says)
{
    struct eye_err err = {0};
    struct http_config c = config();
    c.tls_cert = cert_path;
    c.tls_key = key_path;
    c.routes = NULL;
    c.nroutes = 0;
    assert_null(http_start(&c, &err));
    if (err.code != code || !strstr(err.msg, says))
        fail_msg("%d %s", err.code, err.msg);
}

static void bad_files(void **state)
{
    (void)state;
    refuse(cert, NULL, EYE_EINVAL, "both");
    refuse(NULL, key, EYE_EINVAL, "both");
    refuse("/none/such.pem", key, EYE_ENOTFOUND, "/none/such.pem");
    refuse(cert, "/none/such.pem", EYE_ENOTFOUND, "/none/such.pem");
    refuse(junk, key, EYE_EFORMAT, junk);
    refuse(cert, junk, EYE_EFORMAT, junk);
    refuse(cert, other, EYE_EFORMAT, "is not the key of the certificate");
    refuse(key, cert, EYE_EFORMAT, "no usable certificate");
    refuse("/dev/null", key, EYE_EFORMAT, "/dev/null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves),
        cmocka_unit_test(our_client_checks_certificates),
        cmocka_unit_test(bad_files),
    };
    return cmocka_run_group_tests(tests, up, down);
}
