/* test_catalogue.c - every line of the catalogue makes sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clip/clip.h"

static void lines(void **state)
{
    (void)state;
    size_t n = 0, supported = 0;
    const struct clip_catalogue_entry *list = clip_catalogue(&n);
    assert_true(n > 20);
    for (size_t i = 0; i < n; i++) {
        const struct clip_catalogue_entry *e = &list[i];
        assert_non_null(strchr(e->name, '/')); /* model/pretrained tag */
        assert_non_null(strchr(e->repo, '/')); /* owner/repository */
        assert_null(strchr(strchr(e->repo, '/') + 1, '/'));
        assert_true(*e->licence);
        assert_in_range(e->dim, 256, 2048);
        assert_in_range(e->image_size, 224, 512);
        assert_true(e->recall_flickr >= 0 && e->recall_flickr < 100);
        assert_true(e->recall_coco >= 0 && e->recall_coco <= e->recall_flickr);
        assert_true(!e->supported || e->bytes > 500000000);
        supported += e->supported;
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(e->name, list[k].name);
    }
    assert_true(supported >= 20 && supported < n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
