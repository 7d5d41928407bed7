/* Addresses of stores, and who we are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/milvus_wire.h"

static struct milvus_place p;
static struct eye_err err;

static int forget_environment(void **state)
{
    static const char *const vars[] = {
        "EYESHINE_STORE_USER",      "EYESHINE_STORE_PASSWORD",      "EYESHINE_STORE_TOKEN",
        "EYESHINE_STORE_USER_FILE", "EYESHINE_STORE_PASSWORD_FILE", "EYESHINE_STORE_TOKEN_FILE",
        "EYESHINE_STORE_CA"};
    (void)state;
    for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
        unsetenv(vars[i]);
    return 0;
}

static void read_url(const char *url)
{
    int rc = milvus_place_read(url, &p, &err);
    if (rc)
        print_error("%s\n", err.msg);
    assert_int_equal(rc, 0);
}

static void reads_addresses(void **state)
{
    static const struct {
        const char *url, *base, *name, *database, *collection;
    } good[] = {
        {"milvus://db/demo", "http://db:19530", "milvus://db:19530/demo", "", "demo"},
        {"milvus://10.0.0.7:1/demo/", "http://10.0.0.7:1", "milvus://10.0.0.7:1/demo", "", "demo"},
        {"milvus+tls://db.example.org:443/photos/my_2", "https://db.example.org:443",
         "milvus+tls://db.example.org:443/photos/my_2", "photos", "my_2"},
        {"milvus://[::1]:7/_x", "http://[::1]:7", "milvus://[::1]:7/_x", "", "_x"},
        {"milvus://[fe80::2]/x", "http://[fe80::2]:19530", "milvus://[fe80::2]:19530/x", "", "x"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char files[64];
        read_url(good[i].url);
        assert_string_equal(p.base, good[i].base);
        assert_string_equal(p.name, good[i].name);
        assert_string_equal(p.database, good[i].database);
        assert_string_equal(p.collection, good[i].collection);
        snprintf(files, sizeof(files), "%s_files", good[i].collection);
        assert_string_equal(p.files, files);
        assert_null(p.login);
        assert_int_equal(p.tls, strncmp(good[i].base, "https", 5) == 0);
        milvus_place_release(&p);
    }
}

static void refuses_what_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "demo",
        "http://db/demo",
        "milvus:/db/demo",
        "milvus://db",
        "milvus://db/",
        "milvus:///demo",
        "milvus://db:0/demo",
        "milvus://db:65536/demo",
        "milvus://db:12a/demo",
        "milvus://db:/demo",
        "milvus://d b/demo",
        "milvus://db\n/demo",
        "milvus://db/a/b/c",
        "milvus://db//demo",
        "milvus://db/2demo",
        "milvus://db/de-mo",
        "milvus://db/demo?x=1",
        "milvus://db/demo#x",
        "milvus://[::1/demo",
        "milvus://[::1]x/demo",
        "milvus://[example]/demo",
        "milvus://user:s3cr3t%2@db/demo",
        "milvus://user:s3cr3t%00@db/demo",
        "milvus://:s3cr3t@db/demo",
        "milvus://user:s3cr3t@/demo",
        "milvus://user:s3cr3t@db:x/demo",
        "milvus://user:s3cr3t@db/de mo",
        "milvus://user:s3cr3t/x@db/demo",
        "milvus://user@db/demo",
        "milvus://user:s3cr3t%0a@db/demo",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = milvus_place_read(bad[i], &p, &err);
        if (rc != EYE_EINVAL)
            print_error("%s: %d\n", bad[i], rc);
        assert_int_equal(rc, EYE_EINVAL);
        assert_null(strstr(err.msg, "s3cr3t"));
        assert_null(p.base);
        if (i == 0)
            print_message("%s\n", err.msg);
    }
    char longer[400] = "milvus://db/";
    memset(longer + 12, 'x', 201);
    assert_int_equal(milvus_place_read(longer, &p, &err), EYE_EINVAL);
}

static void knows_its_login(void **state)
{
    (void)state;
    read_url("milvus://root:Milvus@db/demo"); /* base64("root:Milvus") */
    assert_string_equal(p.login, "authorization: cm9vdDpNaWx2dXM=");
    assert_string_equal(p.secret, "Milvus");
    assert_null(strstr(p.name, "root"));
    assert_null(strstr(p.base, "root"));
    milvus_place_release(&p);
    read_url("milvus://a%40b:p%3aw%2f%20%c3%a9@db/demo"); /* a@b:p:w/ é */
    assert_string_equal(p.secret, "p:w/ \xc3\xa9");
    milvus_place_release(&p);
    read_url("milvus://me:p@ss@db/demo");
    assert_string_equal(p.secret, "p@ss");
    milvus_place_release(&p);
}

