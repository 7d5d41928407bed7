/* cmd_search.c - `eyeshine search`: pictures by a query line, by a picture, or like one in the library. */
#include <spawn.h>
#include <sys/wait.h>

#include "base/json.h"
#include "cli/queries.h"
#include "cli/refine.h"
#include "cli/remote.h"

enum {
    O_LIMIT,
    O_IMAGE,
    O_LIKE,
    O_QUERIES,
    O_LITERAL,
    O_MIN,
    O_EXACT,
    O_JSON,
    O_NULL,
    O_OPEN,
    O_SERVER,
    O_KEY,
    O_REFINE, /* and on: R_... */
    O_COUNT = O_REFINE + R_COUNT
};

static const struct cli_opt opts[O_COUNT] = {
    [O_LIMIT] = {.name = "limit",
                 .letter = 'n',
                 .kind = CLI_INT,
                 .arg = "N",
                 .help = "how many results (default 10)",
                 .min = 1,
                 .max = 100000},
    [O_IMAGE] = {.name = "image",
                 .letter = 'i',
                 .kind = CLI_TEXT,
                 .arg = "FILE",
                 .help = "search by this picture; - reads it from stdin"},
    [O_LIKE] = {.name = "like",
                .kind = CLI_INT,
                .arg = "ID",
                .help = "search by the picture with this id of the library",
                .min = 1,
                .max = 9e15},
    [O_QUERIES] = {.name = "queries",
                   .kind = CLI_TEXT,
                   .arg = "FILE",
                   .help = "many queries, one a line; - reads stdin"},
    [O_LITERAL] = {.name = "literal",
                   .kind = CLI_FLAG,
                   .help = "take words as they are: no sign, quote or filter in them counts"},
    [O_MIN] = {.name = "min-score",
               .kind = CLI_NUM,
               .arg = "S",
               .help = "leave out results with a lower score (cosine, -1 to 1)",
               .min = -1,
               .max = 1},
    [O_EXACT] = {.name = "exact",
                 .kind = CLI_FLAG,
                 .help = "compare with every picture in full: slow with millions, and the truth"},
    [O_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "one JSON object a line"},
    [O_NULL] = {.name = "null",
                .letter = '0',
                .kind = CLI_FLAG,
                .help = "paths only, each ended by a NUL byte (for xargs -0)"},
    [O_OPEN] = {.name = "open",
                .letter = 'o',
                .kind = CLI_FLAG,
                .help = "open the first result in the desktop's viewer"},
    [O_SERVER] = {.name = "server",
                  .kind = CLI_SETTING,
                  .arg = "URL",
                  .help = "ask this server: http://HOST:PORT or unix:PATH",
                  .setting = SET_SERVER},
    [O_KEY] = {.name = "key-file",
               .kind = CLI_SETTING,
               .arg = "FILE",
               .help = "API key for --server (or $EYESHINE_KEY)",
               .setting = SET_KEY_FILE},
    [O_REFINE + R_MINUS] = {.name = "minus",
                            .kind = CLI_LIST,
                            .arg = "WORDS",
                            .help = "stay away from what these words say; may be repeated"},
    [O_REFINE + R_MINUS_LIKE] = {.name = "minus-like",
                                 .kind = CLI_INT,
                                 .arg = "ID",
                                 .help = "stay away from what this picture shows",
                                 .min = 1,
                                 .max = 9e15},
    [O_REFINE +
        R_PATH] = {.name = "path",
                   .kind = CLI_TEXT,
                   .arg = "GLOB",
                   .help =
                       "only files of this path, * crosses slashes; without * ? [ a part of it"},
    [O_REFINE + R_FORMAT] = {.name = "format",
                             .kind = CLI_TEXT,
                             .arg = "NAME",
                             .help = "only jpeg, png, webp, gif, tiff, bmp, heic or avif"},
    [O_REFINE + R_NAME] = {.name = "name",
                           .kind = CLI_TEXT,
                           .arg = "WORDS",
                           .help = "only files with all these words in their own name"},
    [O_REFINE + R_CAMERA] = {.name = "camera",
                             .kind = CLI_TEXT,
                             .arg = "NAME",
                             .help = "only pictures of a camera with this in its name"},
    [O_REFINE + R_TAKEN_FROM] =
        {.name = "taken-from",
         .kind = CLI_TEXT,
         .arg = "DATE",
         .help = "only pictures taken on this day (2024-05-31, 2024-05, 2024) or later"},
    [O_REFINE + R_TAKEN_TO] = {.name = "taken-to",
                               .kind = CLI_TEXT,
                               .arg = "DATE",
                               .help = "only pictures taken before this day"},
    [O_REFINE + R_ADDED_FROM] = {.name = "added-from",
                                 .kind = CLI_TEXT,
                                 .arg = "DATE",
                                 .help = "only pictures indexed on this day or later"},
    [O_REFINE + R_ADDED_TO] = {.name = "added-to",
                               .kind = CLI_TEXT,
                               .arg = "DATE",
                               .help = "only pictures indexed before this day"},
    [O_REFINE + R_MODIFIED_FROM] = {.name = "modified-from",
                                    .kind = CLI_TEXT,
                                    .arg = "DATE",
                                    .help = "only pictures with a file dated this day or later"},
    [O_REFINE + R_MODIFIED_TO] = {.name = "modified-to",
                                  .kind = CLI_TEXT,
                                  .arg = "DATE",
                                  .help = "only pictures with a file dated before this day"},
    [O_REFINE + R_MIN_WIDTH] = {.name = "min-width",
                                .kind = CLI_INT,
                                .arg = "N",
                                .help = "only pictures at least so many pixels wide",
                                .min = 1,
                                .max = 1000000},
    [O_REFINE + R_MIN_HEIGHT] = {.name = "min-height",
                                 .kind = CLI_INT,
                                 .arg = "N",
                                 .help = "only pictures at least so many pixels high",
                                 .min = 1,
                                 .max = 1000000},
    [O_REFINE + R_MAX_WIDTH] = {.name = "max-width",
                                .kind = CLI_INT,
                                .arg = "N",
                                .help = "only pictures at most so many pixels wide",
                                .min = 1,
                                .max = 1000000},
    [O_REFINE + R_MAX_HEIGHT] = {.name = "max-height",
                                 .kind = CLI_INT,
                                 .arg = "N",
                                 .help = "only pictures at most so many pixels high",
                                 .min = 1,
                                 .max = 1000000},
    [O_REFINE + R_MIN_MEGAPIXELS] = {.name = "min-megapixels",
                                     .kind = CLI_NUM,
                                     .arg = "N",
                                     .help = "only pictures of at least so many million pixels",
                                     .min = 1e-6,
                                     .max = 1e6},
    [O_REFINE + R_MAX_MEGAPIXELS] = {.name = "max-megapixels",
                                     .kind = CLI_NUM,
                                     .arg = "N",
                                     .help = "only pictures of at most so many million pixels",
                                     .min = 1e-6,
                                     .max = 1e6},
    [O_REFINE + R_ORIENTATION] = {.name = "orientation",
                                  .kind = CLI_TEXT,
                                  .arg = "WORD",
                                  .help = "only landscape, portrait or square pictures"},
    [O_REFINE + R_GPS] = {.name = "gps",
                          .kind = CLI_TEXT,
                          .arg = "WORD",
                          .help = "only pictures with (yes) or without (no) a place"},
    [O_REFINE +
        R_BOX] = {.name = "box",
                  .kind = CLI_TEXT,
                  .arg = "S,W,N,E",
                  .help = "only pictures taken in this box: south, west, north, east in degrees"},
};

