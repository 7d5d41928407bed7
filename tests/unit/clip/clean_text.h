/* clean_text.h - run a step of the clean-up on UTF-8 and look at the UTF-8 it gives. */
#ifndef TEST_CLEAN_TEXT_H
#define TEST_CLEAN_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clip/clean.h"

static inline void expect_step(void (*step)(struct cps *t), const char *in, const char *want)
{
    struct cps t;
    char got[512];
    size_t len = 0;
    cps_init(&t);
    cps_decode(&t, in, strlen(in));
    step(&t);
    assert_int_equal(cps_check(&t, NULL), 0);
    for (size_t i = 0; i < t.n && len + 5 < sizeof(got); i++)
        len += cp_encode(t.v[i], got + len);
    got[len] = '\0';
    cps_release(&t);
    assert_string_equal(got, want);
}

#endif