static void asks_the_environment(void **state)
{
    (void)state;
    setenv("EYESHINE_STORE_USER", "root", 1);
    assert_int_equal(milvus_place_read("milvus://db/demo", &p, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "EYESHINE_STORE_PASSWORD"));
    setenv("EYESHINE_STORE_PASSWORD", "Milvus", 1);
    read_url("milvus://db/demo");
    assert_string_equal(p.login, "authorization: cm9vdDpNaWx2dXM=");
    milvus_place_release(&p);
    read_url("milvus://other:word@db/demo"); /* the URL comes first */
    assert_string_equal(p.secret, "word");
    milvus_place_release(&p);
    read_url("milvus://other@db/demo"); /* and leaves the rest to it */
    assert_string_equal(p.secret, "Milvus");
    milvus_place_release(&p);
    unsetenv("EYESHINE_STORE_USER");
    assert_int_equal(milvus_place_read("milvus://db/demo", &p, &err), EYE_EINVAL);
    assert_null(strstr(err.msg, "Milvus,"));
    unsetenv("EYESHINE_STORE_PASSWORD");
    setenv("EYESHINE_STORE_TOKEN", "tok:en", 1);
    read_url("milvus://db/demo");
    assert_string_equal(p.login, "authorization: dG9rOmVu");
    assert_string_equal(p.secret, "tok:en");
    milvus_place_release(&p);
    setenv("EYESHINE_STORE_TOKEN", "a\nb", 1);
    assert_int_equal(milvus_place_read("milvus://db/demo", &p, &err), EYE_EINVAL);
}

static void put_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void reads_secrets_from_files(void **state)
{
    char path[] = "/tmp/eyeshine-secret.XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    setenv("EYESHINE_STORE_USER", "root", 1);
    setenv("EYESHINE_STORE_PASSWORD_FILE", path, 1);
    put_file(path, "Milvus\r\n", 8);
    read_url("milvus://db/demo");
    assert_string_equal(p.secret, "Milvus");
    milvus_place_release(&p);
    put_file(path, "\n", 1);
    assert_int_equal(milvus_place_read("milvus://db/demo", &p, &err), EYE_EINVAL);
    put_file(path, "abc\0def", 7);
    assert_int_equal(milvus_place_read("milvus://db/demo", &p, &err), EYE_EINVAL);
    assert_null(strstr(err.msg, "abc"));
    unlink(path);
    assert_int_not_equal(milvus_place_read("milvus://db/demo", &p, &err), 0);
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "EYESHINE_STORE_PASSWORD_FILE"));
}

static void hides_what_it_knows(void **state)
{
    char text[] = "Milvus is Milvus, cm9vdDpNaWx2dXM= is too; Milvu is not";
    (void)state;
    read_url("milvus://root:Milvus@db/demo");
    milvus_place_hide(&p, text);
    assert_string_equal(text, "****** is ******, **************** is too; Milvu is not");
    milvus_place_release(&p);
    char other[] = "nothing to hide";
    read_url("milvus://db/demo");
    milvus_place_hide(&p, other);
    assert_string_equal(other, "nothing to hide");
    milvus_place_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_addresses, forget_environment),
        cmocka_unit_test_setup(refuses_what_is_none, forget_environment),
        cmocka_unit_test_setup(knows_its_login, forget_environment),
        cmocka_unit_test_setup(asks_the_environment, forget_environment),
        cmocka_unit_test_setup(reads_secrets_from_files, forget_environment),
        cmocka_unit_test_setup(hides_what_it_knows, forget_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
