/* test_mojibake.c - UTF-8 that was read in another encoding; the wanted texts are what ftfy 6.3.1 gives. */
#include "clean_text.h"

static void repaired(void **state)
{
    (void)state;
    expect_step(clean_mojibake, "cafÃ©", "café");
    expect_step(clean_mojibake, "itâ€™s", "it’s");
    expect_step(clean_mojibake, "voilÃ le travail", "voilà le travail");
    expect_step(clean_mojibake, "doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t", "doesn’t"); /* thrice */
    expect_step(clean_mojibake, "â€œ like this â€\xef\xbf\xbd", "“ like this \xef\xbf\xbd");
    expect_step(clean_mojibake, "schÃ¶n â€” cafÃ© 日本", "schön — café 日本"); /* in part only */
    expect_step(clean_mojibake, "РїСЂРёРІРµС‚", "привет");                     /* Windows-1251 */
    expect_step(clean_mojibake, "ðŸ˜€", "😀");
    expect_step(clean_mojibake, "\xc2\x93q\xc2\x94 \xc2\x85", "“q” …"); /* C1 controls */
}

static void left_alone(void **state)
{
    (void)state;
    static const char *const FINE[] = {
        "",       "plain",  "café",        "Ærøskøbing", "Ångström & Çelik",
        "日本語", "привет", "10°C ± 2 µm", "«Où»",       "São Paulo",
        "½ × ²"};
    for (size_t i = 0; i < sizeof(FINE) / sizeof(FINE[0]); i++)
        expect_step(clean_mojibake, FINE[i], FINE[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(repaired), cmocka_unit_test(left_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
