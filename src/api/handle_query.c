/* handle_query.c - what a query line means, part by part: for the page's chips, and for whoever wants to know. */
#include "api/internal.h"

static const struct api_field fields[] = {
    {"line", API_TEXT, offsetof(struct api_line, text), 0, API_LINE_SHORT, NULL}};

static void put_place(struct json_writer *w, const char *text, eye_span bytes)
{
    eye_span place = api_line_characters(text, bytes);
    jw_kint(w, "at", (int64_t)place.at);
    jw_kint(w, "len", (int64_t)place.len);
}

static void put_terms(struct json_writer *w, const struct api_line *l)
{
    size_t n = 0;
    const eye_term *terms = eye_ask_terms(l->ask, &n);
    const eye_span *spans = eye_ask_term_spans(l->ask);
    jw_key(w, "terms");
    jw_array(w);
    for (size_t i = 0; i < n; i++) {
        jw_object(w);
        if (terms[i].query.words)
            jw_kstr(w, "words", terms[i].query.words);
        else
            jw_kint(w, "like", terms[i].query.like);
        jw_knum(w, "weight", (double)terms[i].weight, 6);
        put_place(w, l->text, spans[i]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_filters(struct json_writer *w, const struct api_line *l)
{
    size_t n = 0;
    const eye_ask_filter *filters = eye_ask_filters(l->ask, &n);
    jw_key(w, "filters");
    jw_array(w);
    for (size_t i = 0; i < n; i++) {
        jw_object(w);
        jw_kstr(w, "text", filters[i].text);
        put_place(w, l->text, filters[i].span);
        jw_kbool(w, "negated", filters[i].negated);
        jw_kbool(w, "alone", filters[i].alone);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void reply(struct http_request *rq, const struct api_line *l)
{
    struct api_out o;
    double least = (double)eye_ask_min_score(l->ask);
    api_out_init(&o);
    jw_object(&o.w);
    jw_kstr(&o.w, "text", eye_ask_text(l->ask));
    put_terms(&o.w, l);
    put_filters(&o.w, l);
    if (least >= -1) {
        jw_knum(&o.w, "min_score", least, 6);
    } else {
        jw_key(&o.w, "min_score");
        jw_null(&o.w);
    }
    jw_object_end(&o.w);
    api_out_send(rq, 200, &o);
}

void handle_query(struct http_request *rq, void *ctx)
{
    (void)ctx;
    struct eye_err err;
    struct api_line line = {"", NULL, {0, 0}};
    if (api_query(rq, fields, 1, &line, &err))
        api_problem_err(rq, &err);
    else if (api_line_read(&line, &err))
        api_line_problem(rq, &line, &err);
    else
        reply(rq, &line);
    api_line_release(&line);
}
