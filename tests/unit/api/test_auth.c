/* test_auth.c - keys: remembered for a while, forgotten when removed, guesses limited, where secrets stand in headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/auth.h"

struct keys {
    const char *secret;
    eye_scope scope;
    int asked, broken;
};

static int ask(void *ctx, const char *secret, int64_t *id, eye_scope *scope, struct eye_err *err)
{
    struct keys *k = ctx;
    (void)err;
    k->asked++;
    if (k->broken)
        return k->broken;
    if (!k->secret || strcmp(secret, k->secret) != 0)
        return EYE_ENOTFOUND;
    *id = 7;
    *scope = k->scope;
    return 0;
}

static int check(struct api_auth *a, const char *secret, const char *peer, double now)
{
    int64_t id = 0;
    eye_scope scope = 0;
    int wait = 0;
    struct eye_err err = {0};
    int rc = api_auth_check(a, secret, peer, now, &id, &scope, &wait, &err);
    if (rc == 0) {
        assert_int_equal(id, 7);
        assert_int_equal(scope, EYE_SCOPE_WRITE);
    } else {
        assert_null(strstr(err.msg, secret));
        assert_int_equal(rc == EYE_EBUSY, wait > 0);
    }
    return rc;
}

static void remembers_for_a_while(void **state)
{
    (void)state;
    struct keys k = {"eye_good", EYE_SCOPE_WRITE, 0, 0};
    struct api_auth *a = api_auth_new(ask, &k, NULL);
    for (int i = 0; i < 9; i++)
        assert_int_equal(check(a, "eye_good", "::1", 100 + i), 0);
    assert_int_equal(k.asked, 1);
    k.secret = NULL; /* removed by the CLI */
    assert_int_equal(check(a, "eye_good", "::1", 109.9), 0);
    assert_int_equal(check(a, "eye_good", "::1", 110.1), EYE_ENOTFOUND);
    assert_int_equal(k.asked, 2);
    k.secret = "eye_good";
    api_auth_free(a);
}

static void forgets_at_once_when_told(void **state)
{
    (void)state;
    struct keys k = {"eye_good", EYE_SCOPE_WRITE, 0, 0};
    struct api_auth *a = api_auth_new(ask, &k, NULL);
    assert_int_equal(check(a, "eye_good", "::1", 100), 0);
    k.secret = NULL;
    api_auth_forget(a);
    assert_int_equal(check(a, "eye_good", "::1", 100), EYE_ENOTFOUND);
    api_auth_free(a);
}

static void limits_guesses(void **state)
{
    (void)state;
    struct keys k = {"eye_good", EYE_SCOPE_WRITE, 0, 0};
    struct api_auth *a = api_auth_new(ask, &k, NULL);
    char guess[32];
    assert_int_equal(check(a, "eye_good", "192.0.2.1", 100), 0);
    for (int i = 0; i < API_AUTH_GUESSES; i++) {
        snprintf(guess, sizeof guess, "eye_%d", i);
        assert_int_equal(check(a, guess, "192.0.2.1", 100), EYE_ENOTFOUND);
    }
    int asked = k.asked;
    assert_int_equal(check(a, "eye_more", "192.0.2.1", 100), EYE_EBUSY);
    assert_int_equal(k.asked, asked); /* not even looked at */
    assert_int_equal(check(a, "eye_more", "192.0.2.2", 100), EYE_ENOTFOUND); /* others may */
    assert_int_equal(check(a, "eye_good", "192.0.2.1", 101), 0); /* who was known stays */
    assert_int_equal(check(a, "eye_good", "192.0.2.1", 112), 0); /* also after a while */
    for (int i = 0; i < API_AUTH_GUESSES; i++) {
        snprintf(guess, sizeof guess, "eye_x%d", i);
        check(a, guess, "192.0.2.1", 112);
    }
    k.secret = NULL;
    assert_int_equal(check(a, "eye_good", "192.0.2.1", 123), EYE_ENOTFOUND);
    for (int i = 0; i < API_AUTH_GUESSES; i++) {
        snprintf(guess, sizeof guess, "eye_y%d", i);
        check(a, guess, "192.0.2.1", 134);
    }
    assert_int_equal(check(a, "eye_good", "192.0.2.1", 134), EYE_EBUSY);      /* a guess by now */
    assert_int_equal(check(a, "eye_other", "192.0.2.1", 138), EYE_ENOTFOUND); /* one more later */
    api_auth_free(a);
}