struct search_args {
    int64_t limit, like;
    const char *image, *queries;
    bool literal, exact, json, null, open;
    double min_score;
    struct refine refine;
};

static int put_result_json(struct buf *line, const eye_result *r, bool many)
{
    struct json_writer w;
    jw_init(&w, line);
    jw_object(&w);
    if (many)
        jw_kint(&w, "query_index", (int64_t)r->query);
    jw_knum(&w, "score", (double)r->score, 6);
    jw_knum(&w, "similarity", (double)r->similarity, 4);
    jw_kbool(&w, "relevant", r->relevant);
    cli_json_path(&w, r->path);
    jw_kint(&w, "id", r->id);
    jw_kint(&w, "width", r->width);
    jw_kint(&w, "height", r->height);
    jw_kstr(&w, "format", r->format);
    jw_kint(&w, "size", (int64_t)r->size);
    cli_json_time(&w, "taken_at", r->taken_at);
    cli_json_time(&w, "added_at", r->added_at);
    jw_kstr(&w, "hash", r->hash);
    jw_kint(&w, "copies", (int64_t)r->paths);
    jw_kbool(&w, "offline", r->offline);
    jw_object_end(&w);
    return cli_put_json(line);
}

/* "  87 %  0.312  /path/of/picture.jpg", the path alone where only filters were asked; results that are probably not meant are drawn dim on a terminal. */
static void put_result_text(const eye_result *r, bool tty, bool ranked)
{
    bool dim = tty && ranked && !r->relevant;
    if (ranked)
        printf("%s%3.0f %%  %.3f  ", dim ? "\033[2m" : "", 100.0 * (double)r->similarity,
               (double)r->score);
    cli_put_path(stdout, r->path);
    if (r->offline)
        fputs("  (offline)", stdout);
    if (r->paths > 1)
        printf("  (+%zu %s)", r->paths - 1, r->paths == 2 ? "copy" : "copies");
    puts(dim ? "\033[0m" : "");
}

