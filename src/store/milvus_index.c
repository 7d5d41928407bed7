/* milvus_index.c - which index a collection of so many vectors wants, and how it is searched.
 *
 * FLAT compares with every row: exact, and below 100,000 rows as quick as anything. HNSW up to 20 million: a graph over all vectors in
 * memory, some 1.1 times their size. Beyond that memory is what counts: IVF_RABITQ (Milvus 2.6 and later) keeps a bit a dimension to choose by and
 * eight to refine; older servers keep vectors on disk with DISKANN.
 *
 * What a server is not known to have may be asked for by setting: its parameters are text, and the server judges them. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "store/milvus_index.h"

enum { FLAT_BELOW = 100000, HNSW_BELOW = 20000000, EF_MAX = 32768 };

/* ---- settings ---- */

static int copy_json(const char *text, const char *what, char *out, size_t size,
                     struct eye_err *err)
{
    struct eye_err why = {0};
    text = text && *text ? text : "{}";
    struct json *j = json_parse(text, strlen(text), what, &why);
    bool object = j && json_is_object(j);
    json_free(j);
    if (!object)
        return eye_fail(err, EYE_EINVAL, "%s is a JSON object like {\"M\":16}, not '%s'", what,
                        text);
    if (strlen(text) >= size)
        return eye_fail(err, EYE_EINVAL, "%s is longer than %zu characters", what, size - 1);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int copy_type(const char *type, char *out, size_t size, struct eye_err *err)
{
    size_t n = strlen(type);
    bool good = n > 0 && n < size;
    for (size_t i = 0; i < n && good; i++) {
        out[i] = (char)toupper((unsigned char)type[i]);
        good = isalnum((unsigned char)type[i]) || type[i] == '_';
    }
    if (!good)
        return eye_fail(err, EYE_EINVAL,
                        "milvus_index is auto or a type of index such as FLAT, HNSW or IVF_SQ8, "
                        "not '%s'",
                        type);
    out[n] = '\0';
    return 0;
}

static bool is_auto(const char *type)
{
    return !type || !*type || strcasecmp(type, "auto") == 0;
}

static uint64_t lists_for(uint64_t rows)
{
    double n = 4 * sqrt((double)rows);
    return n < 128 ? 128 : n > 65536 ? 65536 : (uint64_t)n;
}

static const char *by_size(uint64_t rows, bool rabitq)
{
    if (rows < FLAT_BELOW)
        return "FLAT";
    return rows < HNSW_BELOW ? "HNSW" : rabitq ? "IVF_RABITQ" : "DISKANN";
}

/* What an index cannot do without. */
static void default_params(uint64_t rows, struct milvus_index *out)
{
    static const char graph[] = "{\"M\":16,\"efConstruction\":200}";
    unsigned long long lists = lists_for(rows);
    char *to = out->params;
    if (strncmp(out->type, "HNSW", 4) == 0)
        snprintf(to, sizeof out->params, "%s", graph);
    else if (strcmp(out->type, "IVF_RABITQ") == 0)
        snprintf(to, sizeof out->params, "{\"nlist\":%llu,\"refine\":true,\"refine_type\":\"SQ8\"}",
                 lists);
    else if (strncmp(out->type, "IVF_", 4) == 0 || strcmp(out->type, "SCANN") == 0)
        snprintf(to, sizeof out->params, "{\"nlist\":%llu}", lists);
}

int milvus_index_choose(const char *type, const char *params, const char *search, uint64_t rows,
                        bool rabitq, struct milvus_index *out, struct eye_err *err)
{
    *out = (struct milvus_index){.params = "{}"};
    int rc = is_auto(type) ? 0 : copy_type(type, out->type, sizeof out->type, err);
    if (rc)
        return rc;
    if (is_auto(type))
        snprintf(out->type, sizeof out->type, "%s", by_size(rows, rabitq));
    if (params && *params)
        rc = copy_json(params, "milvus_index_params", out->params, sizeof out->params, err);
    else
        default_params(rows, out);
    return rc ? rc
              : copy_json(search, "milvus_search_params", out->search, sizeof out->search, err);
}

/* ---- is it the one? ---- */

struct compare {
    const struct json *there;
    bool differs;
};

/* As text, for servers give numbers as strings; of what they do not tell nothing is known. */
static int compare_param(void *ctx, const char *key, const struct json *v)
{
    struct compare *c = ctx;
    const struct json *there = json_get(c->there, key);
    if (!there)
        return 0;
    char a[64] = "", b[64] = "";
    const struct json *both[] = {v, there};
    char *texts[] = {a, b};
    for (size_t i = 0; i < 2; i++)
        if (json_is_number(both[i]))
            snprintf(texts[i], sizeof a, "%.9g", json_num(both[i], 0));
        else
            snprintf(texts[i], sizeof a, "%s", json_str(both[i], ""));
    c->differs = c->differs || strcmp(a, b) != 0;
    return 0;
}

bool milvus_index_differs(const struct milvus_index *there, const struct milvus_index *wanted,
                          bool chosen, uint64_t rows)
{
    if (chosen && strcmp(there->type, "HNSW") == 0 && strcmp(wanted->type, "FLAT") == 0)
        return rows < FLAT_BELOW / 2;
    if (strcmp(there->type, wanted->type) != 0)
        return true;
    if (chosen) /* lists that were right for fewer rows are no reason */
        return false;
    struct json *a = json_parse(there->params, strlen(there->params), "", NULL);
    struct json *b = json_parse(wanted->params, strlen(wanted->params), "", NULL);
    struct compare c = {a, false};
    if (a && b)
        json_each(b, compare_param, &c);
    json_free(a);
    json_free(b);
    return c.differs;
}

/* ---- searches ---- */

static bool is_among(const char *type, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(type, *list) == 0)
            return true;
    return false;
}

