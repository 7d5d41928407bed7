/* sqlite_filter_facets.c - what a filter asks of a picture itself.
 *
 * Each facet has an index that holds all that is asked of it (schema.c), so a facet is a range of some ten bytes a picture and never touches
 * the table. What is asked of a camera is a part of its name, no range; but there are few cameras however many pictures:
 * their names are walked, a seek each, compared here, and the pictures of those that pass are ranges again. Where
 * there are many names after all the index is read from end to end.
 *
 * Tried and dropped: one index over (width, height) for all that is asked of sizes. 14 bytes a picture instead of 45, but heights, areas
 * and shapes were scans of it, 8 to 13 ms for 100,000, and walking its values helps only where all pictures come from cameras.
 *
 * Several facets at once are the table's conditions in one statement: to read it through, or to look at one row. */
#include <sqlite3.h>
#include <string.h>

#include "store/sqlite_filter.h"

enum { CONDITIONS = 20 };

/* ---- a statement that grows by conditions, each with at most one value ---- */

struct where {
    struct buf sql, part;
    int rc;
    size_t n;
    struct value {
        enum { VALUE_NONE, VALUE_INT, VALUE_REAL, VALUE_TEXT } kind;
        int64_t i;
        double d;
        const char *text;
    } values[CONDITIONS];
};

static void where_add(struct where *w, const char *condition, struct value value)
{
    if (!w->rc)
        w->rc = buf_printf(&w->sql, NULL, " AND %s", condition);
    w->values[w->n++] = value;
}

static void where_int(struct where *w, bool on, const char *condition, int64_t i)
{
    if (on)
        where_add(w, condition, (struct value){.kind = VALUE_INT, .i = i});
}

static void where_real(struct where *w, bool on, const char *condition, double d)
{
    if (on)
        where_add(w, condition, (struct value){.kind = VALUE_REAL, .d = d});
}

static void where_text(struct where *w, const char *condition, const char *text)
{
    if (text)
        where_add(w, condition, (struct value){.kind = VALUE_TEXT, .text = text});
}

static void where_plain(struct where *w, bool on, const char *condition)
{
    if (on)
        where_add(w, condition, (struct value){.kind = VALUE_NONE});
}

static int lower_text(struct buf *out, const char *text)
{
    int rc = buf_puts(out, "", NULL);
    for (const char *c = text; *c && !rc; c++)
        rc = buf_putc(out, match_lower(*c), NULL);
    return rc;
}

static void where_camera(struct where *w, const struct store_filter *f)
{
    if (f->camera && !w->rc)
        w->rc = lower_text(&w->part, f->camera);
    if (f->camera && !w->rc)
        where_text(w, "has_part(camera, ?)", w->part.data);
}

static void where_size(struct where *w, const struct store_filter *f)
{
    where_int(w, f->min_width > 0, "width >= ?", f->min_width);
    where_int(w, f->max_width > 0, "width <= ?", f->max_width);
    where_int(w, f->min_height > 0, "height >= ?", f->min_height);
    where_int(w, f->max_height > 0, "height <= ?", f->max_height);
    where_real(w, f->min_megapixels > 0, "width * height >= ? * 1e6", f->min_megapixels);
    where_real(w, f->max_megapixels > 0, "width * height <= ? * 1e6", f->max_megapixels);
    where_plain(w, f->orientation == 'l', "width > height");
    where_plain(w, f->orientation == 'p', "width < height");
    where_plain(w, f->orientation == 's', "width = height");
}

static void where_place(struct where *w, const struct store_filter *f)
{
    where_plain(w, f->gps == 'y', "lat IS NOT NULL AND lon IS NOT NULL");
    where_plain(w, f->gps == 'n', "(lat IS NULL OR lon IS NULL)");
    where_real(w, f->boxed, "lat >= ?", f->south);
    where_real(w, f->boxed, "lat <= ?", f->north);
    bool across = f->west > f->east;
    where_real(w, f->boxed && !across, "lon >= ?", f->west);
    where_real(w, f->boxed && !across, "lon <= ?", f->east);
    where_real(w, f->boxed && across, "(lon >= ?", f->west);
    if (f->boxed && across) { /* the other half of the same condition */
        if (!w->rc)
            w->rc = buf_puts(&w->sql, " OR lon <= ?)", NULL);
        w->values[w->n++] = (struct value){.kind = VALUE_REAL, .d = f->east};
    }
}

