/* places.c - where models lie on this machine, and finding one by name.
 *
 * A name is looked for in the user's models folder, then among the program's own (share/models), then as a
 * folder. Names of the catalogue have a slash ("ViT-B-32/laion2b_s34b_b79k"), so models may lie two levels deep. */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "engine/engine.h"

#ifndef EYESHINE_PREFIX
#define EYESHINE_PREFIX "/usr/local"
#endif

enum { NAME_MAX_LEN = 200 };

/* ---- the two places ---- */

static bool has_starter(const char *dir)
{
    char *path = fs_join(dir, "models/" ENG_STARTER, NULL);
    bool yes = path && eng_is_model_folder(path);
    free(path);
    return yes;
}

/* Beside the executable: an unpacked or installed tree, then a source tree (build/<variant>/eyeshine). */
static char *share_beside_program(struct eye_err *err)
{
    static const char *const ways[] = {"../share/eyeshine", "../.."};
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) {
        return NULL;
    }
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash || slash == exe) {
        return NULL;
    }
    *slash = '\0';
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char *dir = fs_join(exe, ways[i], err);
        char *real = dir ? fs_real(dir, NULL) : NULL;
        free(dir);
        if (real && has_starter(real)) {
            return real;
        }
        free(real);
    }
    return NULL;
}

static char *find_share(const eye_options *options, struct eye_err *err)
{
    const char *env = getenv("EYESHINE_SHARE");
    if (options && options->share_dir) {
        return mem_strdup(options->share_dir, err);
    }
    if (env && env[0]) {
        return mem_strdup(env, err);
    }
    char *beside = share_beside_program(err);
    return beside ? beside : mem_strdup(EYESHINE_PREFIX "/share/eyeshine", err);
}

static char *find_models(const eye_options *options, struct eye_err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (options && options->models_dir) {
        return mem_strdup(options->models_dir, err);
    }
    if (xdg && xdg[0] == '/') {
        return fs_join(xdg, "eyeshine/models", err);
    }
    return home && home[0] == '/' ? fs_join(home, ".local/share/eyeshine/models", err) : NULL;
}

int eng_places_init(struct eng_places *p, const eye_options *options, struct eye_err *err)
{
    p->share_dir = find_share(options, err);
    p->models_dir = find_models(options, err);
    return p->share_dir ? 0 : EYE_ENOMEM;
}

void eng_places_release(struct eng_places *p)
{
    free(p->models_dir);
    free(p->share_dir);
    p->models_dir = p->share_dir = NULL;
}

/* ---- one model ---- */

static bool has_file(const char *dir, const char *name)
{
    struct stat st;
    char *path = fs_join(dir, name, NULL);
    bool yes = path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return yes;
}

bool eng_is_model_folder(const char *path)
{
    return has_file(path, "open_clip_config.json") || has_file(path, "config.json");
}

int eng_model_name_check(const char *name, struct eye_err *err)
{
    size_t n = strlen(name);
    bool ok = n > 0 && n <= NAME_MAX_LEN && name[0] != '/' && name[n - 1] != '/';
    for (size_t i = 0; ok && i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        bool starts = i == 0 || name[i - 1] == '/';
        ok = c > 0x20 && c != 0x7f && !(starts && (c == '.' || c == '/'));
    }
    if (!ok) {
        return eye_fail(err, EYE_EINVAL,
                        "'%s' cannot be a model's name: take letters, digits and - _ . that do not "
                        "begin with a dot",
                        name);
    }
    return 0;
}

/* base/sub/name if that is a model, else NULL. */
static char *model_in(const char *base, const char *sub, const char *name)
{
    char *dir = base ? fs_join(base, sub, NULL) : NULL;
    char *path = dir ? fs_join(dir, name, NULL) : NULL;
    char *real = path && eng_is_model_folder(path) ? fs_real(path, NULL) : NULL;
    free(dir);
    free(path);
    return real;
}

