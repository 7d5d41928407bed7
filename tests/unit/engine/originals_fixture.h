/* originals_fixture.h - a library whose originals lie in a bucket of the fake server. */
#ifndef TEST_ORIGINALS_FIXTURE_H
#define TEST_ORIGINALS_FIXTURE_H

#include "engine/fixture.h"
#include "engine/originals.h"
#include "object/fake.h"

static struct fake fake;

static inline int og_setup(void **state)
{
    char endpoint[64];
    fake = fake_start("--page", "4", NULL, NULL);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", fake.port);
    setenv("AWS_ENDPOINT_URL_S3", endpoint, 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", FAKE_SECRET, 1);
    setenv("AWS_MAX_ATTEMPTS", "1", 1);
    setenv("EYESHINE_ORIGINALS_PATIENCE", "0", 1);
    unsetenv("AWS_REGION");
    unsetenv("AWS_SESSION_TOKEN");
    return fx_group_setup(state);
}

static inline int og_teardown(void **state)
{
    fake_stop(&fake);
    return fx_group_teardown(state);
}

/* The library once more, with originals in `place`. */
static inline void og_open(struct fx *fx, const char *place)
{
    eye_close(fx->lib);
    eye_options o = fx_options(fx);
    o.originals = place;
    fx->lib = eye_open(&o, &fx->err);
    if (!fx->lib)
        fail_msg("%s", fx->err.msg);
}

/* A picture as an object: key is a form's value, encoded. */
static inline void og_put(struct fx *fx, const char *key, uint64_t seed)
{
    char path[600], form[1400];
    fx_picture(fx, "upload.bmp", seed);
    fx_path(fx, "upload.bmp", path);
    snprintf(form, sizeof form, "put=%s&file=%s", key, path);
    fake_tell(&fake, form, NULL, 0);
    fx_unlink(fx, "upload.bmp");
}

static inline void og_delete(const char *key)
{
    char form[600];
    snprintf(form, sizeof form, "delete=%s", key);
    fake_tell(&fake, form, NULL, 0);
}

/* Nothing is left of the test before. */
static inline void og_empty(const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        og_delete(keys[i]);
}

#endif