/* A NULL in the row makes a comparison NULL: what is unknown does not pass. */
static void where_all(struct where *w, const struct store_filter *f)
{
    where_text(w, "format = ?", f->format);
    where_int(w, f->taken_from != INT64_MIN, "taken_at >= ?", f->taken_from);
    where_int(w, f->taken_to != INT64_MIN, "taken_at < ?", f->taken_to);
    where_int(w, f->added_from != INT64_MIN, "added_at >= ?", f->added_from);
    where_int(w, f->added_to != INT64_MIN, "added_at < ?", f->added_to);
    where_size(w, f);
    where_place(w, f);
    where_camera(w, f);
}

static void where_begin(struct where *w, const char *select)
{
    *w = (struct where){.rc = 0};
    buf_init(&w->sql, 8192);
    buf_init(&w->part, SIZE_MAX / 2);
    w->rc = buf_puts(&w->sql, select, NULL);
}

static void where_release(struct where *w)
{
    buf_release(&w->sql);
    buf_release(&w->part);
}

static void where_bind(const struct where *w, struct query *q)
{
    for (size_t i = 0; i < w->n; i++) {
        switch (w->values[i].kind) {
        case VALUE_INT: query_int(q, w->values[i].i); break;
        case VALUE_REAL: query_real(q, w->values[i].d); break;
        case VALUE_TEXT: query_text(q, w->values[i].text); break;
        case VALUE_NONE: break;
        }
    }
}

/* The statement differs with the conditions, so it is not one of those that a connection keeps. *stmt is to be finalized. */
static int where_prepare(struct store *s, const struct where *w, struct query *q,
                         sqlite3_stmt **stmt, struct eye_err *err)
{
    *q = (struct query){.s = s, .rc = SQLITE_OK, .next = 1};
    *stmt = NULL;
    if (w->rc)
        return eye_fail(err, w->rc, "out of memory for a filter");
    q->rc = sqlite3_prepare_v2(s->db, w->sql.data, -1, stmt, NULL);
    q->stmt = *stmt;
    return q->rc == SQLITE_OK ? 0 : store_fail(s, q->rc, err);
}

