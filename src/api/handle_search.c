/* handle_search.c - search: a query in parameters, in JSON, or in a form with pictures.
 *
 * All three fill one struct search. What its terms need is then opened (pictures sent along, remembered, or fetched),
 * ranked in one call, and pictures that came from outside are remembered only when they turned out to be pictures. */
#include "api/internal.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

struct term {
    const char *words, *url, *upload;
    int64_t like;
    double weight;
    int fd;        /* the picture, open; -1 */
    uint64_t size; /* of a picture that came with this request and is to be remembered; 0 */
    char token[API_TOKEN_LEN];
};

struct search {
    struct api_filter filter;
    struct api_line line; /* its terms are taken behind the others */
    struct term terms[API_TERMS_MAX];
    size_t nterms, nurls;
    int64_t limit;
    const char *cursor;
    double min_score;
    char exact;                 /* y, n; 0: not said */
    uint32_t seen, filter_seen; /* parameters that came */
    bool
        unreachable; /* an address gave no picture: what was asked can't be done, but not by our fault */
    bool crowded; /* too many fetch already */
};

#define AT(member) offsetof(struct search, member)
static const struct api_field page_fields[] = {
    {"limit", API_INT, AT(limit), 1, API_LIMIT_MAX, NULL},
    {"cursor", API_TEXT, AT(cursor), 1, 512, NULL},
    {"min_score", API_NUM, AT(min_score), -1, 1, NULL},
    {"line", API_TEXT, AT(line.text), 0, API_LINE_MAX, NULL},
    {"exact", API_FLAG, AT(exact), 0, 0, NULL},
    {"terms", API_LEFT, 0, 0, 0, NULL},
    {"filter", API_LEFT, 0, 0, 0, NULL},
};
#undef AT
enum { PAGE_FIELDS = 5, BODY_FIELDS = 7 }; /* the last two come only in a body */

#define AT(member) offsetof(struct term, member)
static const struct api_field term_fields[] = {
    {"words", API_TEXT, AT(words), 1, 4000, NULL},
    {"like", API_INT, AT(like), 1, (double)API_ID_MAX, NULL},
    {"url", API_TEXT, AT(url), 8, 2048, NULL},
    {"upload", API_TEXT, AT(upload), 1, 100, NULL},
    {"weight", API_NUM, AT(weight), -10, 10, NULL},
};
#undef AT
enum { TERM_FIELDS = 5 };

static void search_init(struct search *q)
{
    memset(q, 0, sizeof *q);
    api_filter_init(&q->filter);
    q->limit = 48;
    q->min_score = -2;
}

static void search_release(struct search *q)
{
    for (size_t i = 0; i < q->nterms; i++)
        if (q->terms[i].fd >= 0)
            close(q->terms[i].fd);
    api_line_release(&q->line);
}

static struct term *new_term(struct search *q, double weight, struct eye_err *err)
{
    if (q->nterms == API_TERMS_MAX) {
        eye_fail(err, EYE_EINVAL, "a query has at most %d terms", API_TERMS_MAX);
        return NULL;
    }
    struct term *t = &q->terms[q->nterms++];
    memset(t, 0, sizeof *t);
    t->weight = weight;
    t->fd = -1;
    return t;
}

static int check_term(struct search *q, const struct term *t, struct eye_err *err)
{
    if (!t->words + !t->like + !t->url + !t->upload != 3)
        return eye_fail(err, EYE_EINVAL,
                        "a term has exactly one of 'words', 'like', 'url' and 'upload'");
    if ((float)t->weight == 0)
        return eye_fail(err, EYE_EINVAL, "'weight' of a term must not be 0");
    if (!t->url)
        return 0;
    if (strncasecmp(t->url, "http://", 7) != 0 && strncasecmp(t->url, "https://", 8) != 0)
        return eye_fail(err, EYE_EINVAL, "'url' must begin with http:// or https://");
    if (++q->nurls > API_URLS_MAX)
        return eye_fail(err, EYE_EINVAL, "a query has at most %d addresses", API_URLS_MAX);
    return 0;
}

