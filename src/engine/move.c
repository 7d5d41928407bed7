/* move.c - eye_move: everything that one library knows becomes known in another, of whatever kind of store each is.
 *
 * A few hundred pictures at a time: read with vectors and files, looked up there by content, and what is missing is written, in one transaction. So a
 * copy that was stopped, or whose server went away, is run again and finds most of it there; and a second copy brings over only what is new.
 * What `from` says of a path overrules what `to` knew of it. Nothing is removed: what `from` forgot since stays there.
 *
 * Writing an export and importing it would do nearly the same, in text and in one thread each; that way is there for other machines. Copying the
 * vectors as the server's own bulk files was left out: it needs write access to the server's storage. */
#include "engine/move.h"
#include "engine/export.h"
#include "engine/index.h"

enum { BATCH = 512 };

struct batch {
    struct move *m;
    struct import_roots roots; /* where the roots of `from` are in `to` */
    struct export_head head;   /* they, by id */
    int64_t ids[BATCH];
    struct store_record records[BATCH];
    struct hash hashes[BATCH];
    uint16_t *vectors; /* [BATCH, dim] */
    size_t n;
};

/* ---- telling ---- */

int move_tell(struct move *m, const char *waiting, struct eye_err *err)
{
    const eye_move_options *o = m->options;
    if (o->progress && o->progress(o->ctx, m->phase, m->done, m->counts->here, waiting) != 0) {
        return eye_fail(
            err, EYE_ECANCELLED,
            "stopped; what was copied is kept, and the same command goes on from there");
    }
    return 0;
}

static int on_wait(void *ctx, const char *what)
{
    return move_tell(ctx, what, NULL) < 0;
}

/* ---- roots ---- */

static int list_roots(struct batch *b, struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    int rc = store_roots_brief(b->m->src, &roots, &n, err);
    b->head.roots = rc ? NULL : mem_calloc(n + 1, sizeof *b->head.roots, err);
    rc = rc ? rc : b->head.roots ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct export_root *r = &b->head.roots[b->head.nroots++];
        *r = (struct export_root){.id = roots[i].id,
                                  .path = mem_strdup(roots[i].path, err),
                                  .name = mem_strdup(roots[i].path, err),
                                  .files_only = roots[i].files_only};
        rc = r->path && r->name ? 0 : EYE_ENOMEM;
    }
    store_roots_free(roots, n);
    return rc;
}

/* The root of `to` that a path lies in, and the path below it. Yours: *path. */
static int place_of(const struct batch *b, int64_t root, const char *rel, char **path,
                    int64_t *to_root, const char **to_rel, struct eye_err *err)
{
    size_t i = 0;
    while (i < b->head.nroots && b->head.roots[i].id != root) {
        i++;
    }
    *path = NULL;
    if (i == b->head.nroots) { /* it was added after the list was made: the next copy has it */
        return EYE_ENOTFOUND;
    }
    *path = eng_path_join(b->roots.of[i].path, rel, err);
    if (!*path) {
        return EYE_ENOMEM;
    }
    const struct store_root *in = eng_root_of(b->roots.known, b->roots.nknown, *path, to_rel);
    *to_root = in ? in->id : 0;
    return in ? 0 : EYE_ENOTFOUND;
}

static int copy_mounts(const struct batch *b, const struct store_root *root, struct eye_err *err)
{
    char **rels = NULL;
    size_t n = 0;
    int rc = store_mounts(b->m->src, root->id, &rels, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *path;
        const char *rel;
        int64_t to;
        rc = place_of(b, root->id, rels[i], &path, &to, &rel, err);
        rc = rc == 0               ? store_mount_set(b->m->dst, to, rel, true, err)
             : rc == EYE_ENOTFOUND ? 0
                                   : rc;
        free(path);
    }
    store_strings_free(rels, n);
    return rc;
}

