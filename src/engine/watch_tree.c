/* watch_tree.c - which folder a watch is of.
 *
 * A watch is a number; events carry it and a name. Nodes hold names, not paths, and point at their parents, so a path is made by
 * walking up; two tables find a node by its number, and by its parent and name.
 *
 * A folder that moves keeps its watch in the kernel. Moving nodes along was tried on paper and dropped: events that were
 * queued before the move still come after it, and each order of two moves is a case of its own. Instead a folder that
 * leaves a name loses its watches, and one that arrives gets new ones before it is read, and is looked at: it costs some microseconds
 * a folder, and whatever happened in between is found by the look. */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/watch.h"

enum { FIRST_BUCKETS = 64 };

static const uint32_t WANTED = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM |
                               IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                               IN_ONLYDIR | IN_EXCL_UNLINK;

static size_t wd_bucket(const struct watch_tree *t, int wd)
{
    return ((uint32_t)wd * 2654435761u >> 7) & (t->buckets - 1);
}

static size_t name_bucket(const struct watch_tree *t, const struct watch_node *parent,
                          const char *name)
{
    uint64_t h = 14695981039346656037u ^ ((uintptr_t)parent >> 4);
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        h = (h ^ *p) * 1099511628211u;
    }
    return (h ^ (h >> 29)) & (t->buckets - 1);
}

int watch_tree_open(struct watch_tree *t, const struct watch_sys *sys)
{
    memset(t, 0, sizeof *t);
    t->sys = sys;
    t->fd = sys->open();
    return t->fd < 0 ? errno : 0;
}

void watch_tree_close(struct watch_tree *t)
{
    if (t->fd >= 0) {
        close(t->fd); /* and with it all watches */
    }
    t->fd = -1;
    watch_tree_drop(t, t->top);
    free(t->wds);
    free(t->names);
    t->wds = t->names = NULL;
    t->buckets = 0;
}

static void hang(struct watch_tree *t, struct watch_node *node)
{
    size_t wd = wd_bucket(t, node->wd), name = name_bucket(t, node->parent, node->name);
    node->by_wd = t->wds[wd];
    t->wds[wd] = node;
    node->by_name = t->names[name];
    t->names[name] = node;
}

static void hang_below(struct watch_tree *t, struct watch_node *top)
{
    struct watch_node *node = top;
    while (node) {
        hang(t, node);
        if (node->child) {
            node = node->child;
            continue;
        }
        while (node && node != top && !node->next) {
            node = node->parent;
        }
        node = !node || node == top ? NULL : node->next;
    }
}

static bool make_room(struct watch_tree *t)
{
    if (t->n < t->buckets) {
        return true;
    }
    size_t buckets = t->buckets ? 2 * t->buckets : FIRST_BUCKETS;
    struct watch_node **wds = mem_calloc(buckets, sizeof(void *), NULL);
    struct watch_node **names = mem_calloc(buckets, sizeof(void *), NULL);
    if (!wds || !names) {
        free(wds);
        free(names);
        return false;
    }
    free(t->wds);
    free(t->names);
    t->wds = wds;
    t->names = names;
    t->buckets = buckets;
    hang_below(t, t->top);
    return true;
}

struct watch_node *watch_tree_find(const struct watch_tree *t, int wd)
{
    struct watch_node *node = t->buckets ? t->wds[wd_bucket(t, wd)] : NULL;
    while (node && node->wd != wd) {
        node = node->by_wd;
    }
    return node;
}

struct watch_node *watch_tree_child(const struct watch_tree *t, const struct watch_node *parent,
                                    const char *name)
{
    struct watch_node *node = t->buckets ? t->names[name_bucket(t, parent, name)] : NULL;
    while (node && (node->parent != parent || strcmp(node->name, name) != 0)) {
        node = node->by_name;
    }
    return node;
}

struct watch_node *watch_tree_at(const struct watch_tree *t, const char *under, const char *rel)
{
    const char *rest = under[0] ? eng_path_below(rel, under) : rel;
    struct watch_node *node = rest ? t->top : NULL;
    char *copy = node ? mem_strdup(rest, NULL) : NULL, *save = NULL;
    if (!copy) {
        return NULL;
    }
    for (char *name = strtok_r(copy, "/", &save); name && node; name = strtok_r(NULL, "/", &save)) {
        node = watch_tree_child(t, node, name);
    }
    free(copy);
    return node;
}

