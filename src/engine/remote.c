/* remote.c - a library on a server: opening it, waiting for it, and how it is.
 *
 * The server is asked by whatever thread needs something, and may be away. How long that thread waits lies in its store handle: some seconds, which
 * suits a search. A thread that would rather wait for hours, because it indexes, takes a patient handle, and says with eng_wait_begin whom to tell
 * meanwhile, and who may end it. The client below knows of one function for all threads; here it finds the one of the thread that it is called on. A list of a few entries under a lock: a thread-local variable would
 * have been shorter, and is what this library does not have.
 *
 * The folder of a node holds what is this machine's own. It is named after the server and collection, so that two collections never share keys and
 * jobs by accident, and without the login, so that a new password does not lose them. */
#include <limits.h>

#include "engine/engine.h"

enum { NODE_DIGITS = 16, SEARCH_SECONDS = 5, CALL_SECONDS = 30 };

/* ---- waiting ---- */

void eng_wait_begin(eye_lib *lib, struct eng_waiter *w, eng_wait_fn *fn, void *ctx)
{
    *w = (struct eng_waiter){.thread = pthread_self(), .fn = fn, .ctx = ctx};
    pthread_mutex_lock(&lib->lock);
    w->next = lib->waiters;
    lib->waiters = w;
    pthread_mutex_unlock(&lib->lock);
}

void eng_wait_end(eye_lib *lib, struct eng_waiter *w)
{
    pthread_mutex_lock(&lib->lock);
    struct eng_waiter **at = &lib->waiters;
    while (*at && *at != w) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = w->next;
    }
    pthread_mutex_unlock(&lib->lock);
}

/* What the client calls. The newest entry of a thread counts: an index run inside a job tells the run's caller. */
static int on_wait(void *ctx, const char *what, double share, double seconds)
{
    (void)seconds;
    eye_lib *lib = ctx;
    char text[EYE_ERR_MSG_MAX];
    pthread_mutex_lock(&lib->lock);
    struct eng_waiter *w = lib->waiters;
    while (w && !pthread_equal(w->thread, pthread_self())) {
        w = w->next;
    }
    pthread_mutex_unlock(&lib->lock);
    if (!w) { /* its handle's patience ends it */
        return 0;
    }
    if (share >= 0 && share <= 1) {
        snprintf(text, sizeof text, "%s (%d %%)", what, (int)(share * 100));
        what = text;
    }
    return w->fn(w->ctx, what);
}

struct store *eng_patient_get(eye_lib *lib, struct eye_err *err)
{
    struct store *s = eng_store_get(lib, err);
    if (s && lib->remote && store_patience(s, INT_MAX, err) < 0) {
        eng_store_put(lib, s);
        return NULL;
    }
    return s;
}

void eng_patient_put(eye_lib *lib, struct store *s)
{
    if (s && lib->remote && store_patience(s, -1, NULL) < 0) {
        store_close(s); /* no search is to wait like this */
        return;
    }
    eng_store_put(lib, s);
}

/* ---- opening ---- */

static int consistency_of(const char *name, enum store_consistency *out, struct eye_err *err)
{
    static const struct {
        const char *name;
        enum store_consistency level;
    } levels[] = {{"session", STORE_SESSION},
                  {"strong", STORE_STRONG},
                  {"bounded", STORE_BOUNDED},
                  {"eventually", STORE_EVENTUALLY}};
    *out = STORE_SESSION;
    for (size_t i = 0; name && name[0] && i < sizeof levels / sizeof *levels; i++) {
        if (!strcmp(name, levels[i].name)) {
            *out = levels[i].level;
            return 0;
        }
    }
    return !name || !name[0] ? 0
                             : eye_fail(err, EYE_EINVAL,
                                        "milvus-consistency is session, strong, bounded or "
                                        "eventually, not '%s'",
                                        name);
}

static void on_log(void *ctx, int level, const char *line)
{
    eye_lib *lib = ctx;
    eng_log(lib,
            level < EYE_LOG_DEBUG || level > EYE_LOG_ERROR ? EYE_LOG_WARN : (eye_log_level)level,
            "%s", line);
}

static const char *text_of(const char *text)
{
    return text && text[0] ? text : NULL;
}

