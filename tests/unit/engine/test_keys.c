/* API keys: shown once, found by their hash, gone when removed. */
#include "fixture.h"

struct seen {
    int n;
    int64_t ids[8], used[8];
    char names[8][128];
    eye_scope scopes[8];
};

static int on_key(void *ctx, const eye_key *key)
{
    struct seen *seen = ctx;
    assert_true(seen->n < 8);
    seen->ids[seen->n] = key->id;
    seen->used[seen->n] = key->used_at;
    seen->scopes[seen->n] = key->scope;
    assert_in_range(key->created_at, (uintmax_t)time(NULL) - 60, (uintmax_t)time(NULL));
    snprintf(seen->names[seen->n++], 128, "%s", key->name);
    return 0;
}

static struct seen keys_of(struct fx *fx)
{
    struct seen seen = {0};
    FX_OK(fx, eye_keys(fx->lib, on_key, &seen, &fx->err));
    return seen;
}

static void made_found_and_removed(void **group)
{
    struct fx *fx = fx_new(group);
    char a[EYE_KEY_LEN], b[EYE_KEY_LEN];
    int64_t ia = 0, ib = 0, id = 0;
    eye_scope scope = 0;
    FX_OK(fx, eye_key_new(fx->lib, "phone", EYE_SCOPE_READ, a, &ia, &fx->err));
    FX_OK(fx, eye_key_new(fx->lib, "laptop", EYE_SCOPE_ADMIN, b, &ib, &fx->err));
    assert_int_equal(strlen(a), 47);
    assert_memory_equal(a, "eye_", 4);
    assert_int_equal(
        strspn(a + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
    assert_string_not_equal(a, b);
    FX_OK(fx, eye_key_check(fx->lib, a, &id, &scope, &fx->err));
    assert_int_equal(id, ia);
    assert_int_equal(scope, EYE_SCOPE_READ);
    fx_reopen(fx);
    FX_OK(fx, eye_key_check(fx->lib, b, &id, &scope, &fx->err));
    assert_int_equal(id, ib);
    assert_int_equal(scope, EYE_SCOPE_ADMIN);
    struct seen seen = keys_of(fx);
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.names[0], "phone");
    assert_int_not_equal(seen.used[0], EYE_TIME_UNKNOWN);
    FX_OK(fx, eye_key_remove(fx->lib, ia, &fx->err));
    assert_int_equal(eye_key_remove(fx->lib, ia, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(eye_key_check(fx->lib, a, &id, &scope, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(keys_of(fx).n, 1);
    fx_free(fx);
}

static void wrong_secrets_are_not_found(void **group)
{
    struct fx *fx = fx_new(group);
    char good[EYE_KEY_LEN], other[200];
    FX_OK(fx, eye_key_new(fx->lib, "k", EYE_SCOPE_WRITE, good, NULL, &fx->err));
    assert_int_equal(keys_of(fx).used[0], EYE_TIME_UNKNOWN);
    for (int i = 0; i < 6; i++) {
        snprintf(other, sizeof other, "%s%s", good, i == 5 ? "A" : "");
        if (i == 0)
            other[0] = '\0';
        else if (i == 1)
            other[20] ^= 1;
        else if (i == 2)
            other[46] = '\0';
        else if (i == 3)
            memset(other, 'x', sizeof other - 1);
        else if (i == 4)
            memmove(other, other + 4, 44);
        assert_int_equal(eye_key_check(fx->lib, other, NULL, NULL, &fx->err), EYE_ENOTFOUND);
        assert_null(strstr(fx->err.msg, "eye_"));
    }
    assert_int_equal(eye_key_check(fx->lib, NULL, NULL, NULL, &fx->err), EYE_ENOTFOUND);
    FX_OK(fx, eye_key_check(fx->lib, good, NULL, NULL, &fx->err));
    fx_free(fx);
}

static void names_and_scopes_are_checked(void **group)
{
    struct fx *fx = fx_new(group);
    char secret[EYE_KEY_LEN], name[102];
    memset(name, 'n', 101);
    name[101] = '\0';
    const char *const bad[] = {"", "a\nb", "\xff", name, NULL};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(eye_key_new(fx->lib, bad[i], EYE_SCOPE_READ, secret, NULL, &fx->err),
                         EYE_EINVAL);
    assert_int_equal(eye_key_new(fx->lib, "a", (eye_scope)4, secret, NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_key_new(fx->lib, "a", (eye_scope)0, secret, NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(keys_of(fx).n, 0);
    fx_free(fx);
}

static void a_given_secret_is_a_key(void **group)
{
    struct fx *fx = fx_new(group);
    static const char good[] = "eye_0123456789abcdefghijklmnopqrstuvwxyzABCDE-_";
    static const char *const bad[] = {
        "",
        "secret",
        "eye_",
        "eye_0123456789abcdefghijklmnopqrstuvwxyzABCDE-",   /* short */
        "eye_0123456789abcdefghijklmnopqrstuvwxyzABCDE-_a", /* long */
        "eye_0123456789abcdefghijklmnopqrstuvwxyzABCDE-+",  /* other letters */
        "key_0123456789abcdefghijklmnopqrstuvwxyzABCDE-_",
        NULL,
    };
    int64_t id = 0, found = 0;
    eye_scope scope = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(eye_key_add(fx->lib, "k", EYE_SCOPE_READ, bad[i], NULL, &fx->err),
                         EYE_EINVAL);
        assert_null(strstr(fx->err.msg, "012345"));
    }
    assert_int_equal(keys_of(fx).n, 0);
    FX_OK(fx, eye_key_add(fx->lib, "k", EYE_SCOPE_WRITE, good, &id, &fx->err));
    FX_OK(fx, eye_key_check(fx->lib, good, &found, &scope, &fx->err));
    assert_int_equal(found, id);
    assert_int_equal(scope, EYE_SCOPE_WRITE);
    assert_int_equal(eye_key_add(fx->lib, "again", EYE_SCOPE_READ, good, NULL, &fx->err),
                     EYE_EEXIST);
    assert_int_equal(eye_key_add(fx->lib, "", EYE_SCOPE_READ, good, NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(keys_of(fx).n, 1);
    fx_free(fx);
}

/* The secret itself is nowhere in the library's folder. */
static void the_secret_is_not_kept(void **group)
{
    struct fx *fx = fx_new(group);
    char secret[EYE_KEY_LEN], path[600];
    struct buf db;
    FX_OK(fx, eye_key_new(fx->lib, "k", EYE_SCOPE_READ, secret, NULL, &fx->err));
    static const char *const names[] = {"library.db", "library.db-wal"};
    for (size_t i = 0; i < 2; i++) {
        buf_init(&db, 1 << 26);
        snprintf(path, sizeof path, "%s/%s", fx->library, names[i]);
        if (fs_read_all(path, &db, NULL) == 0 && db.len)
            assert_null(memmem(db.data, db.len, secret + 4, 40));
        buf_release(&db);
    }
    fx_free(fx);
}

static void for_reading_keys_are_checked_only(void **group)
{
    struct fx *fx = fx_new(group);
    char secret[EYE_KEY_LEN];
    FX_OK(fx, eye_key_new(fx->lib, "k", EYE_SCOPE_READ, secret, NULL, &fx->err));
    eye_close(fx->lib);
    eye_options o = fx_options(fx);
    o.read_only = true;
    fx->lib = eye_open(&o, &fx->err);
    assert_non_null(fx->lib);
    FX_OK(fx, eye_key_check(fx->lib, secret, NULL, NULL, &fx->err));
    assert_int_equal(keys_of(fx).used[0], EYE_TIME_UNKNOWN);
    assert_int_equal(eye_key_new(fx->lib, "x", EYE_SCOPE_READ, secret, NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_key_remove(fx->lib, 1, &fx->err), EYE_EINVAL);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_found_and_removed),
        cmocka_unit_test(wrong_secrets_are_not_found),
        cmocka_unit_test(names_and_scopes_are_checked),
        cmocka_unit_test(a_given_secret_is_a_key),
        cmocka_unit_test(the_secret_is_not_kept),
        cmocka_unit_test(for_reading_keys_are_checked_only),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
