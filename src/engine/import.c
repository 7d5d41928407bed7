/* import.c - eye_import: what another library knew becomes known here, with its vectors, so that nothing is embedded again.
 *
 * One transaction from the first line to the last, so a wrong line, a cut or Ctrl-C leaves the library as it was; SQLite's log takes what
 * has been written so far, memory holds one line. Searches go on meanwhile; whoever wants to write waits, and `index` is kept
 * out by its lock. Reading everything once to check it and again to take it in would make that wait shorter, but a pipe cannot be read twice.
 *
 * A server has no such transactions: there it is one each few hundred pictures, and what was taken in stays.
 *
 * What the library knows already stays as it is: a picture with the same bytes keeps its id and vector, a path keeps what it shows here. */
#include "engine/export.h"
#include "engine/index.h"
#include "engine/originals.h"

enum { READ_SIZE = 1 << 16, PROGRESS_EACH = 64, SERVER_EACH = 512 };

struct import {
    eye_lib *lib;
    struct store *store;
    struct eng_model *model;
    int64_t model_id;
    int (*read)(void *ctx, void *bytes, size_t cap, size_t *len);
    void *ctx;
    struct buf line;
    char *chunk; /* [READ_SIZE] */
    size_t at, len;
    bool eof;
    uint64_t number; /* of the line */
    struct export_head head;
    const eye_root_map *map;
    size_t nmap;
    const eye_backup_options *options;
    struct import_roots roots;
    uint16_t *vector;         /* [dim] */
    uint64_t pictures, files; /* read so far */
    eye_import_counts counts;
};

/* ---- lines ---- */

static int read_more(struct import *m, struct eye_err *err)
{
    m->at = m->len = 0;
    int stopped = m->read(m->ctx, m->chunk, READ_SIZE, &m->len);
    if (stopped) {
        return eye_fail(err, EYE_EIO, "the import cannot be read");
    }
    m->eof = m->len == 0;
    return 0;
}

/* 1: a line, without its end, in m->line; 0: no more. */
static int next_line(struct import *m, struct eye_err *err)
{
    buf_clear(&m->line);
    for (;;) {
        int rc = m->at == m->len && !m->eof ? read_more(m, err) : 0;
        if (rc) {
            return rc;
        }
        if (m->eof) {
            m->number += m->line.len > 0;
            return m->line.len > 0;
        }
        char *from = m->chunk + m->at, *end = memchr(from, '\n', m->len - m->at);
        size_t n = end ? (size_t)(end - from) : m->len - m->at;
        if (buf_append(&m->line, from, n, NULL) != 0) {
            return eye_fail(err, EYE_EFORMAT, "line %llu: longer than the %d MiB that are allowed",
                            (unsigned long long)m->number + 1, EXPORT_LINE_MAX >> 20);
        }
        m->at += n + (end != NULL);
        if (end) {
            m->number++;
            return 1;
        }
    }
}

static int wrong_line(const struct import *m, int rc, struct eye_err *err)
{
    if (rc == EYE_EFORMAT) {
        eye_fail_prefix(err, "line %llu", (unsigned long long)m->number);
    }
    return rc;
}

/* ---- a picture ---- */

/* The file's place here, when nothing is known of it yet. *root 0: something is. */
static int place_file(struct import *m, const struct export_file *f, char **path, int64_t *root,
                      const char **rel, struct eye_err *err)
{
    bool known = false;
    *root = 0;
    *path = eng_path_join(m->roots.of[f->root].path, f->rel, err);
    if (!*path) {
        return EYE_ENOMEM;
    }
    const struct store_root *in = eng_root_of(m->roots.known, m->roots.nknown, *path, rel);
    if (!in) {
        return wrong_line(m,
                          eye_fail(err, EYE_EFORMAT,
                                   "%s lies in a folder below a root that is for single files",
                                   *path),
                          err);
    }
    int rc = store_file_known(m->store, in->id, *rel, &known, err);
    *root = known ? 0 : in->id;
    return rc;
}

static int add_file(struct import *m, const struct export_line *line, size_t i, int64_t picture,
                    bool *added, struct eye_err *err)
{
    const struct export_file *f = &line->files_of[i];
    char *path = NULL;
    const char *rel = NULL;
    int64_t root = 0;
    struct stat st;
    int rc = place_file(m, f, &path, &root, &rel, err);
    *added = rc == 0 && root != 0;
    if (*added && picture) {
        struct store_file file = {.picture = picture,
                                  .root = root,
                                  .rel = rel,
                                  .size = line->picture.size,
                                  .mtime_ns = f->mtime_ns};
        rc = store_file_set(m->store, &file, err);
        m->counts.files++;
        m->counts.missing +=
            !m->roots.of[f->root].there || (eng_path_is_local(path) && lstat(path, &st) != 0);
    }
    free(path);
    return rc;
}

