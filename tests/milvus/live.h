/* live.h - the server that `tools/milvus/serve` started: its address, a collection of our own, and a schema to play with. */
#ifndef TESTS_MILVUS_LIVE_H
#define TESTS_MILVUS_LIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/milvus.h"

/* milvus://127.0.0.1:PORT/t_NAME_PID */
static inline const char *live_url(const char *name, char url[256])
{
    const char *base = getenv("EYESHINE_TEST_STORE");
    if (!base) {
        fprintf(stderr, "EYESHINE_TEST_STORE is not set; run this by tools/milvus/serve\n");
        exit(1);
    }
    snprintf(url, 256, "%s/t_%s_%d", base, name, (int)getpid());
    return url;
}

static inline bool live_is_lite(void)
{
    const char *kind = getenv("EYESHINE_TEST_STORE_KIND");
    return kind && strcmp(kind, "lite") == 0;
}

#endif
