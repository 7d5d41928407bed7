/* heif.c: HEIC and AVIF goldens, truncation, limits, damage. */
#include "golden.h"

/* libheif 1.15's dav1d plugin forgets 40 bytes when dav1d refuses damaged data; LeakSanitizer
 * need not tell us each time. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdav1d.so";
}

static void equals_reference(void **state)
{
    (void)state;
    assert_true(golden_check(IMAGE_AVIF) >= 4);
    assert_true(golden_check(IMAGE_HEIC) >= 4);
}

static void truncated_fails(void **state)
{
    (void)state;
    check_truncated("avif_444.avif", 0);
    check_truncated("heic_444.heic", 0);
}

static void limits_hold(void **state)
{
    (void)state;
    check_limits("avif_444.avif");
    check_limits("heic_444.heic");
}

static void damage_is_survived(void **state)
{
    (void)state;
    check_mutated("avif_exif6.avif", 100);
    check_mutated("heic_exif6.heic", 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_reference),
        cmocka_unit_test(truncated_fails),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
