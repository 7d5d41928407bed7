/* remote_search.c - `search --server`: the same results as from a library here, page by page. */
#include "cli/remote.h"

enum { PAGE = 500, BODY_MAX = 4 << 20 };

struct page {
    const struct refine_ask *ask;
    const char *filters; /* of the query line; "" */
    size_t limit;
    const char *cursor;        /* NULL: the first */
    const struct json *before; /* the answer before; NULL: none */
};

static bool is_picture(const eye_query *q)
{
    return q->image_path || q->image_fd >= 0;
}

/* A picture is sent with the first page; later it has a token. */
static void put_picture(struct json_writer *w, const struct page *p, size_t i)
{
    char field[32];
    snprintf(field, sizeof field, "picture%zu", i);
    const struct json *term = p->before ? json_at(json_get(p->before, "terms"), i) : NULL;
    jw_kstr(w, "upload", term ? json_get_str(term, "upload", field) : field);
}

static void put_term(struct json_writer *w, const struct page *p, size_t i)
{
    const eye_term *t = &p->ask->terms[i];
    jw_object(w);
    if (is_picture(&t->query))
        put_picture(w, p, i);
    else if (t->query.like)
        jw_kint(w, "like", t->query.like);
    else
        jw_kstr(w, "words", *t->query.words ? t->query.words : " ");
    jw_knum(w, "weight", (double)t->weight, 9);
    jw_object_end(w);
}

static int write_body(struct buf *b, const struct page *p)
{
    struct json_writer w;
    buf_clear(b);
    jw_init(&w, b);
    jw_object(&w);
    jw_key(&w, "terms");
    jw_array(&w);
    for (size_t i = 0; i < p->ask->nterms; i++)
        put_term(&w, p, i);
    refine_put_terms(p->ask->refine, &w);
    jw_array_end(&w);
    refine_put_filter(p->ask->refine, &w);
    if (*p->filters)
        jw_kstr(&w, "line", p->filters);
    jw_kint(&w, "limit", (int64_t)p->limit);
    if (p->ask->min_score >= -1)
        jw_knum(&w, "min_score", (double)p->ask->min_score, 9);
    if (p->ask->exact)
        jw_kbool(&w, "exact", true);
    if (p->cursor)
        jw_kstr(&w, "cursor", p->cursor);
    jw_object_end(&w);
    if (w.code)
        cli_say("the query is too long");
    return w.code ? CLI_USAGE : 0;
}

/* The form's parts: the query, and each picture. */
struct form {
    struct fetch_part parts[1 + EYE_ASK_TERMS];
    char fields[EYE_ASK_TERMS][32], paths[EYE_ASK_TERMS][64];
    size_t n;
};

static void fill_form(struct form *f, const char *body, const struct page *p)
{
    f->parts[0] = (struct fetch_part){.field = "query", .value = body};
    f->n = 1;
    for (size_t i = 0; i < p->ask->nterms && f->n <= EYE_ASK_TERMS; i++) {
        const eye_query *q = &p->ask->terms[i].query;
        if (!is_picture(q))
            continue;
        char *field = f->fields[f->n - 1], *path = f->paths[f->n - 1];
        snprintf(field, sizeof f->fields[0], "picture%zu", i);
        snprintf(path, sizeof f->paths[0], "/proc/self/fd/%d", q->image_fd);
        f->parts[f->n++] = (struct fetch_part){
            .field = field, .filename = "picture", .path = q->image_path ? q->image_path : path};
    }
}

static int ask_page(const struct remote *r, const struct page *p, struct json **out)
{
    struct buf b;
    struct form form;
    buf_init(&b, BODY_MAX);
    int code = write_body(&b, p);
    fill_form(&form, b.data, p);
    bool send = form.n > 1 && !p->before;
    struct remote_call call = {.method = "POST",
                               .path = "/search",
                               .json = send ? NULL : b.data,
                               .parts = send ? form.parts : NULL,
                               .nparts = send ? form.n : 0};
    if (!code)
        code = remote_ask(r, &call, out, NULL);
    buf_release(&b);
    return code;
}

static int64_t time_of(const struct json *hit, const char *key)
{
    struct tm tm = {0};
    const char *text = json_get_str(hit, key, NULL);
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
    return end && !*end ? (int64_t)timegm(&tm) : EYE_TIME_UNKNOWN;
}

static eye_result result_of(const struct json *hit, size_t query)
{
    return (eye_result){.query = query,
                        .id = json_get_int(hit, "id", 0),
                        .score = (float)json_get_num(hit, "score", 0),
                        .similarity = (float)json_get_num(hit, "similarity", 0),
                        .relevant = json_get_bool(hit, "relevant", false),
                        .offline = json_get_bool(hit, "offline", false),
                        .path = json_get_str(hit, "path", ""),
                        .paths = (size_t)json_get_int(hit, "copies", 1),
                        .size = (uint64_t)json_get_int(hit, "bytes", 0),
                        .width = (int)json_get_int(hit, "width", 0),
                        .height = (int)json_get_int(hit, "height", 0),
                        .format = json_get_str(hit, "format", ""),
                        .taken_at = time_of(hit, "taken_at"),
                        .added_at = time_of(hit, "added_at"),
                        .hash = json_get_str(hit, "hash", "")};
}

struct sink {
    int (*put)(void *ctx, const eye_result *result);
    void *ctx;
    uint64_t *found;
};

static int put_page(const struct json *root, size_t query, const struct sink *sink, size_t *left)
{
    const struct json *hits = json_get(root, "hits");
    int code = 0;
    if (!json_is_array(hits)) {
        cli_say("the server's answer is not what a search gives");
        return CLI_FAILED;
    }
    for (size_t i = 0; i < json_size(hits) && *left > 0 && !code; i++, --*left) {
        eye_result result = result_of(json_at(hits, i), query);
        code = sink->put(sink->ctx, &result);
        ++*sink->found;
    }
    return code;
}

/* Page by page. What the next request needs of an answer lives until that request is done. */
int remote_search(const struct remote *r, const struct refine_ask *ask, const char *filters,
                  int (*put)(void *ctx, const eye_result *result), void *ctx, uint64_t *found)
{
    const struct sink sink = {put, ctx, found};
    struct json *answer = NULL;
    size_t left = ask->limit;
    int code = 0;
    struct page p = {.ask = ask, .filters = filters};
    do {
        struct json *next = NULL;
        p.limit = left < PAGE ? left : PAGE;
        code = ask_page(r, &p, &next);
        json_free(answer);
        answer = next;
        if (!code)
            code = put_page(answer, ask->query, &sink, &left);
        p.cursor = json_get_str(answer, "next", NULL);
        p.before = answer;
    } while (!code && p.cursor && left > 0);
    json_free(answer);
    return code;
}
