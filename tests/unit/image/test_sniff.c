/* sniff.c: each format by its first bytes, and nothing else. */
#include "golden.h"

static void finds_every_golden(void **state)
{
    (void)state;
    FILE *f = fopen(GOLDEN "decode.tsv", "r");
    char file[64], kind[16];
    int n = 0;
    assert_non_null(f);
    while (fscanf(f, "%*s %63s %15s %*d %*d %*d %*d", file, kind) == 2) {
        struct bytes b = golden_file(file);
        size_t len = b.len < 64 ? b.len : 64;
        uint8_t *head = malloc(len);
        memcpy(head, b.data, len);
        if (image_sniff(head, len) != format_named(kind))
            fail_msg("%s is not seen as %s", file, kind);
        free(head);
        free(b.data);
        n++;
    }
    fclose(f);
    assert_true(n > 80);
}

static void refuses_others(void **state)
{
    (void)state;
    assert_int_equal(image_sniff(NULL, 0), IMAGE_UNKNOWN);
#define SNIFF(s) image_sniff((const uint8_t *)(s), sizeof(s) - 1)
    assert_int_equal(SNIFF("GIF88a.............."), IMAGE_UNKNOWN);
    assert_int_equal(SNIFF("BM a letter that begins like this"), IMAGE_UNKNOWN);
    assert_int_equal(SNIFF("RIFF\0\0\0\0WAVEfmt "), IMAGE_UNKNOWN);
    assert_int_equal(SNIFF("\0\0\0\x18"
                           "ftypisom\0\0\0\0isom"),
                     IMAGE_UNKNOWN);
    assert_int_equal(SNIFF("%PDF-1.7\n"), IMAGE_UNKNOWN);
    assert_int_equal(SNIFF("\xff\xd8"), IMAGE_UNKNOWN);
}

static void brands(void **state)
{
    (void)state;
    assert_int_equal(SNIFF("\0\0\0\x1c"
                           "ftypmif1\0\0\0\0mif1avifmiaf"),
                     IMAGE_AVIF);
    assert_int_equal(SNIFF("\0\0\0\x18"
                           "ftypmif1\0\0\0\0heicmif1"),
                     IMAGE_HEIC);
    /* a brand past the end of the box does not count */
    assert_int_equal(SNIFF("\0\0\0\x14"
                           "ftypmif1\0\0\0\0mif1avif"),
                     IMAGE_HEIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_golden),
        cmocka_unit_test(refuses_others),
        cmocka_unit_test(brands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