static char *model_named(const struct eng_places *p, const char *name)
{
    char *found = NULL;
    if (eng_model_name_check(name, NULL) == 0) {
        found = model_in(p->models_dir, ".", name);
        if (!found) {
            found = model_in(p->share_dir, "models", name);
        }
    }
    return found;
}

bool eng_model_is_name(const struct eng_places *p, const char *spec)
{
    char *found = model_named(p, spec);
    bool yes = found != NULL;
    free(found);
    return yes;
}

char *eng_model_folder(const struct eng_places *p, const char *spec, struct eye_err *err)
{
    char *found = model_named(p, spec);
    if (!found && spec[0] && eng_is_model_folder(spec)) {
        found = fs_real(spec, err);
    }
    if (!found) {
        eye_fail(err, EYE_ENOTFOUND,
                 "no model '%s' is installed: `eyeshine model list` shows which are and how to get "
                 "others",
                 spec);
    }
    return found;
}

/* ---- all of them ---- */

struct names {
    char **v;
    size_t n, cap;
};

static int names_add(struct names *names, char *name, struct eye_err *err)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? 2 * names->cap : 16;
        char **v = mem_realloc(names->v, cap, sizeof *v, err);
        if (!v) {
            free(name);
            return EYE_ENOMEM;
        }
        names->v = v;
        names->cap = cap;
    }
    names->v[names->n++] = name;
    return 0;
}

/* Model folders below dir, as names relative to the first call's dir (prefix "" there, "NAME/" one deeper). */
static int list_models(const char *dir, const char *prefix, struct names *names,
                       struct eye_err *err)
{
    DIR *d = opendir(dir);
    int rc = 0;
    if (!d) {
        return 0; /* no such place: no models */
    }
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        struct buf name;
        if (e->d_name[0] == '.') {
            continue;
        }
        buf_init(&name, 4096);
        char *path = fs_join(dir, e->d_name, err);
        rc = path ? buf_printf(&name, err, "%s%s", prefix, e->d_name) : EYE_ENOMEM;
        if (rc == 0 && eng_is_model_folder(path)) {
            rc = names_add(names, buf_detach(&name, NULL), err);
        } else if (rc == 0 && !prefix[0] && (rc = buf_putc(&name, '/', err)) == 0) {
            rc = list_models(path, name.data, names, err);
        }
        buf_release(&name);
        free(path);
    }
    closedir(d);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!strcmp(names->v[i], name)) {
            return true;
        }
    }
    return false;
}

static int each_in(const char *dir, const struct names *names, const struct names *hidden_by,
                   eng_installed_fn *fn, void *ctx, struct eye_err *err)
{
    for (size_t i = 0; i < names->n; i++) {
        if (hidden_by && names_has(hidden_by, names->v[i])) {
            continue;
        }
        char *path = fs_join(dir, names->v[i], err), *real = path ? fs_real(path, err) : NULL;
        int rc = real ? fn(ctx, names->v[i], real) : EYE_EIO;
        free(path);
        free(real);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->v[i]);
    }
    free(names->v);
}

static int names_load(const char *dir, struct names *names, struct eye_err *err)
{
    int rc = dir ? list_models(dir, "", names, err) : 0;
    if (names->n) {
        qsort(names->v, names->n, sizeof *names->v, by_name);
    }
    return rc;
}

int eng_each_installed(const struct eng_places *p, eng_installed_fn *fn, void *ctx,
                       struct eye_err *err)
{
    struct names own = {NULL, 0, 0}, shared = {NULL, 0, 0};
    char *dir = p->share_dir ? fs_join(p->share_dir, "models", err) : NULL;
    int rc = names_load(p->models_dir, &own, err);
    if (rc == 0) {
        rc = names_load(dir, &shared, err);
    }
    if (rc == 0) {
        rc = each_in(p->models_dir, &own, NULL, fn, ctx, err);
    }
    if (rc == 0) {
        rc = each_in(dir, &shared, &own, fn, ctx, err);
    }
    names_release(&own);
    names_release(&shared);
    free(dir);
    return rc;
}