/* Results one by one, as the flags say. */
struct printer {
    const struct search_args *a;
    const struct query_set *set;
    struct buf line, first; /* first: path of the first result */
    bool tty;
    bool ranked;  /* the query has a term, so that scores mean something */
    size_t query; /* of the result before */
};

static int put_result(void *ctx, const eye_result *r)
{
    struct printer *p = ctx;
    if (p->a->open && !p->first.len && buf_puts(&p->first, r->path, NULL) != 0)
        return CLI_FAILED;
    if (p->a->json)
        return put_result_json(&p->line, r, p->a->queries != NULL);
    if (p->a->null) {
        fwrite(r->path, 1, strlen(r->path) + 1, stdout);
        return 0;
    }
    if (p->a->queries && r->query != p->query)
        printf("%s# %s\n", p->query == (size_t)-1 ? "" : "\n", p->set->items[r->query].text);
    p->query = r->query;
    put_result_text(r, p->tty, p->ranked);
    return 0;
}

static struct printer printer_for(const struct search_args *a, const struct query_set *set)
{
    struct printer p = {
        .a = a, .set = set, .tty = cli_tty(stdout), .ranked = true, .query = (size_t)-1};
    buf_init(&p.line, 1 << 20);
    buf_init(&p.first, 1 << 20);
    return p;
}

static void printer_release(struct printer *p)
{
    buf_release(&p->line);
    buf_release(&p->first);
}

static void open_first(char *path)
{
    extern char **environ;
    char program[] = "xdg-open";
    char *argv[] = {program, path, NULL};
    pid_t pid = 0;
    int status = 0;
    if (posix_spawnp(&pid, program, NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) < 0 || status != 0)
        cli_say("xdg-open could not open the picture (Debian package xdg-utils)");
}

/* Queries from `first` that are one term each, up to the first that is more, in one pass. *done: how many. */
static int search_plain(eye_lib *lib, const struct search_args *a, size_t first, struct printer *p,
                        size_t *done, uint64_t *found)
{
    const struct query *items = p->set->items + first;
    struct eye_err err = {0};
    eye_search_options o = {
        .limit = (size_t)a->limit, .min_score = (float)a->min_score, .exact = a->exact};
    eye_results *results = NULL;
    size_t n = 1; /* the first is one */
    while (first + n < p->set->n && !items[n].line)
        n++;
    eye_query *queries = calloc(n, sizeof *queries);
    if (!queries) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    for (size_t i = 0; i < n; i++)
        queries[i] = items[i].own;
    int code = eye_search(lib, queries, n, &o, &results, &err) == 0 ? 0 : cli_fail(&err);
    for (size_t i = 0; !code && i < eye_results_count(results); i++, ++*found) {
        eye_result one = *eye_results_at(results, i);
        one.query += first;
        code = put_result(p, &one);
    }
    eye_results_free(results);
    free(queries);
    *done = n;
    return code;
}

/* What a query asks, together with the options beside it. */
static int ask(const struct search_args *a, size_t i, struct printer *p, struct asked *out,
               struct refine_ask *ask)
{
    int code = query_ask(p->set, i, out);
    bool higher = (double)out->min_score > a->min_score;
    p->ranked = out->nterms || a->refine.minus.n || a->refine.minus_like;
    *ask = (struct refine_ask){.refine = &a->refine,
                               .query = i,
                               .terms = out->terms,
                               .nterms = out->nterms,
                               .where = out->where,
                               .limit = (size_t)a->limit,
                               .min_score = higher ? out->min_score : (float)a->min_score,
                               .exact = a->exact};
    return code;
}

static int search_all(eye_lib *lib, const struct search_args *a, struct printer *p, uint64_t *found)
{
    int code = 0;
    for (size_t i = 0, done = 1; i < p->set->n && !code; i += done) {
        struct asked asked = {0};
        struct refine_ask one;
        done = 1;
        if (!a->refine.any && !p->set->items[i].line) {
            p->ranked = true;
            code = search_plain(lib, a, i, p, &done, found);
            continue;
        }
        code = ask(a, i, p, &asked, &one);
        code = code ? code : refine_find(lib, &one, put_result, p, found);
        query_asked(&asked);
    }
    return code;
}

