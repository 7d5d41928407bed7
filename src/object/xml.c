/* xml.c - the two answers that matter, a page of <ListBucketResult> and <Error>, by expat, as the bytes come.
 *
 * expat and not a scanner of our own: entities, CDATA, encodings and the places where text may be cut are all in the standard, servers
 * differ in which they use, and expat has been fuzzed for twenty years. Here only elements at the places that we know are kept; a DOCTYPE ends
 * it (so no entity can be declared), depth, text and the whole answer have limits. */
#include <expat.h>
#include <string.h>

#include "object/internal.h"

enum { DEPTH_MAX = 16, TEXT_MAX = 4 * OBJECT_KEY_MAX };

enum field { F_NONE, F_KEY, F_SIZE, F_TIME, F_ETAG, F_NEXT, F_MORE, F_URL, F_CODE };

struct entry {
    size_t key; /* where in keys */
    uint64_t size;
    int64_t mtime_ns;
};

struct object_xml {
    XML_Parser parser;
    size_t bytes;
    int depth;
    bool list, list_done, error; /* the root element */
    bool contents;               /* inside <Contents> */
    enum field field;
    char text[TEXT_MAX + 1];
    size_t len;
    char key[TEXT_MAX + 1], etag[128], next[TEXT_MAX + 1], code[64];
    bool has_key, has_size, has_time, has_next, more, url, bad;
    uint64_t size;
    int64_t time;
    struct buf keys; /* each with its NUL */
    struct entry *entries;
    size_t n, cap;
};

static void stop(struct object_xml *x)
{
    x->bad = true;
    XML_StopParser(x->parser, XML_FALSE);
}

/* Servers put everything into a namespace, or a prefix before the name. */
static bool is(const char *name, const char *wanted)
{
    const char *colon = strrchr(name, ':');
    return strcmp(colon ? colon + 1 : name, wanted) == 0;
}

static enum field field_of(const struct object_xml *x, const char *name)
{
    static const struct {
        const char *name;
        enum field field;
    } in_list[] = {{"NextContinuationToken", F_NEXT},
                   {"IsTruncated", F_MORE},
                   {"EncodingType", F_URL}},
      in_contents[] = {
          {"Key", F_KEY}, {"Size", F_SIZE}, {"LastModified", F_TIME}, {"ETag", F_ETAG}};
    if (x->error)
        return x->depth == 2 && is(name, "Code") ? F_CODE : F_NONE;
    for (size_t i = 0; x->list && x->depth == 2 && i < sizeof in_list / sizeof *in_list; i++)
        if (is(name, in_list[i].name))
            return in_list[i].field;
    for (size_t i = 0; x->contents && x->depth == 3 && i < sizeof in_contents / sizeof *in_contents;
         i++)
        if (is(name, in_contents[i].name))
            return in_contents[i].field;
    return F_NONE;
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct object_xml *x = ctx;
    if (++x->depth > DEPTH_MAX || x->bad) {
        stop(x);
        return;
    }
    if (x->depth == 1) {
        x->list = is(name, "ListBucketResult");
        x->error = is(name, "Error");
        if (!x->list && !x->error)
            stop(x);
    } else if (x->depth == 2 && x->list && is(name, "Contents")) {
        x->contents = true;
        x->has_key = x->has_size = x->has_time = false;
        x->etag[0] = '\0';
    }
    x->field = field_of(x, name);
    x->len = 0;
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct object_xml *x = ctx;
    if (x->field == F_NONE || x->bad)
        return;
    if ((size_t)len > TEXT_MAX - x->len) {
        stop(x);
        return;
    }
    memcpy(x->text + x->len, text, (size_t)len);
    x->len += (size_t)len;
}

static bool read_size(const char *text, uint64_t *out)
{
    uint64_t v = 0;
    if (!*text || strlen(text) > 18)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    *out = v;
    return true;
}

/* Only letters: what is shown to people, and no room for anything that was sent. */
static void copy_code(struct object_xml *x)
{
    size_t n = strlen(x->text);
    bool letters = n > 0 && n < sizeof x->code;
    for (size_t i = 0; letters && i < n; i++)
        letters =
            (x->text[i] >= 'a' && x->text[i] <= 'z') || (x->text[i] >= 'A' && x->text[i] <= 'Z');
    if (letters)
        memcpy(x->code, x->text, n + 1);
}

