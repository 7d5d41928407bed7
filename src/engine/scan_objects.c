/* scan_objects.c - the walk of a root in an object store: a listing, which is flat and in order of names, instead of folders.
 *
 * What folders decide on a disk (hidden, excluded) is asked of each part of a name that lies above the one before. A listing that does not
 * come to its end, or of nothing where files were, is a root that is offline: nothing of it is removed. Names that cannot be paths are
 * left out and counted: nobody could ask for them again. */
#include "engine/originals.h"
#include "engine/scan.h"

struct listing {
    const struct eng_walk *w;
    const char *under;
    char
        *out; /* the folder, below the root, that was left out last; all below it follows at once */
    size_t n, strange;
    int rc;
    struct eye_err *err;
};

/* Is a folder above the name left out? What is known below it stays then. */
static bool is_left_out(struct listing *l, const char *rel)
{
    const struct eng_scan *scan = l->w->scan;
    if (l->out && eng_path_below(rel, l->out)) {
        return true;
    }
    char *copy = mem_strdup(rel, NULL);
    size_t under = strlen(l->under);
    bool out = false;
    for (char *slash = copy ? strchr(copy, '/') : NULL; slash && !out;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        out = (size_t)(slash - copy) > under &&
              eng_scan_skips_dir(scan->lib, scan->options, copy, copy);
        if (out) {
            eng_known_keep(l->w->scope, copy);
            free(l->out);
            l->out = mem_strdup(copy, NULL);
        }
        *slash = '/';
    }
    free(copy);
    return out;
}

static int on_object(void *ctx, const char *name, const struct stat *st)
{
    struct listing *l = ctx;
    size_t len = strlen(name);
    if (atomic_load(&l->w->pipe->stop)) {
        return l->rc = eye_fail(l->err, EYE_ECANCELLED, "stopped");
    }
    l->n++;
    if (len == 0 || name[len - 1] == '/') { /* what stands for a folder in some programs */
        return 0;
    }
    char *rel = l->under[0] ? eng_path_join(l->under, name, l->err) : mem_strdup(name, l->err);
    if (!rel) {
        return l->rc = EYE_ENOMEM;
    }
    if (!object_name_is_plain(rel)) {
        l->strange++;
    } else if (!is_left_out(l, rel)) {
        l->rc = eng_walk_file(l->w, rel, st, l->err);
    }
    free(rel);
    return l->rc;
}

static void away(const struct eng_walk *w, const struct eye_err *why)
{
    w->scope->offline = true;
    eng_log(w->scan->lib, EYE_LOG_WARN, "%s", why->msg);
}

static int list(const struct eng_walk *w, const char *under, struct eye_err *err)
{
    struct listing l = {.w = w, .under = under, .err = err};
    struct eye_err why = {0};
    eye_lib *lib = w->scan->lib;
    char *folder = eng_path_join(w->scope->root_path, under, err);
    int rc = folder ? eng_objects_below(lib, folder, on_object, &l, &why) : EYE_ENOMEM;
    if (folder && l.strange) {
        eng_log(lib, EYE_LOG_WARN, "%s: %zu objects have names that cannot be paths; left out",
                folder, l.strange);
    }
    if (rc == EYE_ENOMEM && why.code) {
        rc = l.rc = eye_fail(err, rc, "%s", why.msg);
    } else if (rc < 0 && l.rc == 0 && folder) {
        away(w, &why);
        rc = 0;
    }
    free(l.out);
    free(folder);
    return l.rc < 0 ? l.rc : rc;
}

/* A name that someone gave, or that is known: the object, or when nobody knows it the folder. */
static int one(const struct eng_walk *w, const char *rel, struct eye_err *err)
{
    struct stat st;
    struct eye_err why = {0};
    const struct eng_scope *scope = w->scope;
    bool known = eng_known_find(scope, rel) != NULL;
    if (scope->known_only && !known) {
        return 0;
    }
    char *path = eng_path_join(scope->root_path, rel, err);
    int rc = path ? eng_object_stat(w->scan->lib, path, &st, &why) : EYE_ENOMEM;
    free(path);
    if (rc == 0) {
        return eng_walk_file(w, rel, &st, err);
    }
    if (rc == EYE_ENOTFOUND) {
        return scope->found && !scope->known_only && !known ? list(w, rel, err) : 0;
    }
    if (rc == EYE_ENOMEM) {
        return eye_fail(err, rc, "out of memory");
    }
    eng_known_keep(scope, rel);
    if (rc == EYE_EREMOTE) {
        away(w, &why);
    } else {
        eng_log(w->scan->lib, EYE_LOG_WARN, "%s; what is known of it is kept", why.msg);
    }
    return 0;
}

static int all(const struct eng_walk *w, struct eye_err *err)
{
    const struct eng_scope *scope = w->scope;
    size_t n = scope->nrels ? scope->nrels : scope->nknown;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n && !scope->offline; i++) {
        rc = atomic_load(&w->pipe->stop)
                 ? eye_fail(err, EYE_ECANCELLED, "stopped")
                 : one(w, scope->nrels ? scope->rels[i] : scope->known[i].rel, err);
    }
    return rc;
}

int eng_scan_objects(const struct eng_walk *w, struct eye_err *err)
{
    struct eng_scope *scope = w->scope;
    struct eye_err why = {0};
    enum eng_presence state = eng_root_ask(w->scan->lib, scope->root_path, &why);
    if (state == ENG_AWAY) {
        away(w, &why);
        return 0;
    }
    if (state == ENG_NOTHING) {
        scope->offline = scope->nknown > 0;
        return 0;
    }
    return scope->listed                  ? all(w, err)
           : scope->kind == ENG_PATH_DIR  ? list(w, scope->under, err)
           : scope->kind == ENG_PATH_FILE ? one(w, scope->under, err)
                                          : 0;
}
