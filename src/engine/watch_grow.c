/* watch_grow.c - folders of a root get watches; those that cannot get any are its gaps.
 *
 * A folder is watched before it is read: what was made in it before is found by reading, what is made after is told,
 * and what is in both is known already. The walk leaves out what a scan leaves out, by the same functions.
 *
 * A gap (no watches left, another machine's disk, a path too long to be watched) is polled: looked at now and then. Many of them become one,
 * the whole root, because each costs a walk of its own. */
#include <errno.h>
#include <limits.h>

#include "engine/originals.h"
#include "engine/scan.h"
#include "engine/watch.h"

/* ---- gaps ---- */

static void gap_free(struct watch_gap *g)
{
    free(g->rel);
    free(g->why);
}

void watch_gaps_below(struct watch_root *r, const char *rel)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->ngaps; i++) {
        if (!rel[0] || eng_path_below(r->gaps[i].rel, rel)) {
            gap_free(&r->gaps[i]);
        } else {
            r->gaps[kept++] = r->gaps[i];
        }
    }
    r->ngaps = kept;
}

static bool in_gap(const struct watch_root *r, const char *rel)
{
    for (size_t i = 0; i < r->ngaps; i++) {
        if (!r->gaps[i].rel[0] || eng_path_below(rel, r->gaps[i].rel)) {
            return true;
        }
    }
    return false;
}

void watch_gap_add(struct watcher *w, struct watch_root *r, const char *rel, bool scarce,
                   const char *why)
{
    if (in_gap(r, rel)) {
        return;
    }
    if (r->ngaps == WATCH_GAPS) {
        rel = r->under;
        why = r->gaps[0].why;
        scarce = true;
    }
    struct watch_gap g = {mem_strdup(rel, NULL), mem_strdup(why, NULL), scarce};
    struct watch_gap *v = mem_realloc(r->gaps, WATCH_GAPS, sizeof *v, NULL);
    r->gaps = v ? v : r->gaps;
    if (!g.rel || !g.why || !v) {
        gap_free(&g);
        return;
    }
    watch_gaps_below(r, rel);
    if (!r->ngaps) {
        r->next_poll = eng_now() + w->o.poll;
    }
    r->gaps[r->ngaps++] = g;
}

static const char *scarcity(int e, const struct watch_root *r, char out[300])
{
    if (e == ENOSPC) {
        snprintf(out, 300,
                 "the system has no watches left after %zu folders; `sysctl "
                 "fs.inotify.max_user_watches=1048576` (as root) allows more",
                 r->tree.n);
    } else if (e == EMFILE || e == ENFILE) {
        snprintf(out, 300,
                 "the system gives no more inotify instances; `sysctl "
                 "fs.inotify.max_user_instances=1024` (as root) allows more");
    } else {
        snprintf(out, 300, "it cannot be watched: %s", strerror(e));
    }
    return out;
}

/* A sentence that says which part, unless it is all. */
static void leave_gap(struct watcher *w, struct watch_root *r, const char *rel, bool scarce,
                      const char *why)
{
    struct buf b;
    const char *below = eng_path_below(rel, r->under);
    below = r->under[0] && below ? below : rel;
    bool all = !strcmp(rel, r->under);
    buf_init(&b, 1 << 16);
    if (buf_printf(&b, NULL, "%s%s%s; looked at every %.0f s", all ? "" : below, all ? "" : ": ",
                   why, w->o.poll) == 0) {
        watch_gap_add(w, r, rel, scarce, b.data);
    }
    buf_release(&b);
}

/* ---- the walk ---- */

struct growth {
    struct watcher *w;
    struct watch_root *r;
};

static struct watch_node *parent_of(const struct watch_root *r, const char *rel)
{
    char *up = mem_strdup(rel, NULL);
    char *slash = up ? strrchr(up, '/') : NULL;
    if (slash) {
        *slash = '\0';
    }
    struct watch_node *node = up ? watch_tree_at(&r->tree, r->under, slash ? up : "") : NULL;
    free(up);
    return node;
}

/* 1: leave out what is below. */
static int grow_one(struct watcher *w, struct watch_root *r, const char *path, const char *rel,
                    const struct stat *st)
{
    char kind[WATCH_KIND] = "", why[300];
    bool top = !strcmp(rel, r->under);
    struct watch_node *parent = top ? NULL : parent_of(r, rel), *other = NULL;
    if (!top && !parent) {
        return 1;
    }
    if ((top || parent->dev != st->st_dev) && w->sys->remote(path, kind)) {
        snprintf(why, sizeof why,
                 "lies on %s, a file system that does not tell of what others change", kind);
        leave_gap(w, r, rel, false, why);
        return 1;
    }
    int e = watch_tree_add(&r->tree, r->path, parent, top ? r->under : eng_path_name(rel), path, st,
                           &other);
    if (e == 0) {
        return r->files_only;
    }
    if (e == EEXIST) {
        char *same = watch_tree_rel(other, "");
        snprintf(why, sizeof why, "is the same folder as %.200s", same ? same : "another");
        free(same);
        leave_gap(w, r, rel, false, why);
    } else if (e == ESTALE) {
        watch_mark(w, r, "");
        r->stale = true;
    } else if (e != ENOENT && e != ENOTDIR && e != ELOOP && e != EACCES) {
        leave_gap(w, r, rel, e == ENOSPC || e == ENOMEM, scarcity(e, r, why));
    } /* else it has gone, which will be told, or nobody can read it either */
    return 1;
}

static int on_walk(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    struct growth *g = ctx;
    if (watch_stopped(g->w)) {
        return eye_fail(err, EYE_ECANCELLED, "stopped");
    }
    const char *rel = item->event == FS_WALK_DIR ? eng_path_below(item->path, g->r->path) : NULL;
    if (!rel) {
        return 0;
    }
    if (strcmp(rel, g->r->under) != 0 &&
        eng_scan_skips_dir(g->w->lib, &g->w->o.index, item->path, rel)) {
        return 1;
    }
    return grow_one(g->w, g->r, item->path, rel, item->st);
}

void watch_grow(struct watcher *w, struct watch_root *r, const char *rel)
{
    struct growth g = {w, r};
    struct eye_err err;
    char why[300];
    if (!eng_path_is_local(r->path)) {
        leave_gap(w, r, r->under, false,
                  "lies in an object store, which does not tell of what changes");
        return;
    }
    if (r->tree.fd < 0) {
        int e = watch_tree_open(&r->tree, w->sys);
        if (e) {
            leave_gap(w, r, r->under, true, scarcity(e, r, why));
            return;
        }
    }
    watch_gaps_below(r, rel);
    char *path = eng_path_join(r->path, rel, NULL);
    if (path) {
        fs_walk(path, on_walk, &g, &err); /* whatever stops it is told, or found by the next look */
    }
    free(path);
}