/* ---- coming and going ---- */

static void unhang(struct watch_tree *t, struct watch_node *node)
{
    struct watch_node **p = &t->wds[wd_bucket(t, node->wd)];
    while (*p != node) {
        p = &(*p)->by_wd;
    }
    *p = node->by_wd;
    p = &t->names[name_bucket(t, node->parent, node->name)];
    while (*p != node) {
        p = &(*p)->by_name;
    }
    *p = node->by_name;
    if (node->link) {
        *node->link = node->next;
        if (node->next) {
            node->next->link = node->link;
        }
    }
    t->n--;
}

/* keep_wd: its number is somebody else's now. */
static void drop(struct watch_tree *t, struct watch_node *top, bool keep_wd)
{
    struct watch_node *node = top;
    while (node) {
        if (node->child) {
            node = node->child;
            continue;
        }
        struct watch_node *up = node == top ? NULL : node->parent;
        unhang(t, node);
        if (t->fd >= 0 && !(keep_wd && node == top)) {
            inotify_rm_watch(t->fd, node->wd); /* gone already, as likely as not */
        }
        if (node == t->top) {
            t->top = NULL;
        }
        free(node);
        node = up;
    }
}

void watch_tree_drop(struct watch_tree *t, struct watch_node *node)
{
    drop(t, node, false);
}

/* Does `node` still lie where it is thought to? */
static bool is_in_place(const char *root, const struct watch_node *node)
{
    struct stat st;
    char *rel = watch_tree_rel(node, "");
    char *path = rel ? eng_path_join(root, rel, NULL) : NULL;
    bool is = path && lstat(path, &st) == 0 && st.st_dev == node->dev && st.st_ino == node->ino;
    free(path);
    free(rel);
    return is;
}

static struct watch_node *attach(struct watch_tree *t, struct watch_node *parent, const char *name,
                                 int wd, const struct stat *st)
{
    size_t len = strlen(name) + 1;
    struct watch_node *node = mem_calloc(1, sizeof *node + len, NULL);
    if (!node || !make_room(t)) {
        free(node);
        return NULL;
    }
    memcpy(node->name, name, len);
    node->wd = wd;
    node->dev = st->st_dev;
    node->ino = st->st_ino;
    node->parent = parent;
    if (parent) {
        node->next = parent->child;
        node->link = &parent->child;
        if (node->next) {
            node->next->link = &node->next;
        }
        parent->child = node;
    } else {
        t->top = node;
    }
    hang(t, node);
    t->n++;
    return node;
}

int watch_tree_add(struct watch_tree *t, const char *root, struct watch_node *parent,
                   const char *name, const char *path, const struct stat *st,
                   struct watch_node **other)
{
    int wd = t->sys->add(t->fd, path, WANTED | (parent ? IN_DONT_FOLLOW : 0));
    if (wd < 0) {
        return errno;
    }
    struct watch_node *at = parent ? watch_tree_child(t, parent, name) : t->top;
    struct watch_node *same = watch_tree_find(t, wd);
    if (same && same == at) {
        return 0;
    }
    if (same && is_in_place(root, same)) {
        *other = same;
        return EEXIST;
    }
    for (const struct watch_node *up = parent; same && up; up = up->parent) {
        if (up == same) { /* cannot be, but for a tree that changes while it is looked at */
            return ESTALE;
        }
    }
    drop(t, same, true); /* it moved; that will be told */
    drop(t, parent ? watch_tree_child(t, parent, name) : t->top, false);
    return attach(t, parent, name, wd, st) ? 0 : ENOMEM;
}

char *watch_tree_rel(const struct watch_node *node, const char *name)
{
    size_t len = strlen(name), total = len;
    for (const struct watch_node *up = node; up; up = up->parent) {
        total += strlen(up->name) + 1;
    }
    char *text = mem_calloc(1, total + 1, NULL);
    char *at = text ? text + total - len : NULL;
    if (!text) {
        return NULL;
    }
    memcpy(at, name, len);
    for (const struct watch_node *up = node; up; up = up->parent) {
        size_t n = strlen(up->name);
        if (n && *at) {
            *--at = '/';
        }
        at -= n;
        memcpy(at, up->name, n);
    }
    memmove(text, at, strlen(at) + 1);
    return text;
}
