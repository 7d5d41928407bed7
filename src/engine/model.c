/* model.c - the model in use: chosen by option, by the library's setting, else the starter.
 *
 * Searches hold a reference while they work, so a switch (`model use`, perhaps by another process) takes
 * effect at the next call and never pulls weights away from under a running one. The setting is read at each
 * call: one indexed row, and a server notices a switch without being told.
 *
 * The library remembers the fingerprint beside the name: a folder that was replaced by other weights of the
 * same name would give vectors that cannot be compared with the stored ones, and is refused. */
#include "engine/engine.h"

char *eng_model_spec(eye_lib *lib, struct store *s, struct eye_err *err)
{
    char *spec = NULL;
    pthread_mutex_lock(&lib->lock);
    if (lib->model_option) {
        spec = mem_strdup(lib->model_option, err);
        pthread_mutex_unlock(&lib->lock);
        return spec;
    }
    pthread_mutex_unlock(&lib->lock);
    if (store_setting(s, ENG_SET_MODEL, &spec, err) < 0) {
        return NULL;
    }
    return spec ? spec : mem_strdup(ENG_STARTER, err);
}

struct eng_model *eng_model_open(eye_lib *lib, const char *spec, struct eye_err *err)
{
    struct eng_model *m = mem_calloc(1, sizeof *m, err);
    if (!m) {
        return NULL;
    }
    m->refs = 1;
    m->spec = mem_strdup(spec, err);
    m->folder = m->spec ? eng_model_folder(&lib->places, spec, err) : NULL;
    m->clip = m->folder ? clip_open(m->folder, err) : NULL;
    if (!m->clip) {
        eng_model_put(lib, m);
        return NULL;
    }
    return m;
}

void eng_model_put(eye_lib *lib, struct eng_model *m)
{
    if (!m) {
        return;
    }
    pthread_mutex_lock(&lib->lock);
    int left = --m->refs;
    pthread_mutex_unlock(&lib->lock);
    if (left > 0) {
        return;
    }
    if (m->clip) {
        clip_close(m->clip);
    }
    free(m->spec);
    free(m->folder);
    free(m);
}

static bool same_weights(const struct eng_model *m, const char *fingerprint)
{
    char hex[HASH_HEX_LEN + 1];
    hash_to_hex(&clip_info(m->clip)->weights, hex);
    return !fingerprint || !strcmp(hex, fingerprint);
}

/* What the library's vectors were made with; NULL when it has not chosen `spec` (yet). */
static int chosen_fingerprint(struct store *s, const char *spec, char **out, struct eye_err *err)
{
    char *chosen = NULL;
    *out = NULL;
    int rc = store_setting(s, ENG_SET_MODEL, &chosen, err);
    if (rc == 0 && chosen && !strcmp(chosen, spec)) {
        rc = store_setting(s, ENG_SET_FINGERPRINT, out, err);
    }
    free(chosen);
    return rc;
}

/* The loaded model with one reference more if it is the one; else NULL. */
static struct eng_model *current(eye_lib *lib, const char *spec, const char *fingerprint)
{
    struct eng_model *m = NULL;
    pthread_mutex_lock(&lib->lock);
    if (lib->model && !strcmp(lib->model->spec, spec) && same_weights(lib->model, fingerprint)) {
        m = lib->model;
        m->refs++;
    }
    pthread_mutex_unlock(&lib->lock);
    return m;
}

/* Under load_lock: two threads that come first must not both open the model. */
static struct eng_model *load(eye_lib *lib, const char *spec, const char *fingerprint,
                              struct eye_err *err)
{
    struct eng_model *m = current(lib, spec, fingerprint);
    if (m) {
        return m;
    }
    m = eng_model_open(lib, spec, err);
    if (!m) {
        return NULL;
    }
    if (!same_weights(m, fingerprint)) {
        eye_fail(err, EYE_EFORMAT,
                 "%s: this is not the model '%s' that the library was made with; `eyeshine model "
                 "use %s` embeds the pictures anew",
                 m->folder, spec, spec);
        eng_model_put(lib, m);
        return NULL;
    }
    pthread_mutex_lock(&lib->lock);
    struct eng_model *old = lib->model;
    lib->model = m;
    m->refs++; /* the library's own */
    pthread_mutex_unlock(&lib->lock);
    eng_model_put(lib, old);
    return m;
}

struct eng_model *eng_model_get(eye_lib *lib, struct store *s, struct eye_err *err)
{
    char *fingerprint = NULL;
    struct eng_model *m = NULL;
    char *spec = eng_model_spec(lib, s, err);
    if (spec && chosen_fingerprint(s, spec, &fingerprint, err) == 0) {
        m = current(lib, spec, fingerprint);
        if (!m) {
            pthread_mutex_lock(&lib->load_lock);
            m = load(lib, spec, fingerprint, err);
            pthread_mutex_unlock(&lib->load_lock);
        }
    }
    free(fingerprint);
    free(spec);
    return m;
}

int eng_model_id(const struct eng_model *m, struct store *s, bool create, int64_t *id,
                 struct eye_err *err)
{
    const struct clip_info *info = clip_info(m->clip);
    struct eye_err local = {0};
    int rc = store_model(s, &info->weights, m->spec, info->dim, create, id, &local);
    if (rc == EYE_ENOTFOUND && !create) {
        *id = 0;
        return 0;
    }
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : 0;
}

int eng_model_choose(const eye_lib *lib, const struct eng_model *m, struct store *s,
                     struct eye_err *err)
{
    char hex[HASH_HEX_LEN + 1];
    /* A name is portable; a model that was named as a folder is remembered by where it really is. */
    bool name = eng_model_is_name(&lib->places, m->spec);
    hash_to_hex(&clip_info(m->clip)->weights, hex);
    int rc = store_setting_set(s, ENG_SET_MODEL, name ? m->spec : m->folder, err);
    return rc < 0 ? rc : store_setting_set(s, ENG_SET_FINGERPRINT, hex, err);
}