static void the_same_wrong_key_is_one_guess(void **state)
{
    (void)state;
    struct keys k = {"eye_good", EYE_SCOPE_WRITE, 0, 0};
    struct api_auth *a = api_auth_new(ask, &k, NULL);
    for (int i = 0; i < 500; i++)
        assert_int_equal(check(a, "eye_removed", "192.0.2.1", 100), EYE_ENOTFOUND);
    assert_int_equal(k.asked, 1);
    assert_int_equal(check(a, "eye_good", "192.0.2.1", 100), 0);
    api_auth_free(a);
}

static void many_keys_and_broken_library(void **state)
{
    (void)state;
    struct keys k = {"eye_good", EYE_SCOPE_WRITE, 0, EYE_EIO};
    struct api_auth *a = api_auth_new(ask, &k, NULL);
    assert_int_equal(check(a, "eye_good", "::1", 100), EYE_EIO);
    k.broken = 0;
    assert_int_equal(check(a, "eye_good", "::1", 100), 0); /* a failure is not remembered */
    for (int i = 0; i < 1000; i++) {
        char secret[32];
        snprintf(secret, sizeof secret, "eye_k%d", i);
        k.secret = secret;
        assert_int_equal(check(a, secret, "::1", 100 + i * 0.001), 0);
    }
    api_auth_free(a);
}

static void reads_headers(void **state)
{
    (void)state;
    char s[EYE_KEY_LEN];
    char longer[EYE_KEY_LEN + 20] = "Bearer ";
    assert_true(api_auth_bearer("Bearer eye_x", s));
    assert_string_equal(s, "eye_x");
    assert_true(api_auth_bearer("bearer   eye_y ", s));
    assert_string_equal(s, "eye_y");
    assert_false(api_auth_bearer(NULL, s));
    assert_false(api_auth_bearer("Bearer ", s));
    assert_false(api_auth_bearer("Bearer", s));
    assert_false(api_auth_bearer("Basic eye_x", s));
    memset(longer + 7, 'a', EYE_KEY_LEN);
    assert_false(api_auth_bearer(longer, s));
    longer[7 + EYE_KEY_LEN - 1] = '\0';
    assert_true(api_auth_bearer(longer, s));
    assert_true(api_auth_cookie("a=b; eyeshine_key=eye_z; c=d", s));
    assert_string_equal(s, "eye_z");
    assert_true(api_auth_cookie("eyeshine_key=eye_w", s));
    assert_string_equal(s, "eye_w");
    assert_false(api_auth_cookie("xeyeshine_key=eye_w", s));
    assert_false(api_auth_cookie("eyeshine_key=", s));
    assert_false(api_auth_cookie("a=eyeshine_key=eye_w", s));
    assert_false(api_auth_cookie("", s));
    assert_false(api_auth_cookie(NULL, s));
    assert_false(api_auth_cookie(";;; ;", s));
}

static void names_scopes(void **state)
{
    (void)state;
    assert_string_equal(api_scope_name(EYE_SCOPE_ADMIN), "admin");
    assert_null(api_scope_name((eye_scope)0));
    assert_int_equal(api_scope_of("read"), EYE_SCOPE_READ);
    assert_int_equal(api_scope_of("root"), 0);
    assert_int_equal(api_scope_of(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_for_a_while),
        cmocka_unit_test(forgets_at_once_when_told),
        cmocka_unit_test(limits_guesses),
        cmocka_unit_test(the_same_wrong_key_is_one_guess),
        cmocka_unit_test(many_keys_and_broken_library),
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(names_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
