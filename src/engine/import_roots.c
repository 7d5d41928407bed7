/* import_roots.c - where the folders of an export are on this machine.
 *
 * The export's roots and the library's may lie in each other in any way. So first all of them are made to be somewhere (inside a root that
 * is there, or a root of their own that may absorb others), shorter paths before longer ones, and then each file is asked for by
 * its whole path, which eng_root_of answers as it does for `index`. */
#include "engine/export.h"
#include "engine/originals.h"

/* The map's entry for a root, by path or name. NULL: none. */
static const eye_root_map *map_of(const struct export_root *root, const eye_root_map *map, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(map[i].from, root->path) || !strcmp(map[i].from, root->name)) {
            return &map[i];
        }
    }
    return NULL;
}

/* A name that is not there is most likely misspelt: say which there are. */
static int check_map(const struct export_head *head, const eye_root_map *map, size_t n,
                     struct eye_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct buf names;
        bool found = false;
        for (size_t k = 0; !found && k < head->nroots; k++) {
            found = map_of(&head->roots[k], &map[i], 1) != NULL;
        }
        if (found) {
            continue;
        }
        buf_init(&names, 512);
        for (size_t k = 0; k < head->nroots; k++) {
            if (buf_printf(&names, NULL, "%s%s (%s)", k ? ", " : "", head->roots[k].name,
                           head->roots[k].path) != 0) {
                break;
            }
        }
        eye_fail(err, EYE_EINVAL, "the export has no root '%s'; it has: %s", map[i].from,
                 names.data ? names.data : "none");
        buf_release(&names);
        return EYE_EINVAL;
    }
    return 0;
}

static int place(eye_lib *lib, struct import_root *root, const struct export_root *from,
                 const eye_root_map *map, struct eye_err *err)
{
    enum eng_path_kind kind;
    const char *originals = eng_originals_place(lib);
    root->path =
        map ? eng_path_given(lib, map->to, false, &kind, err) : mem_strdup(from->path, err);
    if (!root->path) {
        return eng_code(err);
    }
    if (!eng_path_is_local(root->path) && !(originals && eng_path_below(root->path, originals))) {
        return eye_fail(
            err, EYE_EINVAL,
            "%s: lies outside of the originals: start with --originals, or say where it "
            "is with --map %s=FOLDER",
            root->path, from->name);
    }
    root->there = eng_root_look(lib, root->path, NULL) != ENG_AWAY;
    return 0;
}

static int reload(struct import_roots *roots, struct store *s, struct eye_err *err)
{
    store_roots_free(roots->known, roots->nknown);
    roots->known = NULL;
    roots->nknown = 0;
    return store_roots_brief(s, &roots->known, &roots->nknown, err);
}

/* Roots that are about to be absorbed and are not there just now: as a part of the new root their files would look deleted. */
static int mark_offline(const struct import_roots *roots, struct store *s, const char *path,
                        struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < roots->nknown; i++) {
        const struct store_root *r = &roots->known[i];
        if (eng_path_below(r->path, path) && !r->uploads && eng_root_is_offline(roots->lib, r)) {
            rc = store_root_state(s, r->id, true, r->last_scan, err);
        }
    }
    return rc;
}

static int make(struct import_roots *roots, struct store *s, const char *path, bool files_only,
                struct eye_err *err)
{
    const char *rel;
    int64_t id;
    const struct store_root *known = eng_root_of(roots->known, roots->nknown, path, &rel);
    if (known && (!known->files_only || (files_only && !rel[0]))) {
        return 0;
    }
    int rc = files_only ? 0 : mark_offline(roots, s, path, err);
    if (rc == 0) {
        rc = files_only ? store_root_add_files(s, path, &id, err)
                        : store_root_add(s, path, &id, err);
    }
    return rc ? rc : reload(roots, s, err);
}

/* Makes the roots in order of their paths' lengths. */
static int make_all(struct import_roots *roots, struct store *s, const struct export_head *head,
                    struct eye_err *err)
{
    size_t done = 0, len = 0;
    int rc = 0;
    while (rc == 0 && done < head->nroots) {
        size_t next = SIZE_MAX;
        for (size_t i = 0; rc == 0 && i < head->nroots; i++) {
            size_t n = strlen(roots->of[i].path);
            if (n == len) {
                rc = make(roots, s, roots->of[i].path, head->roots[i].files_only, err);
                done++;
            } else if (n > len && n < next) {
                next = n;
            }
        }
        len = next;
    }
    return rc;
}

int import_roots_open(struct import_roots *roots, eye_lib *lib, struct store *s,
                      const struct export_head *head, const eye_root_map *map, size_t nmap,
                      struct eye_err *err)
{
    *roots =
        (struct import_roots){.lib = lib, .of = mem_calloc(head->nroots, sizeof *roots->of, err)};
    int rc = roots->of ? check_map(head, map, nmap, err) : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < head->nroots; i++) {
        rc = place(lib, &roots->of[i], &head->roots[i], map_of(&head->roots[i], map, nmap), err);
    }
    rc = rc ? rc : reload(roots, s, err);
    return rc ? rc : make_all(roots, s, head, err);
}

void import_roots_close(struct import_roots *roots, size_t n)
{
    for (size_t i = 0; roots->of && i < n; i++) {
        free(roots->of[i].path);
    }
    free(roots->of);
    store_roots_free(roots->known, roots->nknown);
    *roots = (struct import_roots){.of = NULL};
}
