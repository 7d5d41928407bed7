/* watch_event.c - from what inotify tells to changed paths.
 *
 * Names decide here as they do in a scan: an editor's hidden file or a text beside the pictures is no reason to look. What goes away under
 * such a name may be known all the same (somebody named it once), so for that the library is asked.
 *
 * A file that was made or written to waits for its writer to close it. What is linked into place (ln, a symbolic link) has no writer. */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/scan.h"
#include "engine/watch.h"

enum { READ_BYTES = 64 << 10, READS_AT_ONCE = 64 };

static void touch(struct watcher *w, struct watch_root *r)
{
    double now = eng_now();
    w->first = w->first > 0 ? w->first : now;
    w->last = now;
    r->changed_at = (int64_t)time(NULL);
}

void watch_mark(struct watcher *w, struct watch_root *r, const char *rel)
{
    touch(w, r);
    if (!rel[0] || !strcmp(rel, r->under)) {
        watch_queue_all(&r->queue);
    } else {
        watch_queue_add(&r->queue, rel, w->last);
    }
}

static int found_one(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    (void)ctx, (void)f, (void)failure;
    return 1;
}

/* Does the library know the file, or something below that folder? */
static bool is_known(const struct watcher *w, const struct watch_root *r, const char *rel)
{
    struct store *s = eng_store_get(w->lib, NULL);
    bool known = s && store_each_file(s, r->id, rel, found_one, NULL, NULL) == 1;
    eng_store_put(w->lib, s);
    return known;
}

static bool is_being_made(const struct watch_root *r, const char *rel)
{
    struct stat st;
    char *path = eng_path_join(r->path, rel, NULL);
    bool is = path && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
    free(path);
    return is;
}

static void on_file(struct watcher *w, struct watch_root *r, uint32_t mask, const char *rel)
{
    bool gone = mask & (IN_DELETE | IN_MOVED_FROM);
    bool wanted = !r->files_only && !eng_scan_skips_file(w->lib, &w->o.index, rel);
    if (!wanted && (!(gone || r->files_only) || (mask & IN_MODIFY) || !is_known(w, r, rel))) {
        return;
    }
    if ((mask & IN_MODIFY) || ((mask & IN_CREATE) && is_being_made(r, rel))) {
        r->changed_at = (int64_t)time(NULL);
        watch_queue_writing(&r->queue, rel, eng_now());
    } else if ((mask & IN_ATTRIB) && watch_queue_is_writing(&r->queue, rel)) {
        watch_queue_writing(&r->queue, rel, eng_now());
    } else {
        watch_mark(w, r, rel);
    }
}

static void on_folder(struct watcher *w, struct watch_root *r, const struct watch_node *node,
                      const struct inotify_event *e, const char *rel)
{
    struct watch_node *child = watch_tree_child(&r->tree, node, e->name);
    char *path = eng_path_join(r->path, rel, NULL);
    bool skipped = !path || eng_scan_skips_dir(w->lib, &w->o.index, path, rel);
    free(path);
    if (r->files_only) {
        return;
    }
    if (e->mask & (IN_DELETE | IN_MOVED_FROM)) {
        watch_tree_drop(&r->tree, child);
        watch_gaps_below(r, rel);
        if (!skipped || is_known(w, r, rel)) {
            watch_mark(w, r, rel);
        }
    } else if (!skipped && (!child || (e->mask & (IN_CREATE | IN_MOVED_TO)))) {
        watch_tree_drop(&r->tree,
                        child); /* another of that name, whose going is still to be told */
        watch_grow(w, r, rel);
        watch_mark(w, r, rel);
    }
}

/* The watched folder itself. */
static void on_self(struct watcher *w, struct watch_root *r, struct watch_node *node, uint32_t mask)
{
    if (node == r->tree.top) {
        watch_root_gone(w, r);
        return;
    }
    if (mask & (IN_UNMOUNT | IN_IGNORED)) {
        bool point = (mask & IN_UNMOUNT) && node->parent && node->parent->dev != node->dev;
        char *rel = point ? watch_tree_rel(node, "") : NULL;
        watch_tree_drop(&r->tree, node);
        if (rel) {
            watch_mark(w, r, rel);
        }
        free(rel);
    } /* moved or deleted: the folder above tells where to */
}

static void on_event(struct watcher *w, struct watch_root *r, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        r->stale = true;
        watch_mark(w, r, "");
        return;
    }
    struct watch_node *node = watch_tree_find(&r->tree, e->wd);
    if (!node) {
        return;
    }
    if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        on_self(w, r, node, e->mask);
        return;
    }
    char *rel = e->len && e->name[0] ? watch_tree_rel(node, e->name) : NULL;
    if (rel && (e->mask & IN_ISDIR)) {
        on_folder(w, r, node, e, rel);
    } else if (rel) {
        on_file(w, r, e->mask, rel);
    }
    free(rel);
}

static void drain_root(struct watcher *w, struct watch_root *r)
{
    _Alignas(struct inotify_event) char bytes[READ_BYTES];
    for (int i = 0; i < READS_AT_ONCE && r->tree.fd >= 0; i++) {
        ssize_t n = read(r->tree.fd, bytes, sizeof bytes);
        if (n <= 0) {
            return;
        }
        for (size_t at = 0; at < (size_t)n;) {
            const struct inotify_event *e = (const void *)(bytes + at);
            on_event(w, r, e);
            at += sizeof *e + e->len;
        }
    }
}

void watch_drain(struct watcher *w)
{
    for (size_t i = 0; i < w->n; i++) {
        drain_root(w, w->roots[i]);
    }
}
