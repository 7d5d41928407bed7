/* milvus_store.c - a store on a Milvus server: being built in this very session; opening one is refused until then. */
#include "store/sqlite.h"

struct store_remote *store_remote_open(const char *url, const struct store_remote_options *o,
                                       struct eye_err *err)
{
    (void)url, (void)o;
    eye_fail(err, EYE_EINVAL, "this build cannot keep a library on a server yet");
    return NULL;
}

void store_remote_close(struct store_remote *r)
{
    (void)r;
}

const char *store_remote_name(const struct store_remote *r)
{
    (void)r;
    return "";
}

struct store *store_open_remote(const char *dir, struct store_remote *r, bool create,
                                bool read_only, struct eye_err *err)
{
    (void)dir, (void)r, (void)create, (void)read_only;
    eye_fail(err, EYE_EINVAL, "this build cannot keep a library on a server yet");
    return NULL;
}

bool store_is_remote(const struct store *s)
{
    return store_part(s) != NULL;
}

int store_remote_model(struct store *s, struct hash *fingerprint, char *name, size_t size, int *dim,
                       struct eye_err *err)
{
    (void)fingerprint, (void)name, (void)size, (void)dim;
    return eye_fail(err, EYE_ENOTFOUND, "%s: an embedded library has models of its own", s->path);
}

int store_remote_look(struct store *s, struct store_remote_state *out, struct eye_err *err)
{
    *out = (struct store_remote_state){.there = false};
    return eye_fail(err, EYE_EINVAL, "%s is no server", s->path);
}

int store_patience(struct store *s, int ms, struct eye_err *err)
{
    (void)s, (void)ms, (void)err;
    return 0;
}

void store_relax(struct store *s, bool relaxed)
{
    (void)s, (void)relaxed;
}