/* A picture needs a file: one whose paths all show something else here is left out. */
static int any_file(struct import *m, const struct export_line *line, bool *any,
                    struct eye_err *err)
{
    int rc = 0;
    *any = false;
    for (size_t i = 0; rc == 0 && !*any && i < line->nfiles; i++) {
        rc = add_file(m, line, i, 0, any, err);
    }
    return rc;
}

static int add_picture(struct import *m, const struct export_line *line, struct eye_err *err)
{
    struct eye_err local = {0};
    int64_t id = 0;
    bool has_vector = false, any = true;
    int rc =
        store_picture_by_hash(m->store, &line->picture.hash, m->model_id, &id, &has_vector, &local);
    bool known = rc == 0;
    if (rc && rc != EYE_ENOTFOUND) {
        return eye_fail(err, rc, "%s", local.msg);
    }
    rc = known ? 0 : any_file(m, line, &any, err);
    if (rc == 0 && !any) {
        m->counts.left_out++;
        return 0;
    }
    const uint16_t *vector = line->embedded && !has_vector ? m->vector : NULL;
    rc = rc ? rc : store_put(m->store, &line->picture, m->model_id, vector, m->head.dim, &id, err);
    for (size_t i = 0; rc == 0 && i < line->nfiles; i++) {
        rc = add_file(m, line, i, id, &any, err);
    }
    m->counts.known += known;
    m->counts.pictures += !known;
    return rc;
}

static int end_of(struct import *m, const struct export_line *line, struct eye_err *err)
{
    if (line->pictures != m->pictures || line->files != m->files) {
        return wrong_line(
            m,
            eye_fail(err, EYE_EFORMAT,
                     "lines are missing: the export had %llu pictures in %llu files, here are "
                     "%llu in %llu",
                     (unsigned long long)line->pictures, (unsigned long long)line->files,
                     (unsigned long long)m->pictures, (unsigned long long)m->files),
            err);
    }
    int rc = next_line(m, err);
    return rc == 1
               ? wrong_line(m, eye_fail(err, EYE_EFORMAT, "something follows the last line"), err)
               : rc;
}

/* 1: go on; 0: that was the last one. */
static int take_line(struct import *m, struct eye_err *err)
{
    struct export_line line;
    int rc = export_line_read(&m->head, m->line.data ? m->line.data : "", m->line.len, &line,
                              m->vector, err);
    rc = wrong_line(m, rc, err);
    bool end = line.end;
    if (rc == 0 && end) {
        rc = end_of(m, &line, err);
    } else if (rc == 0) {
        m->pictures++;
        m->files += line.nfiles;
        rc = add_picture(m, &line, err);
    }
    export_line_release(&line);
    return rc ? rc : !end;
}

/* What was taken in so far is committed, on a server. */
static int step(struct import *m, struct eye_err *err)
{
    if (!m->lib->remote || m->pictures % SERVER_EACH != 0) {
        return 1;
    }
    int rc = store_commit(m->store, err);
    rc = rc ? rc : store_begin(m->store, err);
    return rc ? rc : 1;
}

static int stopped(const struct import *m, struct eye_err *err)
{
    return eye_fail(err, EYE_ECANCELLED,
                    m->lib->remote
                        ? "the import was stopped; what was taken in stays, and the next goes on"
                        : "the import was stopped; nothing was taken in");
}

static int take_lines(struct import *m, struct eye_err *err)
{
    const eye_backup_options *o = m->options;
    int rc = 1;
    while (rc == 1) {
        rc = next_line(m, err);
        if (rc == 0) {
            return eye_fail(err, EYE_EFORMAT,
                            "the export is cut short after line %llu: its last line is missing",
                            (unsigned long long)m->number);
        }
        rc = rc < 0 ? rc : take_line(m, err);
        if (rc == 1 && o && o->progress && m->pictures % PROGRESS_EACH == 0 &&
            o->progress(o->ctx, m->pictures, 0) != 0) {
            return stopped(m, err);
        }
        rc = rc == 1 ? step(m, err) : rc;
    }
    return rc;
}

/* ---- around it ---- */