static int where_collect(struct store *s, const struct where *w, struct store_collect *c,
                         struct eye_err *err)
{
    struct query q;
    sqlite3_stmt *stmt;
    int rc = where_prepare(s, w, &q, &stmt, err);
    if (!rc) {
        where_bind(w, &q);
        rc = store_collect_run(&q, c, err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* ---- one facet ---- */

bool store_facet_is_rest(const struct store_filter *f, enum match_facet facet)
{
    return (facet == FACET_FORMAT && strcmp(f->format, "jpeg") == 0) ||
           (facet == FACET_PLACE && f->gps == 'n' && !f->boxed);
}

/* [from, to) as the least and the largest that pass; false: none can. */
static bool range_of(int64_t from, int64_t to, int64_t *lo, int64_t *hi)
{
    *lo = from; /* INT64_MIN: open */
    *hi = to == INT64_MIN ? INT64_MAX : to - 1;
    return *lo <= *hi;
}

static int collect_range(struct store *s, const char *sql, int64_t from, int64_t to,
                         struct store_collect *c, struct eye_err *err)
{
    struct query q;
    int64_t lo, hi;
    if (!range_of(from, to, &lo, &hi))
        return 0;
    query_open(&q, s, sql);
    query_int(&q, lo);
    query_int(&q, hi);
    return store_collect_run(&q, c, err);
}

static int collect_place(struct store *s, const struct store_filter *f, struct store_collect *c,
                         struct eye_err *err)
{
    struct store_filter known = *f;
    struct where w;
    if (f->gps == 'n' && f->boxed) /* without a place, and in the box */
        return 0;
    known.gps = 'y'; /* or the rest: all that have a place */
    where_begin(&w, "SELECT collect(id) FROM picture INDEXED BY picture_place"
                    " WHERE lat IS NOT NULL");
    where_place(&w, &known);
    int rc = where_collect(s, &w, c, err);
    where_release(&w);
    return rc;
}

static int collect_format(struct store *s, const struct store_filter *f, struct store_collect *c,
                          struct eye_err *err)
{
    struct query q;
    if (store_facet_is_rest(f, FACET_FORMAT)) {
        query_open(&q, s,
                   "SELECT collect(id) FROM picture INDEXED BY picture_format"
                   " WHERE format <> 'jpeg'");
    } else {
        query_open(&q, s,
                   "SELECT collect(id) FROM picture INDEXED BY picture_format"
                   " WHERE format <> 'jpeg' AND format = ?");
        query_text(&q, f->format);
    }
    return store_collect_run(&q, c, err);
}

/* ---- cameras: one value after the other ---- */

static int collect_cameras_scan(struct store *s, const struct store_filter *f,
                                struct store_collect *c, struct eye_err *err)
{
    struct where w;
    where_begin(&w, "SELECT collect(id) FROM picture INDEXED BY picture_camera"
                    " WHERE camera IS NOT NULL");
    where_camera(&w, f);
    int rc = where_collect(s, &w, c, err);
    where_release(&w);
    return rc;
}

static int collect_camera(struct store *s, const struct buf *camera, struct store_collect *c,
                          struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "SELECT collect(id) FROM picture INDEXED BY picture_camera WHERE camera = ?");
    query_text(&q, camera->data);
    return store_collect_run(&q, c, err);
}

/* The next value after `camera`, in its place: 1, or 0 when that was the last. */
static int next_camera(struct store *s, struct buf *camera, struct eye_err *err)
{
    struct query q;
    size_t len;
    query_open(&q, s,
               "SELECT camera FROM picture INDEXED BY picture_camera WHERE camera > ?"
               " ORDER BY camera LIMIT 1");
    query_text(&q, camera->data);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    struct buf next;
    buf_init(&next, SIZE_MAX / 2);
    const void *text = query_get_bytes(&q, 0, &len);
    rc = buf_append(&next, text, len, err);
    query_done(&q);
    buf_release(camera);
    *camera = next;
    return rc ? rc : 1;
}

static int walk_cameras(struct store *s, const char *part, struct buf *camera,
                        struct store_collect *c, bool *whole, struct eye_err *err)
{
    size_t len = strlen(part);
    *whole = false;
    for (size_t i = 0; i < c->walk && !c->stopped; i++) {
        int rc = next_camera(s, camera, err);
        *whole = rc == 0;
        if (rc <= 0)
            return rc;
        rc = match_part(camera->data, camera->len, part, len) ? collect_camera(s, camera, c, err)
                                                              : 0;
        if (rc)
            return rc;
    }
    return 0;
}

static int collect_cameras(struct store *s, const struct store_filter *f, struct store_collect *c,
                           struct eye_err *err)
{
    struct buf part, camera;
    size_t before = c->out->n;
    bool whole = false;
    buf_init(&part, SIZE_MAX / 2);
    buf_init(&camera, SIZE_MAX / 2);
    int rc = lower_text(&part, f->camera);
    rc = rc ? eye_fail(err, rc, "out of memory for a filter") : buf_puts(&camera, "", err);
    if (!rc && !*f->camera) /* any that is known */
        rc = collect_cameras_scan(s, f, c, err);
    else if (!rc)
        rc = walk_cameras(s, part.data, &camera, c, &whole, err);
    if (!rc && *f->camera && !whole && !c->stopped) {
        c->out->n = before;
        rc = collect_cameras_scan(s, f, c, err);
    }
    buf_release(&part);
    buf_release(&camera);
    return rc;
}

/* ---- sizes ---- */

/* 0, 0: open. */
static int collect_pixels(struct store *s, const char *sql, int least, int most,
                          struct store_collect *c, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, sql);
    query_int(&q, least);
    query_int(&q, most > 0 ? most : INT64_MAX);
    return store_collect_run(&q, c, err);
}

static int collect_area(struct store *s, const struct store_filter *f, struct store_collect *c,
                        struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT collect(id) FROM picture INDEXED BY picture_area"
               " WHERE width * height >= ? * 1e6 AND width * height <= ? * 1e6");
    query_real(&q, f->min_megapixels > 0 ? f->min_megapixels : -1);
    query_real(&q, f->max_megapixels > 0 ? f->max_megapixels : 1e300);
    return store_collect_run(&q, c, err);
}