/* ---- from parameters ---- */

enum { TERM_NAMES = 5, WORDS_MAX = 8 };

struct walk {
    struct search *q;
    struct eye_err *err;
    int times[TERM_NAMES]; /* that each name came */
};

static int on_parameter(void *ctx, const char *name, const char *value)
{
    static const struct {
        const char *name;
        const struct api_field *field;
        double weight;
        double longest; /* an address holds less than a body */
        int most;
    } names[TERM_NAMES] = {{"q", &term_fields[0], 1, 500, WORDS_MAX},
                           {"minus", &term_fields[0], -1, 500, WORDS_MAX},
                           {"like", &term_fields[1], 1, (double)API_ID_MAX, API_TERMS_MAX},
                           {"minus_like", &term_fields[1], -1, (double)API_ID_MAX, API_TERMS_MAX},
                           {"url", &term_fields[2], 1, 2048, API_URLS_MAX}};
    struct walk *w = ctx;
    struct search *q = w->q;
    for (size_t i = 0; i < TERM_NAMES; i++) {
        if (strcmp(name, names[i].name) != 0)
            continue;
        if (++w->times[i] > names[i].most)
            return eye_fail(w->err, EYE_EINVAL, "parameter '%s' may come %d times at most", name,
                            names[i].most);
        struct api_field field = *names[i].field;
        uint32_t seen = 0; /* these may come again */
        struct term *t = new_term(q, names[i].weight, w->err);
        field.name = name;
        field.hi = names[i].longest;
        int rc = t ? api_query_one(&field, 1, t, &seen, name, value, w->err) : EYE_EINVAL;
        return rc ? rc : check_term(q, t, w->err);
    }
    if (strcmp(name, "line") == 0 && api_characters(value) > API_LINE_SHORT)
        return eye_fail(w->err, EYE_EINVAL,
                        "parameter 'line' holds at most %d characters; a longer line can be sent "
                        "by POST",
                        API_LINE_SHORT);
    for (size_t i = 0; i < PAGE_FIELDS; i++)
        if (strcmp(name, page_fields[i].name) == 0)
            return api_query_one(page_fields, PAGE_FIELDS, q, &q->seen, name, value, w->err);
    return api_query_one(api_filter_fields, API_FILTER_FIELDS, &q->filter, &q->filter_seen, name,
                         value, w->err);
}

/* ---- from JSON ---- */

