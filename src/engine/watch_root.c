/* watch_root.c - one root: whether it is there, and whether it is notified or polled.
 *
 * A root that cannot be reached, or is empty where pictures were, is offline: it is asked after once a second, and
 * when it is back all of it is looked at again, after it has got its watches. Nobody tells what happened to it meanwhile. */
#include <sys/stat.h>

#include "engine/originals.h"
#include "engine/scan.h"
#include "engine/watch.h"

static bool is_there(const struct watch_root *r)
{
    struct stat st;
    if (!eng_path_is_local(r->path)) { /* each look finds out; here nobody waits for a server */
        return object_is_url(r->path);
    }
    char *path = eng_path_join(r->path, r->under, NULL);
    bool there = path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    free(path);
    return there;
}

struct watch_root *watch_root_new(const struct watcher *w, const struct store_root *root,
                                  const char *under, struct eye_err *err)
{
    struct watch_root *r = mem_calloc(1, sizeof *r, err);
    if (!r) {
        return NULL;
    }
    r->id = root->id;
    r->path = mem_strdup(root->path, err);
    r->under = mem_strdup(under, err);
    r->why = mem_strdup("", err);
    r->files_only = root->files_only;
    r->has_files = root->files > 0;
    r->tree.fd = -1;
    r->changed_at = EYE_TIME_UNKNOWN;
    watch_queue_init(&r->queue, w->sys->most);
    if (r->path && r->under && r->why) {
        return r;
    }
    watch_root_free(r);
    return NULL;
}

void watch_root_free(struct watch_root *r)
{
    if (!r) {
        return;
    }
    watch_tree_close(&r->tree);
    watch_queue_release(&r->queue);
    watch_taken_release(&r->taken);
    watch_gaps_below(r, "");
    free(r->gaps);
    free(r->path);
    free(r->under);
    free(r->why);
    free(r);
}

void watch_root_start(struct watcher *w, struct watch_root *r)
{
    watch_tree_drop(&r->tree, r->tree.top);
    watch_gaps_below(r, "");
    r->stale = false;
    r->there = is_there(r);
    if (r->there) {
        watch_grow(w, r, r->under);
    }
    r->next_check = eng_now() + w->sys->beat;
    watch_root_look(r);
    watch_mark(w, r, "");
}

void watch_root_gone(struct watcher *w, struct watch_root *r)
{
    watch_tree_drop(&r->tree, r->tree.top);
    watch_gaps_below(r, "");
    watch_mark(w, r, "");
    r->there = false;
    r->next_check = 0;
}

/* The scan's own judgement. */
void watch_root_look(struct watch_root *r)
{
    r->empty = r->there && r->has_files && eng_path_is_empty(r->path);
}

static void poll_gaps(struct watcher *w, struct watch_root *r, double now)
{
    size_t n = 0;
    char *rels[WATCH_GAPS];
    for (size_t i = 0; i < r->ngaps; i++) { /* growing changes the list */
        char *rel = mem_strdup(r->gaps[i].rel, NULL);
        if (!rel) {
            continue;
        }
        rels[n++] = rel;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t g = 0; g < r->ngaps; g++) {
            if (r->gaps[g].scarce && !strcmp(r->gaps[g].rel, rels[i])) {
                watch_grow(w, r, rels[i]);
                break;
            }
        }
        watch_mark(w, r, rels[i]);
        free(rels[i]);
    }
    r->next_poll = now + w->o.poll;
}

/* Whoever may have come or gone without a word is asked after. */
static void ask_after(struct watcher *w, struct watch_root *r, double now)
{
    bool there = is_there(r), was = r->there && !r->empty;
    r->next_check = now + w->sys->beat;
    if (r->there && !there) {
        watch_root_gone(w, r);
        r->next_check = now + w->sys->beat;
    } else if (there && !was && !(r->has_files && eng_path_is_empty(r->path))) {
        watch_root_start(w, r);
    } else if (there && !r->there) { /* an empty mount point, say */
        r->there = true;
        watch_grow(w, r, r->under);
        watch_root_look(r);
    }
}

double watch_root_check(struct watcher *w, struct watch_root *r, double now)
{
    bool suspect =
        eng_path_is_local(r->path) && (!r->there || r->empty || (r->ngaps && !r->tree.top));
    if (suspect && now >= r->next_check) {
        ask_after(w, r, now);
    }
    bool polled = r->there && r->ngaps;
    if (polled && now >= r->next_poll) {
        poll_gaps(w, r, now);
    }
    double next = suspect ? r->next_check : now + 3600;
    return polled && r->next_poll < next ? r->next_poll : next;
}

void watch_root_mounted(struct watcher *w, struct watch_root *r, const char *point)
{
    const char *rel = eng_path_below(point, r->path);
    bool around = eng_path_below(r->path, point) != NULL;
    if (around || (rel && eng_path_below(r->under, rel))) {
        watch_root_start(w, r);
        return;
    }
    if (!rel || r->files_only || (r->under[0] && !eng_path_below(rel, r->under))) {
        return;
    }
    char *up = mem_strdup(rel, NULL);
    char *slash = up ? strrchr(up, '/') : NULL;
    if (slash) {
        *slash = '\0';
    }
    /* else it lies in a folder that is left out, or in a gap */
    if (up && watch_tree_at(&r->tree, r->under, slash ? up : "") &&
        !eng_scan_skips_dir(w->lib, &w->o.index, point, rel)) {
        watch_tree_drop(&r->tree, watch_tree_at(&r->tree, r->under, rel));
        watch_grow(w, r, rel);
        watch_mark(w, r, rel);
    }
    free(up);
}

/* ---- what is told ---- */

static char *reason(const struct watch_root *r, eye_watch_how how)
{
    struct buf b;
    size_t len;
    buf_init(&b, 1 << 16);
    int rc = buf_puts(&b, "", NULL);
    if (how == EYE_WATCH_OFFLINE) {
        rc = rc < 0 ? rc
                    : buf_puts(&b,
                               r->there ? "empty where pictures were: taken as not mounted"
                               : eng_path_is_local(r->path)
                                   ? "not there: is its disk connected?"
                                   : "nobody told where originals lie: start with --originals",
                               NULL);
    } else if (how == EYE_WATCH_POLLED) {
        rc = rc < 0 ? rc : buf_puts(&b, r->gaps[0].why, NULL);
        if (rc == 0 && r->ngaps > 1) {
            rc = buf_printf(&b, NULL, " (and %zu other folders)", r->ngaps - 1);
        }
    }
    if (rc < 0) {
        buf_release(&b);
        return NULL;
    }
    return buf_detach(&b, &len);
}

void watch_root_judge(struct watch_root *r)
{
    eye_watch_how how = !r->there || r->empty ? EYE_WATCH_OFFLINE
                        : r->ngaps            ? EYE_WATCH_POLLED
                                              : EYE_WATCH_NOTIFIED;
    char *why = reason(r, how);
    if (!why || (r->told && r->how == how && !strcmp(r->why, why))) {
        free(why);
        return;
    }
    free(r->why);
    r->why = why;
    r->how = how;
    r->changed = true;
}