static int collect_shape(struct store *s, const struct store_filter *f, struct store_collect *c,
                         struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT collect(id) FROM picture INDEXED BY picture_shape"
               " WHERE (width > height) - (width < height) = ?");
    query_int(&q, f->orientation == 'l' ? 1 : f->orientation == 'p' ? -1 : 0);
    return store_collect_run(&q, c, err);
}

int store_facet_collect(struct store *s, const struct store_filter *f, enum match_facet facet,
                        struct store_collect *c, struct eye_err *err)
{
    switch (facet) {
    case FACET_TAKEN:
        return collect_range(s,
                             "SELECT collect(id) FROM picture INDEXED BY picture_taken"
                             " WHERE taken_at >= ? AND taken_at <= ?",
                             f->taken_from, f->taken_to, c, err);
    case FACET_ADDED:
        return collect_range(s,
                             "SELECT collect(id) FROM picture INDEXED BY picture_added"
                             " WHERE added_at >= ? AND added_at <= ?",
                             f->added_from, f->added_to, c, err);
    case FACET_PLACE: return collect_place(s, f, c, err);
    case FACET_FORMAT: return collect_format(s, f, c, err);
    case FACET_CAMERA: return collect_cameras(s, f, c, err);
    case FACET_WIDTH:
        return collect_pixels(s,
                              "SELECT collect(id) FROM picture INDEXED BY picture_width"
                              " WHERE width >= ? AND width <= ?",
                              f->min_width, f->max_width, c, err);
    case FACET_HEIGHT:
        return collect_pixels(s,
                              "SELECT collect(id) FROM picture INDEXED BY picture_height"
                              " WHERE height >= ? AND height <= ?",
                              f->min_height, f->max_height, c, err);
    case FACET_AREA: return collect_area(s, f, c, err);
    case FACET_SHAPE: return collect_shape(s, f, c, err);
    case FACETS: break;
    }
    return 0;
}

/* ---- all at once ---- */

int store_facets_scan(struct store *s, const struct store_filter *f, struct store_collect *c,
                      struct eye_err *err)
{
    struct where w;
    where_begin(&w, "SELECT collect(id) FROM picture NOT INDEXED WHERE true");
    where_all(&w, f);
    store_cache_small(s, true);
    int rc = where_collect(s, &w, c, err);
    store_cache_small(s, false);
    where_release(&w);
    return rc;
}

int store_facets_keep(struct store *s, const struct store_filter *f, struct store_ids *ids,
                      struct eye_err *err)
{
    struct where w;
    struct query q;
    sqlite3_stmt *stmt;
    size_t n = 0;
    where_begin(&w, "SELECT 1 FROM picture WHERE id = ?");
    where_all(&w, f);
    int rc = where_prepare(s, &w, &q, &stmt, err);
    for (size_t i = 0; i < ids->n && !rc; i++) {
        q = (struct query){.s = s, .stmt = stmt, .rc = SQLITE_OK, .next = 1};
        query_int(&q, ids->v[i]);
        if (i == 0)
            where_bind(&w, &q);
        int found = q.rc == SQLITE_OK ? sqlite3_step(stmt) : q.rc;
        if (found == SQLITE_ROW)
            ids->v[n++] = ids->v[i];
        else if (found != SQLITE_DONE)
            rc = store_fail(s, found, err);
        sqlite3_reset(stmt); /* keeps what is bound */
    }
    ids->n = n;
    sqlite3_finalize(stmt);
    where_release(&w);
    return rc;
}
