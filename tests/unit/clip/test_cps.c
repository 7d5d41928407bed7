/* test_cps.c - code points: decoding what is broken, lower case, limits. */
#include "clean_text.h"

static void expect_decoded(const char *bytes, size_t n, size_t replacements)
{
    struct cps t;
    size_t got = 0;
    cps_init(&t);
    cps_decode(&t, bytes, n);
    for (size_t i = 0; i < t.n; i++)
        got += t.v[i] == CP_REPLACEMENT;
    cps_release(&t);
    assert_int_equal(got, replacements);
}

static void broken_utf8(void **state)
{
    (void)state; /* one U+FFFD for each longest beginning of a sequence, Unicode 3.9 */
    expect_decoded("\xff", 1, 1);
    expect_decoded("\xc3", 1, 1);
    expect_decoded("\xe2\x82", 2, 1);
    expect_decoded("\xf0\x9f\x90", 3, 1);
    expect_decoded("\xf0\x80\x80\x80", 4, 4);
    expect_decoded("\xed\xa0\x80", 3, 3);
    expect_decoded("\xc0\x80", 2, 2);
    expect_decoded("\xe2\x82(", 3, 1);
    expect_decoded("\xf4\x90\x80\x80", 4, 4);
    expect_decoded("\xf4\x8f\xbf\xbf", 4, 0);
}

static void lower(void **state)
{
    (void)state;
    expect_step(cps_lower, "ÀÉ İ ẞ K", "àé i̇ ß k");
    expect_step(cps_lower, "ΣΑΣ Σ ΑΣ. ΑΣΑ ΑΣ'Α ΑΣ1", "σας σ ας. ασα ασ'α ας1");
}

static void nfd(struct cps *t)
{
    cps_normalize(t, CPS_NFD);
}

static void nfc(struct cps *t)
{
    cps_normalize(t, CPS_NFC);
}

static void forms(void **state)
{
    (void)state;
    expect_step(nfd, "é한", "e\xcc\x81\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab");
    expect_step(nfc, "e\xcc\x81 \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "é 한");
    expect_step(nfc, "\xe2\x84\xab \xe0\xa5\x98",
                "Å \xe0\xa4\x95\xe0\xa4\xbc"); /* composition exclusion */
}

static void classes(void **state)
{
    (void)state;
    assert_true(cp_letter('a') && cp_letter(0x4E2D) && cp_letter(0x31350)); /* Unicode 15 */
    assert_false(cp_letter('1') || cp_letter(0x301) || cp_letter(0x1F436));
    assert_true(cp_number('7') && cp_number(0x2167) && cp_number(0xB2) && !cp_number('x'));
    assert_true(cp_space(0x1C) && cp_space(0x85) && cp_space(0x3000) && !cp_space(0x200B));
    assert_true(cp_bert_punct('$') && cp_bert_punct(0x2014) && !cp_bert_punct(0x20AC));
    assert_true(cp_bert_cjk(0x4E2D) && !cp_bert_cjk(0x3042) && cp_bert_removed(0x200D));
}

static void limit_is_sticky(void **state)
{
    (void)state;
    struct cps t;
    struct eye_err err;
    cps_init(&t);
    for (int i = 0; i <= CPS_MAX; i++)
        cps_push(&t, 'a');
    assert_int_equal(t.n, CPS_MAX);
    assert_int_equal(cps_check(&t, &err), EYE_ELIMIT);
    cps_push(&t, 'b');
    assert_int_equal(t.n, CPS_MAX);
    cps_release(&t);
    assert_int_equal(cps_check(&t, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(broken_utf8), cmocka_unit_test(lower),
                                       cmocka_unit_test(forms), cmocka_unit_test(classes),
                                       cmocka_unit_test(limit_is_sticky)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
