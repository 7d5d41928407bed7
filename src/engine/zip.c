/* zip.c - eye_zip: originals of several pictures as one zip, as it goes out.
 *
 * A picture whose file cannot be had does not spoil the others: it is named in MISSING.txt, the last file of the zip.
 * Names are made fit for any system that unpacks them: UTF-8, no characters that Windows refuses, and no two that
 * differ in case only. */
#include <errno.h>
#include <search.h>
#include <strings.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/json.h"
#include "engine/engine.h"

#define MISSING "MISSING.txt"

/* A name that is in the zip; `next`: the number that the next picture of this name gets. */
struct taken {
    char *name;
    unsigned next;
};

struct packing {
    eye_lib *lib;
    struct zip_writer *zip;
    void *names;        /* tsearch tree of struct taken */
    struct buf missing; /* text of MISSING.txt */
};

/* ---- names ---- */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const struct taken *)a)->name, ((const struct taken *)b)->name);
}

static void free_taken(void *node)
{
    struct taken *t = node;
    free(t->name);
    free(t);
}

/* The node of this name, made if it is new (*fresh). NULL: no memory. */
static struct taken *take(struct packing *p, const char *name, bool *fresh, struct eye_err *err)
{
    struct taken *t = mem_calloc(1, sizeof *t, err);
    if (!t) {
        return NULL;
    }
    *t = (struct taken){mem_strdup(name, err), 2};
    struct taken **at = t->name ? tsearch(t, &p->names, by_name) : NULL;
    if (!at) {
        free_taken(t);
        eye_fail(err, EYE_ENOMEM, "no memory for the names in a zip");
        return NULL;
    }
    *fresh = *at == t;
    if (!*fresh) {
        free_taken(t);
    }
    return *at;
}

/* In place: what some system would refuse becomes '_'. */
static void clean_name(char *name)
{
    bool utf8 = utf8_valid(name, strlen(name));
    for (char *c = name; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (u < ' ' || u == 0x7f || strchr("/\\:*?\"<>|", *c) || (u >= 0x80 && !utf8)) {
            *c = '_';
        }
    }
    if (!name[0] || !strcmp(name, ".") || !strcmp(name, "..")) {
        snprintf(name, 8, "picture");
    }
}

/* `name`, or "name (2).jpg" when that is taken. */
static int unique_name(struct packing *p, const char *name, char *out, size_t cap,
                       struct eye_err *err)
{
    bool fresh;
    const char *dot = strrchr(name, '.');
    int stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    struct taken *t = take(p, name, &fresh, err);
    snprintf(out, cap, "%s", name);
    while (t && !fresh) {
        snprintf(out, cap, "%.*s (%u)%s", stem, name, t->next++, name + stem);
        if (!take(p, out, &fresh, err)) {
            return EYE_ENOMEM;
        }
    }
    return t ? 0 : EYE_ENOMEM;
}

/* ---- pictures ---- */

static int note_missing(struct packing *p, int64_t id, const char *why, struct eye_err *err)
{
    return buf_printf(&p->missing, err, "picture %lld: %s\n", (long long)id, why);
}

static int add(struct packing *p, int64_t id, struct eye_err *err)
{
    eye_file file;
    char name[300];
    struct eye_err why = {0};
    int rc = eye_picture_open(p->lib, id, &file, &why);
    if (rc < 0) {
        return note_missing(p, id, why.msg, err);
    }
    clean_name(file.name);
    rc = unique_name(p, file.name, name, sizeof name, err);
    rc = rc < 0 ? rc : zip_add_fd(p->zip, name, file.fd, file.size, file.mtime, &why);
    close(file.fd);
    if (rc == EYE_EFORMAT) {
        return note_missing(p, id, why.msg, err);
    }
    return rc < 0 && why.code ? eye_fail(err, rc, "%s", why.msg) : rc;
}

static int add_all(struct packing *p, const int64_t *ids, size_t nids, struct eye_err *err)
{
    bool fresh;
    int rc = take(p, MISSING, &fresh, err) ? 0 : EYE_ENOMEM; /* no picture may have that name */
    for (size_t i = 0; rc == 0 && i < nids; i++) {
        rc = add(p, ids[i], err);
    }
    if (rc == 0 && p->missing.len > 0) {
        rc = zip_add_bytes(p->zip, MISSING, p->missing.data, p->missing.len, err);
    }
    return rc < 0 ? rc : zip_finish(p->zip, err);
}

int eye_zip(eye_lib *lib, const int64_t *ids, size_t nids,
            int (*write)(void *ctx, const void *bytes, size_t len), void *ctx, struct eye_err *err)
{
    struct packing p = {.lib = lib};
    buf_init(&p.missing, 64u << 20);
    p.zip = zip_new(write, ctx, err);
    int rc = p.zip ? add_all(&p, ids, nids, err) : EYE_ENOMEM;
    zip_free(p.zip);
    tdestroy(p.names, free_taken);
    buf_release(&p.missing);
    return rc;
}