static int search(struct cli_ctx *ctx, const struct search_args *a, const struct query_set *set)
{
    uint64_t found = 0;
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    struct printer p = printer_for(a, set);
    int code = search_all(lib, a, &p, &found);
    if (!code && found == 0) {
        eye_status st;
        bool empty = eye_status_get(lib, &st, NULL) == 0 && st.pictures == 0;
        if (!ctx->quiet)
            cli_say(empty ? "the library is empty; 'eyeshine index FOLDER' fills it"
                          : "nothing found");
        code = CLI_PARTLY;
    } else if (!code && a->open) {
        open_first(p.first.data);
    }
    printer_release(&p);
    eye_close(lib);
    return code;
}

/* The same from a server that runs. */
static int search_there(struct cli_ctx *ctx, const struct search_args *a,
                        const struct query_set *set)
{
    struct remote r;
    uint64_t found = 0;
    int code = remote_open(ctx, &r);
    if (code)
        return code;
    struct printer p = printer_for(a, set);
    for (size_t i = 0; i < set->n && !code; i++) {
        struct asked asked = {0};
        struct refine_ask one;
        code = ask(a, i, &p, &asked, &one);
        one.min_score = (float)a->min_score; /* the line has its own */
        code = code ? code : remote_search(&r, &one, asked.filters, put_result, &p, &found);
        query_asked(&asked);
    }
    if (!code && found == 0) {
        if (!ctx->quiet)
            cli_say("nothing found");
        code = CLI_PARTLY;
    }
    printer_release(&p);
    remote_close(&r);
    return code;
}

static int run_search(struct cli_ctx *ctx, int argc, char **argv)
{
    struct search_args a = {.limit = 10, .min_score = -2};
    struct cli_list words = {0};
    struct query_set set;
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_LIMIT].value = &a.limit;
    bound[O_IMAGE].value = &a.image;
    bound[O_LIKE].value = &a.like;
    bound[O_QUERIES].value = &a.queries;
    bound[O_LITERAL].value = &a.literal;
    bound[O_MIN].value = &a.min_score;
    bound[O_EXACT].value = &a.exact;
    bound[O_JSON].value = &a.json;
    bound[O_NULL].value = &a.null;
    bound[O_OPEN].value = &a.open;
    refine_bind(&a.refine, bound + O_REFINE);
    query_set_init(&set);

    int code = cli_parse(ctx, &cmd_search, argc, argv, bound, O_COUNT, &words);
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = refine_make(&a.refine);
    const struct query_args q = {&words, a.image, a.queries, a.like, a.literal};
    if (!code)
        code = query_set_read(ctx, &q, &set);
    bool there = ctx->settings.all[SET_SERVER].value != NULL;
    if (!code && there && a.open) {
        cli_say("--open shows files of this machine, and --server finds those of another");
        code = CLI_USAGE;
    }
    if (!code)
        code = there ? search_there(ctx, &a, &set) : search(ctx, &a, &set);
    query_set_release(&set);
    refine_release(&a.refine);
    cli_list_free(&words);
    return code;
}

const struct cli_command cmd_search = {
    .name = "search",
    .args = "WORDS... | --image FILE | --like ID | --queries FILE",
    .summary = "Find pictures by words, by a picture, or like one of the library",
    .hint = "less of something is written with a blank, or after --: search beach - people",
    .text =
        "WORDS are a query line: words as you would say them, and what they may be mixed with.\n\n"
        "  two dogs + snow - people          more and less; each part weighs 1, 2:snow weighs 2\n"
        "  \"black + white\"                  quoted: words as they are\n"
        "  @me.jpg beach   #17 - car         a file's picture, and one of the library by its id\n"
        "  cat format:png width>2000         filters; also path: name: root: camera: taken: "
        "after:\n"
        "  cat (camera:fuji or after:2023)   before: modified: added: height mp orientation: "
        "has:gps\n"
        "  cat -path:*tmp* score>0.2         box: score; joined by and, or, not, parentheses\n\n"
        "The shell takes quotes, parentheses, <, >, * and # for itself: put the line into single "
        "quotes, as in\n"
        "eyeshine search '\"black & white\" (format:png or width>2000)'. docs/QUERY.md is the "
        "manual "
        "of the language.\n\n"
        "Prints similarity (0-100 %, 50 % is a fair match), score (cosine of the two "
        "embeddings) and path, best first; on a\n"
        "terminal, results below the model's relevance line are drawn dim. A line of filters alone "
        "shows what passes, newest\n"
        "first. With --queries, each line is a query line, those of plain words are answered in "
        "one "
        "pass, and each JSON result\n"
        "carries query_index, the line's number from 0. All options and the line may be "
        "combined, and all must hold;\n"
        "scores are then cosines with the mix of the terms.",
    .run = run_search,
    .opts = opts,
    .nopts = O_COUNT,
};