/* When it was last looked at: else the next index would take a root for one that never was. */
static int copy_state(const struct batch *b, const struct store_root *root, struct eye_err *err)
{
    char *path;
    const char *rel;
    int64_t to;
    int rc = root->last_scan ? place_of(b, root->id, "", &path, &to, &rel, err) : EYE_ENOTFOUND;
    if (rc == EYE_ENOTFOUND) {
        return 0;
    }
    if (rc == 0 && !rel[0]) {
        rc = store_root_state(b->m->dst, to, false, root->last_scan, err);
    }
    free(path);
    return rc;
}

static int in_transaction(struct batch *b, int (*fn)(struct batch *b, struct eye_err *err),
                          struct eye_err *err)
{
    int rc = store_begin(b->m->dst, err);
    if (rc < 0) {
        return rc;
    }
    rc = fn(b, err);
    rc = rc ? rc : store_commit(b->m->dst, err);
    if (rc) {
        store_rollback(b->m->dst);
    }
    return rc;
}

static int make_roots(struct batch *b, struct eye_err *err)
{
    return import_roots_open(&b->roots, b->m->to, b->m->dst, &b->head, NULL, 0, err);
}

/* ---- pictures ---- */

static void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        store_record_release(&b->records[i]);
    }
    b->n = 0;
}

/* The next ones by id; those that went away meanwhile are passed over. *last: where to go on; 0: there are no more. */
static int read_batch(struct batch *b, int64_t after, int64_t *last, struct eye_err *err)
{
    struct move *m = b->m;
    size_t n = 0, dim = (size_t)m->dim;
    batch_clear(b);
    int rc = store_pictures_after(m->src, after, b->ids, BATCH, &n, err);
    *last = rc == 0 && n ? b->ids[n - 1] : 0;
    rc = rc || !n ? rc : store_gather(m->src, b->ids, n, true, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct eye_err gone = {0};
        struct store_record *r = &b->records[b->n];
        rc = store_record_get(m->src, b->ids[i], m->src_model, b->vectors + b->n * dim, m->dim, r,
                              &gone);
        if (rc == 0 && r->nfiles) {
            b->hashes[b->n++] = r->picture.hash;
        } else {
            store_record_release(r);
        }
        rc = rc == EYE_ENOTFOUND ? 0 : rc ? eye_fail(err, rc, "%s", gone.msg) : 0;
    }
    return rc;
}

/* Into the sample with the same chance for each: the k-th takes a random place in a full one with k's share. The numbers are always the same. */
static void offer(struct move *m, int64_t id)
{
    uint64_t k = m->offered++;
    uint64_t h = (k + 1) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    h ^= h >> 32;
    if (m->nsample < m->sample_max) {
        m->sample[m->nsample++] = id;
    } else if (h % (k + 1) < m->sample_max) {
        m->sample[h % (k + 1)] = id;
    }
}

/* Which paths of a record are not told of it in `to`; 0: all are. */
static int files_missing(struct batch *b, const struct store_record *r, int64_t id, size_t *missing,
                         struct eye_err *err)
{
    int rc = 0;
    *missing = 0;
    for (size_t i = 0; rc == 0 && i < r->nfiles; i++) {
        char *path;
        const char *rel;
        int64_t root, shown = 0;
        struct eye_err none = {0};
        rc = place_of(b, r->files[i].root, r->files[i].rel, &path, &root, &rel, err);
        if (rc == 0) {
            rc = store_picture_at(b->m->dst, root, rel, &shown, &none);
            rc = rc == EYE_ENOTFOUND ? 0 : rc ? eye_fail(err, rc, "%s", none.msg) : 0;
            *missing += shown != id;
        }
        rc = rc == EYE_ENOTFOUND ? 0 : rc; /* no root: it is not to be copied */
        free(path);
    }
    return rc;
}

static int write_files(struct batch *b, const struct store_record *r, int64_t id,
                       struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->nfiles; i++) {
        char *path;
        struct store_file f = {
            .picture = id, .size = r->picture.size, .mtime_ns = r->files[i].mtime_ns};
        rc = place_of(b, r->files[i].root, r->files[i].rel, &path, &f.root, &f.rel, err);
        if (rc == 0) {
            rc = store_file_set(b->m->dst, &f, err);
            b->m->counts->files += rc == 0;
        }
        rc = rc == EYE_ENOTFOUND ? 0 : rc;
        free(path);
    }
    return rc;
}