static int read_head(struct import *m, struct eye_err *err)
{
    int rc = next_line(m, err);
    if (rc == 0) {
        return eye_fail(err, EYE_EFORMAT, "the export is empty");
    }
    return rc < 0 ? rc
                  : wrong_line(m, export_head_read(m->line.data, m->line.len, &m->head, err), err);
}

static int check_model(struct import *m, struct eye_err *err)
{
    const struct clip_info *info = clip_info(m->model->clip);
    if (hash_cmp(&info->weights, &m->head.fingerprint) == 0 && info->dim == m->head.dim) {
        return 0;
    }
    return eye_fail(err, EYE_EINVAL,
                    "the export's vectors are of the model '%s', this library uses '%s': run "
                    "`eyeshine model use %s` first, or import into a new library with --model %s "
                    "(`eyeshine model list` shows how to get a model)",
                    m->head.model, m->model->spec, m->head.model, m->head.model);
}

/* The model's number in the store; it becomes the library's choice when that has none. */
static int remember_model(struct import *m, struct eye_err *err)
{
    char *chosen = NULL;
    int rc = eng_model_id(m->model, m->store, true, &m->model_id, err);
    if (rc || m->lib->remote) {
        return rc;
    }
    rc = store_setting(m->store, ENG_SET_MODEL, &chosen, err);
    if (rc == 0 && !chosen) {
        rc = eng_model_choose(m->lib, m->model, m->store, err);
    }
    free(chosen);
    return rc;
}

static int transact(struct import *m, struct eye_err *err)
{
    int rc = store_begin(m->store, err);
    if (rc) {
        return rc;
    }
    rc = remember_model(m, err);
    rc = rc ? rc : import_roots_open(&m->roots, m->lib, m->store, &m->head, m->map, m->nmap, err);
    rc = rc ? rc : take_lines(m, err);
    rc = rc ? rc : store_commit(m->store, err);
    if (rc) {
        store_rollback(m->store);
    }
    import_roots_close(&m->roots, m->head.nroots);
    return rc;
}

/* Ctrl-C after the last line stops the index's segments being made, which begins anew when they are needed. */
static int stop_making(void *ctx)
{
    const struct import *m = ctx;
    const eye_backup_options *o = m->options;
    return o && o->progress ? o->progress(o->ctx, m->pictures, 0) : 0;
}

static int wait_for_server(void *ctx, const char *what)
{
    (void)what;
    return stop_making(ctx);
}

static int import_all(struct import *m, struct eye_err *err)
{
    struct eng_waiter waiter;
    int lock = -1;
    int rc = read_head(m, err);
    rc = rc ? rc : eng_lock(m->lib, &lock, err);
    if (rc) {
        return rc;
    }
    eng_wait_begin(m->lib, &waiter, wait_for_server, m);
    m->store = eng_patient_get(m->lib, err);
    m->model = m->store ? eng_model_get(m->lib, m->store, err) : NULL;
    rc = m->model ? check_model(m, err) : eng_code(err);
    if (rc == 0) {
        m->vector = mem_calloc((size_t)m->head.dim, sizeof *m->vector, err);
        rc = m->vector ? transact(m, err) : EYE_ENOMEM;
    }
    if (rc == 0) {
        eng_make_now(m->lib, m->store, m->model, stop_making, m);
    }
    eng_model_put(m->lib, m->model);
    eng_patient_put(m->lib, m->store);
    eng_wait_end(m->lib, &waiter);
    eng_unlock(lock);
    return rc;
}

int eye_import(eye_lib *lib, int (*read)(void *ctx, void *bytes, size_t cap, size_t *len),
               void *ctx, const eye_root_map *map, size_t nmap, const eye_backup_options *options,
               eye_import_counts *counts, struct eye_err *err)
{
    struct import m = {
        .lib = lib, .read = read, .ctx = ctx, .map = map, .nmap = nmap, .options = options};
    struct eye_err local = {0};
    err = err ? err : &local;
    int rc = eng_writable(lib, err);
    m.chunk = rc ? NULL : mem_calloc(READ_SIZE, 1, err);
    rc = rc ? rc : m.chunk ? 0 : EYE_ENOMEM;
    buf_init(&m.line, EXPORT_LINE_MAX);
    rc = rc ? rc : import_all(&m, err);
    if (rc) {
        m.counts = (eye_import_counts){0};
    }
    if (counts) {
        *counts = m.counts;
    }
    export_head_release(&m.head);
    buf_release(&m.line);
    free(m.vector);
    free(m.chunk);
    return rc;
}