static void take_field(struct object_xml *x)
{
    x->text[x->len] = '\0';
    switch (x->field) {
    case F_KEY:
        memcpy(x->key, x->text, x->len + 1);
        x->has_key = x->len > 0;
        break;
    case F_SIZE: x->has_size = read_size(x->text, &x->size); break;
    case F_TIME:
        x->time = object_time(x->text);
        x->has_time = x->time != INT64_MIN;
        break;
    case F_ETAG: snprintf(x->etag, sizeof x->etag, "%.127s", x->text); break;
    case F_NEXT:
        memcpy(x->next, x->text, x->len + 1);
        x->has_next = x->len > 0;
        break;
    case F_MORE: x->more = strcmp(x->text, "true") == 0; break;
    case F_URL: x->url = strcmp(x->text, "url") == 0; break;
    case F_CODE: copy_code(x); break;
    case F_NONE: break;
    }
    x->field = F_NONE;
}

static bool keep_object(struct object_xml *x)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 256;
        struct entry *more = mem_realloc(x->entries, cap, sizeof *more, NULL);
        if (!more)
            return false;
        x->entries = more;
        x->cap = cap;
    }
    struct entry e = {x->keys.len, x->size, object_stamp(x->time, x->etag, strlen(x->etag))};
    if (buf_append(&x->keys, x->key, strlen(x->key) + 1, NULL) != 0)
        return false;
    x->entries[x->n++] = e;
    return true;
}

static void take_object(struct object_xml *x)
{
    x->contents = false;
    if (!x->has_key || !x->has_size || !x->has_time || !keep_object(x))
        stop(x);
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct object_xml *x = ctx;
    (void)name;
    if (x->bad)
        return;
    take_field(x);
    if (x->depth == 2 && x->contents)
        take_object(x);
    if (x->depth == 1)
        x->list_done = x->list;
    x->depth--;
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public_id, int internal)
{
    (void)name, (void)system, (void)public_id, (void)internal;
    stop(ctx);
}

struct object_xml *object_xml_new(struct eye_err *err)
{
    struct object_xml *x = mem_calloc(1, sizeof *x, err);
    if (!x)
        return NULL;
    buf_init(&x->keys, OBJECT_XML_MAX);
    x->parser = XML_ParserCreate(NULL);
    if (!x->parser) {
        free(x);
        eye_fail(err, EYE_ENOMEM, "out of memory");
        return NULL;
    }
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    return x;
}

void object_xml_free(struct object_xml *x)
{
    if (!x)
        return;
    XML_ParserFree(x->parser);
    buf_release(&x->keys);
    free(x->entries);
    free(x);
}

bool object_xml_feed(struct object_xml *x, const char *bytes, size_t len, bool last)
{
    if (x->bad || len > OBJECT_XML_MAX - x->bytes)
        return false;
    x->bytes += len;
    enum XML_Status s = XML_Parse(x->parser, bytes, (int)len, last);
    x->bad = x->bad || s != XML_STATUS_OK;
    return !x->bad;
}

/* MinIO says how keys are encoded after the last of them. */
bool object_xml_finish(struct object_xml *x)
{
    if (!object_xml_feed(x, "", 0, true) || !x->list_done)
        return false;
    for (size_t i = 0; x->url && i < x->n; i++)
        if (!object_decode(x->keys.data + x->entries[i].key))
            return false;
    return true;
}

size_t object_xml_count(const struct object_xml *x)
{
    return x->n;
}

struct object_info object_xml_at(const struct object_xml *x, size_t i)
{
    const struct entry *e = &x->entries[i];
    return (struct object_info){x->keys.data + e->key, e->size, e->mtime_ns};
}

const char *object_xml_next(const struct object_xml *x)
{
    return x->more && x->has_next ? x->next : NULL;
}

bool object_xml_more(const struct object_xml *x)
{
    return x->more;
}

const char *object_xml_error(const struct object_xml *x)
{
    return x->code;
}
