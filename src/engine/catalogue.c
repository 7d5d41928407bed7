/* catalogue.c - eye_models and its kin: models on this machine, and those that could be had. */
#include "engine/engine.h"

struct lister {
    const struct eng_places *places;
    char *in_use; /* real folder of the model that would be used; NULL: none */
    int (*fn)(void *ctx, const eye_model *m);
    void *ctx;
    const char *only; /* a name that alone is wanted; NULL: all */
    bool *installed;  /* [catalogue] */
    bool used_told;
};

/* ---- which is in use ---- */

static char *folder_in_use(eye_lib *lib, const struct eng_places *places,
                           const eye_options *options)
{
    char *spec = NULL, *folder;
    eye_lib *own = NULL;
    if (!lib && options && (options->library || options->store)) {
        eye_options o = *options;
        o.create = false;
        o.model = NULL;
        own = lib = eye_open(&o, NULL); /* no library: then the starter would be used */
    }
    if (options && options->model) {
        spec = mem_strdup(options->model, NULL);
    } else if (lib) {
        struct store *s = eng_store_get(lib, NULL);
        spec = s ? eng_model_spec(lib, s, NULL) : NULL;
        eng_store_put(lib, s);
    }
    folder = eng_model_folder(places, spec ? spec : ENG_STARTER, NULL);
    free(spec);
    eye_close(own);
    return folder;
}

/* ---- installed ones ---- */

static const struct clip_catalogue_entry *entry_of(const char *name, size_t *at)
{
    size_t n;
    const struct clip_catalogue_entry *all = clip_catalogue(&n);
    for (*at = 0; *at < n; ++*at) {
        if (!strcmp(all[*at].name, name)) {
            return &all[*at];
        }
    }
    return NULL;
}

/* A folder that this build cannot run is listed all the same, as unsupported. */
static int tell_installed(struct lister *l, const char *name, const char *folder)
{
    size_t at;
    const struct clip_catalogue_entry *known = entry_of(name, &at);
    struct clip *clip = clip_open(folder, NULL);
    eye_model m = {0};
    m.name = name;
    m.folder = folder;
    m.in_use = l->in_use && !strcmp(folder, l->in_use);
    m.licence = known ? known->licence : "";
    if (clip) {
        const struct clip_info *info = clip_info(clip);
        m.supported = true;
        m.image_arch = info->image_arch;
        m.text_arch = info->text_arch;
        m.dtype = info->dtype;
        m.dim = info->dim;
        m.image_size = info->image_size;
        m.context = info->context;
        m.parameters = info->parameters;
        m.bytes = info->bytes;
        if (info->licence[0]) {
            m.licence = info->licence;
        }
    }
    if (known) {
        m.recall_flickr = known->recall_flickr;
        m.recall_coco = known->recall_coco;
        l->installed[at] = true;
    }
    l->used_told |= m.in_use;
    int rc = l->fn(l->ctx, &m);
    clip_close(clip);
    return rc;
}

static int on_installed(void *ctx, const char *name, const char *folder)
{
    struct lister *l = ctx;
    return l->only && strcmp(l->only, name) != 0 ? 0 : tell_installed(l, name, folder);
}

/* ---- the catalogue ---- */

/* Both generations of the hub's own tool take --exclude and --local-dir. */
static int install_command(const struct clip_catalogue_entry *c, struct buf *out,
                           struct eye_err *err)
{
    return buf_printf(out, err,
                      "hf download %s --exclude '*.bin' --local-dir '%s' && eyeshine model import "
                      "'%s' --name '%s'",
                      c->repo, eng_path_name(c->repo), eng_path_name(c->repo), c->name);
}

static int tell_entry(const struct lister *l, const struct clip_catalogue_entry *c,
                      struct eye_err *err)
{
    struct buf command;
    eye_model m = {0};
    buf_init(&command, 4096);
    int rc = install_command(c, &command, err);
    if (rc == 0) {
        m.name = c->name;
        m.supported = c->supported;
        m.licence = c->licence;
        m.dim = c->dim;
        m.image_size = c->image_size;
        m.bytes = c->bytes;
        m.recall_flickr = c->recall_flickr;
        m.recall_coco = c->recall_coco;
        m.install = command.data;
        rc = l->fn(l->ctx, &m);
    }
    buf_release(&command);
    return rc;
}