static int write_record(struct batch *b, size_t i, struct eye_err *err)
{
    struct move *m = b->m;
    const struct store_record *r = &b->records[i];
    struct eye_err none = {0};
    bool has = false;
    int64_t id = 0;
    size_t missing = r->nfiles;
    int rc = store_picture_by_hash(m->dst, &b->hashes[i], m->dst_model, &id, &has, &none);
    if (rc && rc != EYE_ENOTFOUND) {
        return eye_fail(err, rc, "%s", none.msg);
    }
    bool known = rc == 0 && (has || !r->embedded);
    rc = known ? files_missing(b, r, id, &missing, err) : 0;
    if (rc == 0 && known && !missing) {
        m->counts->known++;
        return 0;
    }
    if (rc == 0) {
        const uint16_t *vector = r->embedded ? b->vectors + i * (size_t)m->dim : NULL;
        rc = store_put(m->dst, &r->picture, m->dst_model, vector, m->dim, &id, err);
    }
    m->counts->pictures++;
    return rc ? rc : write_files(b, r, id, err);
}

/* What is about to be asked of `to`: pictures and paths. */
static int gather_batch(struct batch *b, struct eye_err *err)
{
    size_t n = 0, cap = 0;
    int rc = store_gather_hashes(b->m->dst, b->hashes, b->n, err);
    for (size_t i = 0; i < b->n; i++) {
        cap += b->records[i].nfiles;
    }
    struct store_file *files = rc ? NULL : mem_calloc(cap + 1, sizeof *files, err);
    char **paths = files ? mem_calloc(cap + 1, sizeof *paths, err) : NULL;
    rc = rc ? rc : paths ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        const struct store_record *r = &b->records[i];
        for (size_t k = 0; rc == 0 && k < r->nfiles; k++) {
            rc = place_of(b, r->files[k].root, r->files[k].rel, &paths[n], &files[n].root,
                          &files[n].rel, err);
            if (rc == EYE_ENOTFOUND) {
                free(paths[n]);
                rc = 0;
            } else {
                n++;
            }
        }
    }
    rc = rc || !n ? rc : store_gather_files(b->m->dst, files, n, err);
    for (size_t i = 0; paths && i < n; i++) {
        free(paths[i]);
    }
    free(paths);
    free(files);
    return rc;
}

static int write_batch(struct batch *b, struct eye_err *err)
{
    int rc = store_is_remote(b->m->dst) ? gather_batch(b, err) : 0;
    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        rc = write_record(b, i, err);
    }
    return rc;
}

/* Dry: whoever is not there by its content would be written. */
static int count_batch(struct batch *b, struct eye_err *err)
{
    struct move *m = b->m;
    int rc = m->dst_model ? store_gather_hashes(m->dst, b->hashes, b->n, err) : 0;
    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        struct eye_err none = {0};
        bool has = false;
        int64_t id;
        rc = m->dst_model
                 ? store_picture_by_hash(m->dst, &b->hashes[i], m->dst_model, &id, &has, &none)
                 : EYE_ENOTFOUND;
        if (rc && rc != EYE_ENOTFOUND) {
            return eye_fail(err, rc, "%s", none.msg);
        }
        m->counts->known += rc == 0;
        m->counts->pictures += rc != 0;
        m->counts->files += rc != 0 ? b->records[i].nfiles : 0;
        rc = 0;
    }
    return rc;
}

