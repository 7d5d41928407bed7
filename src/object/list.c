/* list.c - what is in the bucket, page by page.
 *
 * A page is told when all of it has been read and makes sense: keys below the prefix, ascending, going on from the page before. A server
 * that repeats itself or leads elsewhere ends the listing with an error, so that nobody takes half a list for a whole one. */
#include <string.h>

#include "object/internal.h"

enum { PAGE = 1000, PAGE_MS = 120000, PROBE_MS = 5000, EMPTY_MAX = 100 };

struct listing {
    struct object_store *s;
    const char *prefix;
    struct object_xml *xml;
    char *last; /* key that was told last */
};

static int begin(void *ctx, struct eye_err *err)
{
    struct listing *l = ctx;
    object_xml_free(l->xml);
    l->xml = object_xml_new(err);
    return l->xml ? 0 : EYE_ENOMEM;
}

static int take(void *ctx, const char *bytes, size_t len)
{
    struct listing *l = ctx;
    return object_xml_feed(l->xml, bytes, len, false) ? 0 : EYE_EFORMAT;
}

static int say_nonsense(struct listing *l, struct eye_err *err)
{
    return object_say(l->s, l->prefix, EYE_EREMOTE, err,
                      "%s sent a listing that makes no sense; is the endpoint right?",
                      object_host(l->s));
}

static int query_of(struct buf *out, const char *prefix, const char *token, size_t page,
                    struct eye_err *err)
{
    int rc = 0; /* sorted by name: they are signed in this order */
    if (token) {
        rc = buf_puts(out, "continuation-token=", err);
        rc = rc ? rc : object_encode(out, token, false, err);
        rc = rc ? rc : buf_putc(out, '&', err);
    }
    rc = rc ? rc : buf_printf(out, err, "encoding-type=url&list-type=2&max-keys=%zu&prefix=", page);
    return rc ? rc : object_encode(out, prefix, false, err);
}

static int read_page(struct listing *l, const char *token, size_t page,
                     const struct object_request *how, struct eye_err *err)
{
    struct object_request r = *how;
    struct object_answer answer;
    struct buf query;
    buf_init(&query, 1 << 16);
    int rc = query_of(&query, l->prefix, token, page, err);
    r.query = query.data;
    rc = rc ? rc : object_exchange(l->s, &r, &answer, err);
    if (rc == EYE_EFORMAT || (rc == 0 && !object_xml_finish(l->xml)))
        rc = say_nonsense(l, err);
    buf_release(&query);
    return rc;
}

/* The keys of the page at hand: 0, what fn returned, or an error. */
static int tell_page(struct listing *l, size_t *left, object_list_fn *fn, void *ctx,
                     struct eye_err *err)
{
    size_t n = object_xml_count(l->xml);
    for (size_t i = 0; i < n && *left; i++, --*left) {
        struct object_info info = object_xml_at(l->xml, i);
        if (strncmp(info.key, l->prefix, strlen(l->prefix)) != 0 ||
            (l->last && strcmp(info.key, l->last) <= 0))
            return say_nonsense(l, err);
        char *last = mem_strdup(info.key, err);
        if (!last)
            return EYE_ENOMEM;
        free(l->last);
        l->last = last;
        int rc = fn ? fn(ctx, &info) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

static int list(struct object_store *s, const char *prefix, size_t max,
                const struct object_request *how, object_list_fn *fn, void *ctx,
                struct eye_err *err)
{
    struct listing l = {.s = s, .prefix = prefix};
    struct object_request r = *how;
    size_t left = max ? max : SIZE_MAX;
    char *token = NULL;
    bool more = true;
    int rc = 0, empty = 0;
    r.ctx = &l;
    while (rc == 0 && more && left) {
        rc = read_page(&l, token, left < PAGE ? left : PAGE, &r, err);
        size_t before = left;
        rc = rc ? rc : tell_page(&l, &left, fn, ctx, err);
        more = rc == 0 && object_xml_more(l.xml);
        const char *next = more ? object_xml_next(l.xml) : NULL;
        empty = left == before ? empty + 1 : 0; /* a page of deleted things may be */
        if (more && left && (!next || empty > EMPTY_MAX))
            rc = say_nonsense(&l, err);
        free(token);
        token = rc == 0 && next ? mem_strdup(next, err) : NULL;
        if (rc == 0 && next && !token)
            rc = EYE_ENOMEM;
    }
    free(token);
    free(l.last);
    object_xml_free(l.xml);
    return rc;
}

int object_list(struct object_store *s, const char *prefix, size_t max, object_list_fn *fn,
                void *ctx, struct eye_err *err)
{
    const struct object_request how = {
        .method = "GET", .in = -1, .begin = begin, .body = take, .max_ms = PAGE_MS};
    return list(s, prefix, max, &how, fn, ctx, err);
}

static int note(void *ctx, const struct object_info *info)
{
    (void)info;
    *(bool *)ctx = true;
    return 0;
}

int object_probe(struct object_store *s, const char *prefix, bool *any, struct eye_err *err)
{
    const struct object_request how = {
        .method = "GET", .in = -1, .begin = begin, .body = take, .tries = 1, .max_ms = PROBE_MS};
    bool some = false;
    int rc = list(s, prefix, 1, &how, note, &some, err);
    if (any)
        *any = some;
    return rc;
}
