/* remote_search.c - `search --server`: the same results as from a library here, page by page. */
#include "cli/remote.h"

enum { PAGE = 500, BODY_MAX = 1 << 20 };

struct page {
    const struct refine *refine;
    int64_t limit;
    double min_score;
    const char *cursor; /* NULL: the first */
    const char *upload; /* token of a picture that was sent; NULL: none */
};

static void put_term(struct json_writer *w, const struct remote_query *q, const struct page *p)
{
    jw_object(w);
    if (q->image)
        jw_kstr(w, "upload", p->upload ? p->upload : "picture");
    else if (q->like)
        jw_kint(w, "like", q->like);
    else
        jw_kstr(w, "words", *q->words ? q->words : " ");
    jw_object_end(w);
}

static int write_body(struct buf *b, const struct remote_query *q, const struct page *p)
{
    struct json_writer w;
    buf_clear(b);
    jw_init(&w, b);
    jw_object(&w);
    jw_key(&w, "terms");
    jw_array(&w);
    put_term(&w, q, p);
    refine_put_terms(p->refine, &w);
    jw_array_end(&w);
    refine_put_filter(p->refine, &w);
    jw_kint(&w, "limit", p->limit);
    if (p->min_score >= -1)
        jw_knum(&w, "min_score", p->min_score, 9);
    if (p->cursor)
        jw_kstr(&w, "cursor", p->cursor);
    jw_object_end(&w);
    if (w.code)
        cli_say("the query is too long");
    return w.code ? CLI_USAGE : 0;
}

static int ask_page(const struct remote *r, const struct remote_query *q, const struct page *p,
                    struct json **out)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    int code = write_body(&b, q, p);
    struct fetch_part parts[] = {{.field = "query", .value = b.data},
                                 {.field = "picture", .filename = "picture", .path = q->image}};
    bool send = q->image && !p->upload;
    struct remote_call call = {.method = "POST",
                               .path = "/search",
                               .json = send ? NULL : b.data,
                               .parts = send ? parts : NULL,
                               .nparts = send ? 2 : 0};
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

static int put_page(const struct json *root, size_t query, const struct sink *sink, int64_t *left)
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

/* The pages of one query. What the next request needs of an answer lives until that request is done. */
static int search_one(const struct remote *r, const struct remote_query *q, size_t query,
                      const struct refine *refine, int64_t limit, double min_score,
                      const struct sink *sink)
{
    struct json *answer = NULL;
    int64_t left = limit;
    int code = 0;
    struct page p = {.refine = refine, .min_score = min_score};
    do {
        struct json *next = NULL;
        p.limit = left < PAGE ? left : PAGE;
        code = ask_page(r, q, &p, &next);
        json_free(answer);
        answer = next;
        if (!code)
            code = put_page(answer, query, sink, &left);
        p.cursor = json_get_str(answer, "next", NULL);
        p.upload = json_get_str(json_at(json_get(answer, "terms"), 0), "upload", NULL);
    } while (!code && p.cursor && left > 0);
    json_free(answer);
    return code;
}

int remote_search(const struct remote *r, const struct remote_query *queries, size_t n,
                  const struct refine *refine, int64_t limit, double min_score,
                  int (*put)(void *ctx, const eye_result *result), void *ctx, uint64_t *found)
{
    const struct sink sink = {put, ctx, found};
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = search_one(r, &queries[i], i, refine, limit, min_score, &sink);
    return code;
}
