/* model.c - the model in use: chosen by option, by the library's setting, else the starter. On a server the collection itself says which model
 * its vectors are of, to every node alike, and holds those of no other.
 *
 * Searches hold a reference while they work, so a switch (`model use`, perhaps by another process) takes
 * effect at the next call and never pulls weights away from under a running one. The setting is read at each
 * call: one indexed row, and a server notices a switch without being told.
 *
 * The library remembers the fingerprint beside the name: a folder that was replaced by other weights of the
 * same name would give vectors that cannot be compared with the stored ones, and is refused. */
#include "engine/engine.h"

/* What a collection was made with. *name NULL: it was not made yet. */
struct collection {
    char *name;
    char fingerprint[HASH_HEX_LEN + 1];
};

static int ask_collection(struct store *s, struct collection *out, struct eye_err *err)
{
    char name[256];
    struct hash fingerprint;
    struct eye_err none = {0};
    int dim;
    *out = (struct collection){NULL, ""};
    int rc = store_remote_model(s, &fingerprint, name, sizeof name, &dim, &none);
    if (rc == 0) {
        hash_to_hex(&fingerprint, out->fingerprint);
        out->name = mem_strdup(name, err);
        return out->name ? 0 : EYE_ENOMEM;
    }
    return rc == EYE_ENOTFOUND ? 0 : eye_fail(err, rc, "%s", none.msg);
}

/* Without the option. NULL in *spec: the library has not chosen. */
static int chosen_spec(const eye_lib *lib, struct store *s, char **spec, struct eye_err *err)
{
    struct collection c;
    if (!lib->remote) {
        return store_setting(s, ENG_SET_MODEL, spec, err);
    }
    int rc = ask_collection(s, &c, err);
    *spec = c.name;
    return rc;
}

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
    if (chosen_spec(lib, s, &spec, err) < 0) {
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

/* What the library's vectors were made with; NULL when it has not chosen `spec` (yet). A collection has chosen for all. */
static int chosen_fingerprint(const eye_lib *lib, struct store *s, const char *spec, char **out,
                              struct eye_err *err)
{
    char *chosen = NULL;
    *out = NULL;
    if (lib->remote) {
        struct collection c;
        int rc = ask_collection(s, &c, err);
        *out = c.name ? mem_strdup(c.fingerprint, err) : NULL;
        rc = c.name && !*out ? EYE_ENOMEM : rc;
        free(c.name);
        return rc;
    }
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

/* It is not what the vectors were made with. */
static void refuse(const eye_lib *lib, struct store *s, const struct eng_model *m,
                   struct eye_err *err)
{
    struct collection c = {NULL, ""};
    if (!lib->remote) {
        eye_fail(err, EYE_EFORMAT,
                 "%s: this is not the model '%s' that the library was made with; `eyeshine model "
                 "use %s` embeds the pictures anew",
                 m->folder, m->spec, m->spec);
        return;
    }
    ask_collection(s, &c, NULL);
    eye_fail(err, EYE_EINVAL,
             "%s holds vectors of the model '%s' (fingerprint %.12s), and '%s' in %s is another "
             "one: leave --model out, or make a collection of its own for it with `eyeshine "
             "--store %s_2 --model %s index FOLDER`",
             store_remote_name(lib->remote), c.name ? c.name : "?", c.fingerprint, m->spec,
             m->folder, store_remote_name(lib->remote), m->spec);
    free(c.name);
}

/* The model that a collection names may not be on this machine. */
static struct eng_model *open_chosen(eye_lib *lib, const char *spec, const char *fingerprint,
                                     struct eye_err *err)
{
    struct eye_err why = {0};
    struct eng_model *m = eng_model_open(lib, spec, &why);
    if (!m && lib->remote && fingerprint && why.code == EYE_ENOTFOUND && !lib->model_option) {
        eye_fail(err, EYE_ENOTFOUND,
                 "%s was made with the model '%s', which is not on this machine: `eyeshine model "
                 "list` shows how to get it; under another name or in a folder, name it with "
                 "--model",
                 store_remote_name(lib->remote), spec);
    } else if (!m) {
        eye_fail(err, eng_code(&why), "%s", why.msg);
    }
    return m;
}

/* Under load_lock: two threads that come first must not both open the model. */
static struct eng_model *load(eye_lib *lib, struct store *s, const char *spec,
                              const char *fingerprint, struct eye_err *err)
{
    struct eng_model *m = current(lib, spec, fingerprint);
    if (m) {
        return m;
    }
    m = open_chosen(lib, spec, fingerprint, err);
    if (!m) {
        return NULL;
    }
    if (!same_weights(m, fingerprint)) {
        refuse(lib, s, m, err);
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
    if (spec && chosen_fingerprint(lib, s, spec, &fingerprint, err) == 0) {
        m = current(lib, spec, fingerprint);
        if (!m) {
            pthread_mutex_lock(&lib->load_lock);
            m = load(lib, s, spec, fingerprint, err);
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
    /* A folder lies elsewhere on another machine: there its last name may be known. */
    const char *name = store_is_remote(s) && m->spec[0] == '/' ? eng_path_name(m->spec) : m->spec;
    int rc = store_model(s, &info->weights, name, info->dim, create, id, &local);
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