static int copy_pictures(struct batch *b, struct eye_err *err)
{
    struct move *m = b->m;
    int64_t after = 0, last = 0;
    int rc = move_tell(m, NULL, err);
    while (rc == 0) {
        rc = read_batch(b, after, &last, err);
        if (rc || !last) {
            break;
        }
        after = last;
        if (m->options->dry_run) {
            rc = count_batch(b, err);
        } else {
            rc = b->n ? in_transaction(b, write_batch, err) : 0;
        }
        for (size_t i = 0; rc == 0 && i < b->n; i++) {
            if (b->records[i].embedded) {
                offer(m, b->records[i].picture.id);
            }
        }
        m->done += b->n;
        m->counts->here = m->done > m->counts->here ? m->done : m->counts->here;
        rc = rc ? rc : move_tell(m, NULL, err);
    }
    batch_clear(b);
    return rc;
}

/* ---- failures ---- */

static int copy_failure(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct batch *b = ctx;
    (void)f;
    if (!failure) {
        return 0;
    }
    if (b->m->options->dry_run) { /* no root was made for it */
        b->m->counts->failures++;
        return 0;
    }
    char *path;
    struct store_failure copy = *failure;
    int rc = place_of(b, failure->root, failure->rel, &path, &copy.root, &copy.rel, NULL);
    rc = rc == 0 ? store_failure_set(b->m->dst, &copy, NULL) : rc;
    b->m->counts->failures += rc == 0;
    free(path);
    return rc == EYE_ENOTFOUND ? 0 : rc;
}

/* Beside the pictures: failures, mounts, and when each root was looked at. */
static int copy_rest(struct batch *b, struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    int rc = store_roots(b->m->src, &roots, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (roots[i].failures) {
            rc = store_each_file(b->m->src, roots[i].id, "", copy_failure, b, err);
            rc = rc ? eye_fail(err, rc, "a failure of %s could not be copied", roots[i].path) : 0;
        }
        rc = rc || b->m->options->dry_run ? rc : copy_mounts(b, &roots[i], err);
        rc = rc || b->m->options->dry_run ? rc : copy_state(b, &roots[i], err);
    }
    store_roots_free(roots, n);
    return rc;
}

/* ---- models ---- */

/* `to` has vectors of another model, or means to. */
static int check_model(const struct move *m, struct eye_err *err)
{
    char *chosen = NULL, *fingerprint = NULL, hex[HASH_HEX_LEN + 1];
    int rc = m->to->remote ? 0 : store_setting(m->dst, ENG_SET_FINGERPRINT, &fingerprint, err);
    rc = rc || m->to->remote ? rc : store_setting(m->dst, ENG_SET_MODEL, &chosen, err);
    hash_to_hex(&clip_info(m->model->clip)->weights, hex);
    if (rc == 0 && chosen && fingerprint && strcmp(fingerprint, hex) != 0) {
        rc = eye_fail(err, EYE_EINVAL,
                      "%s: its vectors are of the model '%s', those to be copied of '%s': copy "
                      "into a library of its own",
                      m->to->dir, chosen, m->model->spec);
    }
    free(chosen);
    free(fingerprint);
    return rc;
}

static int choose_model(struct batch *b, struct eye_err *err)
{
    struct move *m = b->m;
    char *chosen = NULL;
    int rc = eng_model_id(m->model, m->dst, true, &m->dst_model, err);
    rc = rc || m->to->remote ? rc : store_setting(m->dst, ENG_SET_MODEL, &chosen, err);
    if (rc == 0 && !m->to->remote && !chosen) {
        rc = eng_model_choose(m->to, m->model, m->dst, err);
    }
    free(chosen);
    return rc;
}

static int open_models(struct batch *b, struct eye_err *err)
{
    struct move *m = b->m;
    m->model = eng_model_get(m->from, m->src, err);
    if (!m->model) {
        return eng_code(err);
    }
    m->dim = clip_info(m->model->clip)->dim;
    int rc = eng_model_id(m->model, m->src, false, &m->src_model, err);
    rc = rc ? rc : check_model(m, err);
    if (rc == 0 && m->options->dry_run) {
        rc = eng_model_id(m->model, m->dst, false, &m->dst_model, err);
    } else if (rc == 0) {
        rc = m->to->remote ? choose_model(b, err) : in_transaction(b, choose_model, err);
    }
    return rc;
}

/* ---- all of it ---- */