int eng_remote_open(eye_lib *lib, const eye_options *options, struct eye_err *err)
{
    const eye_milvus *m = &options->milvus;
    const char *index = text_of(m->index);
    struct store_remote_options o = {
        .patience_ms = (m->timeout > 0 ? m->timeout : SEARCH_SECONDS) * 1000,
        .timeout_ms = CALL_SECONDS * 1000,
        .index_type = index && strcmp(index, "auto") != 0 ? index : NULL,
        .index_params = text_of(m->index_params),
        .search_params = text_of(m->search_params),
        .log = on_log,
        .log_ctx = lib,
        .wait = on_wait,
        .wait_ctx = lib};
    int rc = consistency_of(m->consistency, &o.consistency, err);
    lib->remote = rc < 0 ? NULL : store_remote_open(options->store, &o, err);
    return lib->remote ? 0 : rc < 0 ? rc : eng_code(err);
}

char *eng_node_folder(const struct store_remote *remote, struct eye_err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const char *name = store_remote_name(remote);
    bool by_xdg = xdg && xdg[0] == '/';
    char hex[HASH_HEX_LEN + 1], below[64];
    struct hash hash;
    if (!by_xdg && !(home && home[0] == '/')) {
        eye_fail(err, EYE_EINVAL,
                 "%s: no folder for what this machine keeps: name one as the library, or set "
                 "XDG_DATA_HOME or HOME",
                 name);
        return NULL;
    }
    hash_bytes(name, strlen(name), &hash);
    hash_to_hex(&hash, hex);
    snprintf(below, sizeof below, "%seyeshine/nodes/%.*s", by_xdg ? "" : ".local/share/",
             NODE_DIGITS, hex);
    return fs_join(by_xdg ? xdg : home, below, err);
}

int eng_embedded_only(const eye_lib *lib, const char *what, const char *instead,
                      struct eye_err *err)
{
    if (!lib->remote) {
        return 0;
    }
    return eye_fail(err, EYE_EINVAL, "%s: %s is not for a library on a server; %s",
                    store_remote_name(lib->remote), what, instead);
}

/* ---- how it is ---- */

static void fill(const struct store_remote_state *state, eye_remote *out)
{
    out->reachable = true;
    out->there = state->there;
    out->loaded = state->loaded;
    out->rows = state->rows;
    out->indexed = state->indexed;
    snprintf(out->version, sizeof out->version, "%s", state->version);
    snprintf(out->index, sizeof out->index, "%s", state->index);
    snprintf(out->state, sizeof out->state, "%s", state->load);
}

int eye_remote_get(eye_lib *lib, eye_remote *out, struct eye_err *err)
{
    struct store_remote_state state;
    struct eye_err why = {0};
    *out = (eye_remote){.name = NULL};
    if (!lib->remote) {
        return 0;
    }
    out->name = store_remote_name(lib->remote);
    struct store *s = eng_store_get(lib, &why);
    int rc = s ? store_remote_look(s, &state, &why) : eng_code(&why);
    eng_store_put(lib, s);
    if (rc == 0) {
        fill(&state, out);
    } else if (rc == EYE_ENOMEM) {
        return eye_fail(err, rc, "%s", why.msg);
    } else {
        snprintf(out->trouble, sizeof out->trouble, "%s", why.msg);
    }
    return 0;
}

static int remote_ready(eye_lib *lib, struct store *s, struct eye_err *err)
{
    struct store_remote_state state;
    int rc = store_remote_look(s, &state, err);
    if (rc == 0 && state.there && !state.loaded) {
        rc = eye_fail(err, EYE_EBUSY, "%s: the collection is not loaded yet (%s)",
                      store_remote_name(lib->remote), state.load);
    }
    return rc;
}

int eye_ready(eye_lib *lib, struct eye_err *err)
{
    struct eye_err local = {0};
    uint64_t n;
    struct store *s = eng_store_get(lib, &local);
    struct eng_model *model = NULL;
    int rc = !s            ? eng_code(&local)
             : lib->remote ? remote_ready(lib, s, &local)
                           : store_count(s, &n, &local);
    if (rc == 0) {
        model = eng_model_get(lib, s, &local);
        rc = model ? 0 : eng_code(&local);
    }
    eng_model_put(lib, model);
    eng_store_put(lib, s);
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : 0;
}