static int tell_all(struct lister *l, struct eye_err *err)
{
    size_t n;
    const struct clip_catalogue_entry *all = clip_catalogue(&n);
    int rc = eng_each_installed(l->places, on_installed, l, err);
    if (rc == 0 && l->in_use && !l->used_told && !l->only) { /* a folder elsewhere */
        rc = tell_installed(l, l->in_use, l->in_use);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!l->installed[i] && (!l->only || !strcmp(l->only, all[i].name))) {
            rc = tell_entry(l, &all[i], err);
        }
    }
    return rc;
}

/* ---- the face ---- */

static int with_places(eye_lib *lib, const eye_options *options, struct eng_places *own,
                       const struct eng_places **places, struct eye_err *err)
{
    if (lib) {
        *places = &lib->places;
        return 0;
    }
    *places = own;
    return eng_places_init(own, options, err);
}

static int lister_init(struct lister *l, eye_lib *lib, const eye_options *options,
                       struct eye_err *err)
{
    size_t n;
    clip_catalogue(&n);
    l->installed = mem_calloc(n, sizeof *l->installed, err);
    l->in_use = folder_in_use(lib, l->places, options);
    return l->installed ? 0 : EYE_ENOMEM;
}

int eye_models(eye_lib *lib, const eye_options *options, int (*fn)(void *ctx, const eye_model *m),
               void *ctx, struct eye_err *err)
{
    struct eng_places own = {NULL, NULL};
    struct lister l = {NULL, NULL, fn, ctx, NULL, NULL, false};
    int rc = with_places(lib, options, &own, &l.places, err);
    rc = rc < 0 ? rc : lister_init(&l, lib, options, err);
    rc = rc < 0 ? rc : tell_all(&l, err);
    free(l.installed);
    free(l.in_use);
    eng_places_release(&own);
    return rc;
}

struct once {
    int (*fn)(void *ctx, const eye_model *m);
    void *ctx;
    bool told;
};

static int tell_once(void *ctx, const eye_model *m)
{
    struct once *o = ctx;
    o->told = true;
    return o->fn(o->ctx, m);
}

int eye_model_info(eye_lib *lib, const eye_options *options, const char *name,
                   int (*fn)(void *ctx, const eye_model *m), void *ctx, struct eye_err *err)
{
    struct eng_places own = {NULL, NULL};
    struct once once = {fn, ctx, false};
    struct lister l = {NULL, NULL, tell_once, &once, name, NULL, false};
    int rc = with_places(lib, options, &own, &l.places, err);
    rc = rc < 0 ? rc : lister_init(&l, lib, options, err);
    rc = rc < 0 ? rc : tell_all(&l, err);
    if (rc == 0 && !once.told) { /* then as a folder */
        char *folder = eng_model_folder(l.places, name, err);
        rc = folder ? tell_installed(&l, eng_path_name(folder), folder) : EYE_ENOTFOUND;
        free(folder);
    }
    free(l.installed);
    free(l.in_use);
    eng_places_release(&own);
    return rc;
}

static int import_to(const char *dir, const char *folder, const char *name, struct eye_err *err)
{
    char *to = fs_join(dir, name, err);
    if (!to) {
        return EYE_ENOMEM;
    }
    char *slash = strrchr(to, '/'); /* the name may have one */
    *slash = '\0';
    int rc = fs_mkdirs(to, err);
    *slash = '/';
    rc = rc < 0 ? rc : clip_import(folder, to, err);
    free(to);
    return rc;
}

int eye_model_import(const eye_options *options, const char *folder, const char *name,
                     struct eye_err *err)
{
    struct eng_places places;
    char *real = fs_real(folder, err);
    if (!real) {
        return EYE_ENOTFOUND;
    }
    const char *as = name ? name : eng_path_name(real);
    int rc = eng_places_init(&places, options, err);
    rc = rc < 0 ? rc : eng_model_name_check(as, err);
    if (rc == 0 && !places.models_dir) {
        rc =
            eye_fail(err, EYE_EINVAL,
                     "there is no place for models: set $XDG_DATA_HOME or $HOME, or name a folder");
    }
    rc = rc < 0 ? rc : import_to(places.models_dir, real, as, err);
    eng_places_release(&places);
    free(real);
    return rc;
}

int eye_model_verify(const eye_options *options, const char *name,
                     void (*fn)(void *ctx, const char *file, bool ok, const char *note), void *ctx,
                     struct eye_err *err)
{
    struct eng_places places;
    int rc = eng_places_init(&places, options, err);
    char *folder = rc == 0 ? eng_model_folder(&places, name, err) : NULL;
    rc = rc < 0 ? rc : folder ? clip_verify(folder, fn, ctx, err) : EYE_ENOTFOUND;
    free(folder);
    eng_places_release(&places);
    return rc;
}
