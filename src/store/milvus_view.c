/* milvus_view.c - the entries of a handle, found by id or key.
 *
 * Entries are allocated one by one, so pointers to them hold until the view is cleared; nothing is ever taken out before. */
#include "store/milvus_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static uint64_t tag_of(const void *item)
{
    uint64_t tag;
    memcpy(&tag, item, sizeof tag);
    return tag;
}

/* Ids and keys are hashes already, those of roots nearly. */
static size_t slot_of(const struct view_table *t, uint64_t tag)
{
    return (size_t)((tag * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (t->nslots - 1);
}

static void insert(struct view_table *t, size_t place)
{
    size_t at = slot_of(t, tag_of(t->items[place]));
    while (t->slots[at])
        at = (at + 1) & (t->nslots - 1);
    t->slots[at] = (uint32_t)place + 1;
}

static int grow(struct view_table *t, struct eye_err *err)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        void **items = mem_realloc(t->items, cap, sizeof *items, err);
        if (!items)
            return EYE_ENOMEM;
        t->items = items;
        t->cap = cap;
    }
    if (2 * (t->n + 1) > t->nslots) {
        size_t nslots = t->nslots ? 2 * t->nslots : 256;
        uint32_t *slots = mem_calloc(nslots, sizeof *slots, err);
        if (!slots)
            return EYE_ENOMEM;
        free(t->slots);
        t->slots = slots;
        t->nslots = nslots;
        for (size_t i = 0; i < t->n; i++)
            insert(t, i);
    }
    return 0;
}

static void *add(struct view_table *t, uint64_t tag, size_t size, struct eye_err *err)
{
    if (t->n == UINT32_MAX - 1) {
        eye_fail(err, EYE_ELIMIT, "a change of more than four thousand million rows");
        return NULL;
    }
    void *item = grow(t, err) ? NULL : mem_calloc(1, size, err);
    if (!item)
        return NULL;
    memcpy(item, &tag, sizeof tag);
    t->items[t->n] = item;
    insert(t, t->n++);
    return item;
}

/* Entries with this tag, one after another: *at begins at SIZE_MAX. */
static void *next_of(const struct view_table *t, uint64_t tag, size_t *at)
{
    if (!t->nslots)
        return NULL;
    *at = *at == SIZE_MAX ? slot_of(t, tag) : (*at + 1) & (t->nslots - 1);
    for (; t->slots[*at]; *at = (*at + 1) & (t->nslots - 1)) {
        void *item = t->items[t->slots[*at] - 1];
        if (tag_of(item) == tag)
            return item;
    }
    return NULL;
}

static void clear_table(struct view_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->items[i]);
    free(t->items);
    free(t->slots);
    *t = (struct view_table){NULL, 0, 0, NULL, 0};
}

struct milvus_view *view_new(struct eye_err *err)
{
    return mem_calloc(1, sizeof(struct milvus_view), err);
}

void view_clear(struct milvus_view *v)
{
    for (size_t i = 0; i < v->pics.n; i++)
        milvus_pic_release(&view_pic_at(v, i)->pic);
    for (size_t i = 0; i < v->rows.n; i++)
        milvus_row_release(&view_row_at(v, i)->row);
    clear_table(&v->pics);
    clear_table(&v->rows);
    v->gathered = false;
}

void view_free(struct milvus_view *v)
{
    if (v)
        view_clear(v);
    free(v);
}

struct view_pic *view_pic_find(const struct milvus_view *v, int64_t id)
{
    size_t at = SIZE_MAX;
    return next_of(&v->pics, (uint64_t)id, &at);
}

struct view_pic *view_pic_make(struct milvus_view *v, int64_t id, struct eye_err *err)
{
    struct view_pic *e = view_pic_find(v, id);
    return e ? e : add(&v->pics, (uint64_t)id, sizeof *e, err);
}

/* 16 hex digits; of what is no hex whatever comes. */
static uint64_t last_half(const char *key)
{
    uint64_t tag = 0;
    for (const char *c = key + MILVUS_KEY / 2; *c; c++)
        tag = tag << 4 | (uint64_t)((*c & 15) + (*c > '9' ? 9 : 0));
    return tag;
}

struct view_row *view_row_find(const struct milvus_view *v, const char *key)
{
    uint64_t tag = last_half(key);
    size_t at = SIZE_MAX;
    struct view_row *e;
    do
        e = next_of(&v->rows, tag, &at);
    while (e && memcmp(e->row.key, key, MILVUS_KEY) != 0);
    return e;
}

struct view_row *view_row_make(struct milvus_view *v, const char *key, struct eye_err *err)
{
    struct view_row *e = view_row_find(v, key);
    if (e)
        return e;
    e = add(&v->rows, last_half(key), sizeof *e, err);
    if (e)
        memcpy(e->row.key, key, MILVUS_KEY + 1);
    return e;
}

/* ---- what the server says ---- */

void view_pic_fetched(struct view_pic *e, struct milvus_pic *pic, bool with_vector)
{
    e->known = true;
    if (e->dirty) {
        if (pic)
            milvus_pic_release(pic);
        return;
    }
    if (!pic) {
        milvus_pic_release(&e->pic);
        e->there = false;
        return;
    }
    if (!with_vector && e->vector_known) { /* it is known already */
        pic->vector = e->pic.vector;
        e->pic.vector = NULL;
    }
    milvus_pic_release(&e->pic);
    e->pic = *pic;
    pic->vector = NULL;
    e->there = true;
    e->vector_known = e->vector_known || with_vector || !e->pic.embedded;
}

void view_row_fetched(struct view_row *e, struct milvus_row *row)
{
    e->known = true;
    e->was = row != NULL;
    e->was_kind = row ? row->kind : 0;
    e->was_picture = row ? row->picture : 0;
    e->was_attempts = row ? row->attempts : 0;
    if (e->counts && row && row->kind == KIND_FAILURE)
        e->row.attempts += row->attempts;
    e->counts = false;
    if (!e->dirty) {
        e->there = row != NULL;
        if (row) {
            milvus_row_release(&e->row);
            e->row = *row;
            row->rel = row->reason = NULL;
        }
    }
    if (row)
        milvus_row_release(row);
}