static int copy(struct batch *b, struct eye_err *err)
{
    struct move *m = b->m;
    int rc = open_models(b, err);
    rc = rc ? rc : store_count(m->src, &m->counts->here, err);
    rc = rc ? rc : list_roots(b, err);
    if (rc == 0 && !m->options->dry_run) {
        rc = in_transaction(b, make_roots, err);
    }
    if (rc == 0) {
        m->sample = mem_calloc(m->sample_max, sizeof *m->sample, err);
        b->vectors = m->sample ? mem_calloc(BATCH, (size_t)m->dim * sizeof *b->vectors, err) : NULL;
        rc = b->vectors ? copy_pictures(b, err) : EYE_ENOMEM;
    }
    if (rc == 0 && m->options->dry_run) {
        return copy_rest(b, err); /* counts failures */
    }
    rc = rc ? rc : in_transaction(b, copy_rest, err);
    m->phase = EYE_MOVE_INDEXING;
    rc = rc ? rc : move_tell(m, NULL, err);
    if (rc == 0) {
        eng_make_now(m->to, m->dst, m->model, NULL, NULL);
    }
    m->phase = EYE_MOVE_CHECKING;
    rc = rc ? rc : move_tell(m, NULL, err);
    return rc ? rc : move_check(m, err);
}

static int run(struct move *m, struct eye_err *err)
{
    struct eng_waiter from, to;
    struct batch *b = mem_calloc(1, sizeof *b, err);
    if (!b) {
        return EYE_ENOMEM;
    }
    b->m = m;
    eng_wait_begin(m->from, &from, on_wait, m);
    eng_wait_begin(m->to, &to, on_wait, m);
    m->src = eng_patient_get(m->from, err);
    m->dst = m->src ? eng_patient_get(m->to, err) : NULL;
    if (m->dst) {
        store_relax(m->src, true); /* not dst: roots are made there and then asked for */
    }
    int rc = m->dst ? copy(b, err) : eng_code(err);
    if (m->model) {
        eng_model_put(m->from, m->model);
    }
    eng_patient_put(m->from, m->src);
    eng_patient_put(m->to, m->dst);
    eng_wait_end(m->from, &from);
    eng_wait_end(m->to, &to);
    import_roots_close(&b->roots, b->head.nroots);
    export_head_release(&b->head);
    free(b->vectors);
    free(b);
    free(m->sample);
    return rc;
}

static bool are_one(const eye_lib *a, const eye_lib *b)
{
    if (!a->remote != !b->remote) {
        return false;
    }
    return a->remote ? !strcmp(store_remote_name(a->remote), store_remote_name(b->remote))
                     : !strcmp(a->dir, b->dir);
}

int eye_move(eye_lib *from, eye_lib *to, const eye_move_options *options, eye_move_counts *counts,
             struct eye_err *err)
{
    static const eye_move_options none = {.dry_run = false};
    eye_move_counts unwanted;
    struct eye_err local = {0};
    struct move m = {.from = from,
                     .to = to,
                     .options = options ? options : &none,
                     .counts = counts ? counts : &unwanted};
    int lock = -1;
    *m.counts = (eye_move_counts){.same = 1};
    m.sample_max = m.options->sample ? m.options->sample : MOVE_SAMPLE;
    if (m.sample_max > MOVE_SAMPLE_MAX) {
        return eye_fail(err, EYE_EINVAL, "at most %d pictures are compared at the end",
                        MOVE_SAMPLE_MAX);
    }
    if (are_one(from, to)) {
        return eye_fail(err, EYE_EINVAL, "%s: the library would be copied into itself",
                        to->remote ? store_remote_name(to->remote) : to->dir);
    }
    int rc = m.options->dry_run ? 0 : eng_writable(to, err);
    rc = rc || m.options->dry_run ? rc : eng_lock(to, &lock, err);
    if (rc) {
        return rc;
    }
    rc = run(&m, &local);
    eng_unlock(lock);
    return rc ? eye_fail(err, rc, "%s", local.msg) : 0;
}