bool milvus_index_exact_scores(const struct milvus_index *ix)
{
    static const char *const exact[] = {"FLAT",    "BRUTE_FORCE", "HNSW", "IVF_FLAT",
                                        "DISKANN", "SCANN",       "",     NULL};
    return is_among(ix->type, exact);
}

bool milvus_index_exhaustive(const struct milvus_index *ix)
{
    static const char *const all[] = {"FLAT", "BRUTE_FORCE", "", NULL};
    return is_among(ix->type, all);
}

struct params {
    struct json_writer w;
    int64_t ef, probes, list; /* at least; 0: no such parameter */
};

/* A setting, but never less than what a search of topk needs to be accepted. */
static int write_param(void *ctx, const char *key, const struct json *v)
{
    struct params *p = ctx;
    int64_t *least = strcmp(key, "ef") == 0            ? &p->ef
                     : strcmp(key, "nprobe") == 0      ? &p->probes
                     : strcmp(key, "search_list") == 0 ? &p->list
                                                       : NULL;
    jw_key(&p->w, key);
    if (least == &p->probes) {
        jw_int(&p->w, json_int(v, p->probes));
    } else if (least) {
        int64_t set = json_int(v, 0);
        jw_int(&p->w, set > *least ? set : *least);
    } else if (json_is_number(v)) {
        jw_num(&p->w, json_num(v, 0), 17);
    } else {
        jw_str(&p->w, json_str(v, ""));
    }
    if (least)
        *least = 0;
    return 0;
}

static void limits_for(const struct milvus_index *ix, size_t topk, enum milvus_effort effort,
                       bool set, struct params *p)
{
    static const int64_t times[] = {2, 8, 8}, leasts[] = {400, 800, 1024};
    bool thorough = effort == MILVUS_THOROUGH;
    int64_t k = (int64_t)topk, wide = times[effort] * k;
    bool hnsw = strncmp(ix->type, "HNSW", 4) == 0;
    if (hnsw || strcmp(ix->type, "DISKANN") == 0) {
        int64_t least = leasts[effort];
        int64_t n = set ? k : wide > least ? wide : least;
        n = n > EF_MAX ? EF_MAX : n;
        *(hnsw ? &p->ef : &p->list) = n < k ? k : n;
    }
    if (strncmp(ix->type, "IVF_", 4) == 0 || strcmp(ix->type, "SCANN") == 0) {
        struct json *made = json_parse(ix->params, strlen(ix->params), "", NULL);
        int64_t lists =
            json_get_int(made, "nlist", strtoll(json_get_str(made, "nlist", "128"), NULL, 10));
        json_free(made);
        p->probes = thorough ? lists : lists / 8 > 16 ? lists / 8 : lists < 16 ? lists : 16;
    }
}

int milvus_index_search(const struct milvus_index *ix, size_t topk, enum milvus_effort effort,
                        struct buf *out, struct eye_err *err)
{
    struct params p = {.ef = 0};
    struct json *set = json_parse(ix->search, strlen(ix->search), "", NULL);
    buf_clear(out);
    jw_init(&p.w, out);
    limits_for(ix, topk, effort, json_size(set) > 0 && effort != MILVUS_THOROUGH, &p);
    jw_object(&p.w);
    if (set)
        json_each(set, write_param, &p);
    const struct {
        const char *key;
        int64_t value;
    } rest[] = {{"ef", p.ef}, {"nprobe", p.probes}, {"search_list", p.list}};
    for (size_t i = 0; i < 3; i++)
        if (rest[i].value) {
            jw_key(&p.w, rest[i].key);
            jw_int(&p.w, rest[i].value);
        }
    jw_object_end(&p.w);
    json_free(set);
    return p.w.code ? eye_fail(err, p.w.code, "out of memory for a search") : 0;
}