static int read_terms(struct search *q, const struct json *terms, struct eye_err *err)
{
    if (!json_is_array(terms))
        return eye_fail(err, EYE_EINVAL, "'terms' must be an array");
    for (size_t i = 0; i < json_size(terms); i++) {
        struct term *t = new_term(q, 1, err);
        if (!t)
            return EYE_EINVAL;
        int rc = api_members(json_at(terms, i), "a term", term_fields, TERM_FIELDS, t, NULL, err);
        rc = rc ? rc : check_term(q, t, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_body(struct search *q, const struct json *body, struct eye_err *err)
{
    uint32_t seen = 0;
    int rc = api_members(body, "the query", page_fields, BODY_FIELDS, q, &seen, err);
    if (rc == 0 && seen & (1u << PAGE_FIELDS))
        rc = read_terms(q, json_get(body, "terms"), err);
    if (rc == 0 && seen & (1u << (PAGE_FIELDS + 1)))
        rc = api_members(json_get(body, "filter"), "'filter'", api_filter_fields, API_FILTER_FIELDS,
                         &q->filter, NULL, err);
    return rc;
}

/* ---- from the query line ---- */

static int take_line(struct search *q, struct eye_err *err)
{
    size_t n = 0;
    int rc = q->line.text ? api_line_read(&q->line, err) : 0;
    if (rc || !q->line.ask)
        return rc;
    const eye_term *terms = eye_ask_terms(q->line.ask, &n);
    for (size_t i = 0; i < n; i++) {
        struct term *t = new_term(q, (double)terms[i].weight, err);
        if (!t)
            return EYE_EINVAL;
        t->words = terms[i].query.words;
        t->like = terms[i].query.like;
    }
    double least = (double)eye_ask_min_score(q->line.ask);
    q->min_score = least > q->min_score ? least : q->min_score;
    return 0;
}

/* ---- what the terms need ---- */

static const struct http_part *part_of(struct http_request *rq, const char *field)
{
    for (size_t i = 0; i < http_parts(rq); i++) {
        const struct http_part *p = http_part_at(rq, i);
        if (strcmp(p->field, field) == 0)
            return p;
    }
    return NULL;
}

static int open_part(struct term *t, const struct http_part *p, struct eye_err *err)
{
    struct stat st;
    if (!p->path)
        return eye_fail(err, EYE_EINVAL, "the field '%s' is not a file", p->field);
    if (p->size > API_QUERY_FILE_MAX)
        return eye_fail(err, EYE_ELIMIT, "a picture to search by has at most %d MiB",
                        API_QUERY_FILE_MAX >> 20);
    t->fd = fs_open_regular(p->path, &st, err);
    t->size = p->size;
    return t->fd < 0 ? EYE_EIO : 0;
}

static int open_term(struct api_server *s, struct http_request *rq, struct search *q,
                     struct term *t, struct eye_err *err)
{
    if (t->url) {
        t->fd = api_fetch_picture(s, t->url, &t->size, err);
        q->unreachable = t->fd < 0 && err->code == EYE_EREMOTE;
        q->crowded = t->fd < 0 && err->code == EYE_EBUSY;
        return t->fd < 0 ? err->code : 0;
    }
    if (!t->upload)
        return 0;
    const struct http_part *part = *t->upload ? part_of(rq, t->upload) : NULL;
    if (part && strcmp(t->upload, "query") != 0)
        return open_part(t, part, err);
    t->fd = api_tokens_open(s->tokens, t->upload, err);
    snprintf(t->token, sizeof t->token, "%s", t->upload);
    return t->fd < 0 ? err->code : 0;
}

static int remember(struct api_server *s, struct term *t, struct eye_err *err)
{
    if (t->size == 0)
        return 0;
    int fd = t->fd;
    t->fd = -1;
    return api_tokens_add(s->tokens, fd, t->size, t->token, err);
}

static int find(struct api_server *s, struct http_request *rq, struct search *q, eye_results **out,
                struct eye_err *err)
{
    eye_term terms[API_TERMS_MAX];
    eye_filter filter;
    api_filter_to(&q->filter, &filter);
    const eye_find_options options = {.limit = (size_t)q->limit,
                                      .min_score = (float)q->min_score,
                                      .filter = &filter,
                                      .where = q->line.ask ? eye_ask_where(q->line.ask) : NULL,
                                      .exact = q->exact == 'y',
                                      .cursor = q->cursor};
    int rc = 0;
    for (size_t i = 0; i < q->nterms && rc == 0; i++) {
        struct term *t = &q->terms[i];
        rc = open_term(s, rq, q, t, err);
        const eye_term term = {{t->words, NULL, t->fd, t->like}, (float)t->weight};
        terms[i] = term;
    }
    rc = rc ? rc : eye_find(s->lib, terms, q->nterms, &options, out, err);
    for (size_t i = 0; i < q->nterms && rc == 0; i++)
        rc = remember(s, &q->terms[i], err);
    return rc;
}

/* ---- the answer ---- */

static void put_terms(struct json_writer *w, const struct search *q)
{
    jw_key(w, "terms");
    jw_array(w);
    for (size_t i = 0; i < q->nterms; i++) {
        const struct term *t = &q->terms[i];
        jw_object(w);
        if (t->words)
            jw_kstr(w, "words", t->words);
        if (t->like)
            jw_kint(w, "like", t->like);
        if (t->url)
            jw_kstr(w, "url", t->url);
        if (t->token[0])
            jw_kstr(w, "upload", t->token);
        jw_knum(w, "weight", t->weight, 6);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void reply(struct http_request *rq, const struct search *q, const eye_results *found,
                  double seconds)
{
    struct api_out o;
    int64_t relevant = 0;
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "hits");
    jw_array(&o.w);
    for (size_t i = 0; i < eye_results_count(found); i++) {
        const eye_result *r = eye_results_at(found, i);
        relevant += r->relevant;
        shape_summary(&o.w, r, true);
    }
    jw_array_end(&o.w);
    jw_kstr(&o.w, "next", eye_results_next(found));
    jw_kint(&o.w, "total", (int64_t)eye_results_total(found));
    jw_kint(&o.w, "relevant_count", relevant);
    jw_knum(&o.w, "took_ms", seconds * 1e3, 4);
    put_terms(&o.w, q);
    if (q->line.ask)
        jw_kstr(&o.w, "line", eye_ask_text(q->line.ask));
    jw_object_end(&o.w);
    api_out_send(rq, 200, &o);
}

static double seconds_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void answer(struct api_server *s, struct http_request *rq, struct search *q)
{
    struct eye_err err;
    eye_results *found = NULL;
    double begun = seconds_now();
    if (take_line(q, &err)) {
        api_line_problem(rq, &q->line, &err);
        return;
    }
    if (find(s, rq, q, &found, &err) == 0)
        reply(rq, q, found, seconds_now() - begun);
    else if (q->crowded)
        api_problem(rq, 503, eye_err_name(err.code), err.msg);
    else if (q->unreachable)
        api_problem(rq, 422, eye_err_name(err.code), err.msg);
    else
        api_problem_err(rq, &err);
    eye_results_free(found);
}

/* ---- the handlers ---- */

void handle_search_get(struct http_request *rq, void *ctx)
{
    struct eye_err err;
    struct search q;
    struct walk w = {&q, &err, {0}};
    search_init(&q);
    if (http_query_each(rq, on_parameter, &w) == 0)
        answer(ctx, rq, &q);
    else
        api_problem_err(rq, &err);
    search_release(&q);
}

/* The query's text: the whole body, or the form's field `query` (a browser's Blob comes as a file). */
static int body_text(struct http_request *rq, bool form, struct buf *out, struct eye_err *err)
{
    const struct http_part *p = part_of(rq, form ? "query" : "");
    if (!p)
        return form ? eye_fail(err, EYE_EINVAL, "the form has no field 'query'") : 0;
    if (p->path)
        return fs_read_all(p->path, out, err);
    return buf_puts(out, p->value ? p->value : "", err);
}

static void search_by(struct api_server *s, struct http_request *rq, const struct buf *text)
{
    struct eye_err err;
    struct search q;
    struct json *body = api_body_text(rq, text->data, text->len);
    if (!body)
        return;
    search_init(&q);
    if (read_body(&q, body, &err) == 0)
        answer(s, rq, &q);
    else
        api_problem_err(rq, &err);
    search_release(&q);
    json_free(body);
}

void handle_search_post(struct http_request *rq, void *ctx)
{
    struct eye_err err;
    struct buf text;
    const char *type = http_header(rq, "Content-Type");
    bool form = api_type_is(type, "multipart/form-data");
    if (!form && !api_type_is(type, "application/json")) {
        api_problem(rq, 415, NULL, "the body must be application/json or multipart/form-data");
        return;
    }
    if (!api_no_query(rq))
        return;
    buf_init(&text, API_SEARCH_JSON_MAX);
    if (body_text(rq, form, &text, &err) == 0)
        search_by(ctx, rq, &text);
    else
        api_problem_err(rq, &err);
    buf_release(&text);
}
