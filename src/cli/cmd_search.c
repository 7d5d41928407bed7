/* cmd_search.c - `eyeshine search`: pictures by words, by a picture, or like one in the library. */
#include <errno.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/refine.h"
#include "cli/remote.h"

enum {
    O_LIMIT,
    O_IMAGE,
    O_LIKE,
    O_QUERIES,
    O_LITERAL,
    O_MIN,
    O_JSON,
    O_NULL,
    O_OPEN,
    O_SERVER,
    O_KEY,
    O_REFINE, /* and on: R_... */
    O_COUNT = O_REFINE + R_COUNT
};
enum { QUERIES_MAX = 64 << 20 };

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
                   .help = "take the words exactly as they are"},
    [O_MIN] = {.name = "min-score",
               .kind = CLI_NUM,
               .arg = "S",
               .help = "leave out results with a lower score (cosine, -1 to 1)",
               .min = -1,
               .max = 1},
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
    bool literal, json, null, open;
    double min_score;
    struct refine refine;
};

/* The queries of one call and what they borrow. */
struct query_set {
    eye_query *items;
    size_t n;
    struct buf text; /* words, or the lines of --queries with NULs for newlines */
    int fd;          /* picture from a pipe */
};

static int join_words(const struct cli_list *words, struct buf *out)
{
    for (size_t i = 0; i < words->n; i++)
        if ((i && buf_putc(out, ' ', NULL) != 0) || buf_puts(out, words->items[i], NULL) != 0) {
            cli_say("the query is too long");
            return CLI_USAGE;
        }
    return 0;
}

/* All of a file or pipe ("-": stdin) to `out`. */
static int slurp(const char *file, struct buf *out)
{
    char block[65536];
    size_t n = 0;
    int code = 0;
    bool is_stdin = strcmp(file, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(file, "re");
    if (!f) {
        cli_say("%s: cannot open: %s", file, strerror(errno));
        return CLI_FAILED;
    }
    while (!code && (n = fread(block, 1, sizeof block, f)) > 0)
        if (buf_append(out, block, n, NULL) != 0) {
            cli_say("%s: more than %zu bytes", is_stdin ? "standard input" : file, out->max);
            code = CLI_FAILED;
        }
    if (!code && ferror(f)) {
        cli_say("%s: cannot read: %s", is_stdin ? "standard input" : file, strerror(errno));
        code = CLI_FAILED;
    }
    if (!is_stdin)
        fclose(f);
    return code;
}

/* "-", or something that can be read only once, like the shell's <(command). */
static bool is_stream(const char *file)
{
    struct stat st;
    return strcmp(file, "-") == 0 || (stat(file, &st) == 0 && S_ISFIFO(st.st_mode));
}

/* The picture on a pipe into an anonymous file, since the decoder is handed files. */
static int spool(const struct cli_ctx *ctx, const char *file, int *fd)
{
    struct buf bytes;
    uint64_t max = ctx->options.max_file_bytes ? ctx->options.max_file_bytes : UINT64_C(512) << 20;
    buf_init(&bytes, (size_t)max);
    int code = slurp(file, &bytes);
    *fd = code ? -1 : memfd_create("eyeshine-picture", MFD_CLOEXEC);
    for (size_t at = 0; *fd >= 0 && at < bytes.len;) {
        ssize_t n = write(*fd, bytes.data + at, bytes.len - at);
        if (n < 0) {
            close(*fd);
            *fd = -1;
        } else {
            at += (size_t)n;
        }
    }
    if (!code && *fd < 0) {
        cli_say("the picture could not be kept in memory: %s", strerror(errno));
        code = CLI_FAILED;
    }
    buf_release(&bytes);
    return code;
}

/* One query a line of --queries; "\r\n" is fine, a last line without newline too. Empty lines stay queries
 * (query_index is the line's number, from 0) and find what an empty text finds. */
static int split_queries(struct query_set *set)
{
    char *text = set->text.data;
    size_t lines = 0;
    for (size_t i = 0; i < set->text.len; i++)
        lines += text[i] == '\n' || (i + 1 == set->text.len);
    set->items = calloc(lines ? lines : 1, sizeof *set->items);
    if (!set->items) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    for (char *line = text; set->n < lines;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[len - 1] = '\0';
        set->items[set->n++] = (eye_query){.words = line, .image_fd = -1};
        line = end ? end + 1 : line + len;
    }
    return 0;
}

static int read_queries(const char *file, struct query_set *set)
{
    int code = slurp(file, &set->text);
    if (!code && set->text.len && memchr(set->text.data, 0, set->text.len)) {
        cli_say("%s: has a NUL byte; queries are lines of text", file);
        code = CLI_USAGE;
    }
    if (!code && set->text.len == 0) {
        cli_say("%s: no query in it", file);
        code = CLI_USAGE;
    }
    return code ? code : split_queries(set);
}

static int make_queries(struct cli_ctx *ctx, const struct search_args *a,
                        const struct cli_list *words, struct query_set *set)
{
    int kinds = (words->n > 0) + (a->image != NULL) + (a->like > 0) + (a->queries != NULL);
    if (kinds != 1) {
        cli_say(kinds ? "give words, or --image, or --like, or --queries: one of them"
                      : "what to search? Give words, like: eyeshine search two dogs in the snow");
        return CLI_USAGE;
    }
    if (a->queries)
        return read_queries(a->queries, set);
    set->items = calloc(1, sizeof *set->items);
    if (!set->items) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    set->n = 1;
    set->items[0] = (eye_query)EYE_QUERY_INIT;
    set->items[0].like = a->like;
    if (a->image && is_stream(a->image)) {
        int code = spool(ctx, a->image, &set->fd);
        set->items[0].image_fd = set->fd;
        return code;
    }
    set->items[0].image_path = a->image;
    if (words->n == 0)
        return 0;
    int code = join_words(words, &set->text);
    set->items[0].words = set->text.data;
    return code;
}

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

/* "  87 %  0.312  /path/of/picture.jpg"; results that are probably not meant are drawn dim on a terminal. */
static void put_result_text(const eye_result *r, bool tty)
{
    bool dim = tty && !r->relevant;
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
        printf("%s# %s\n", p->query == (size_t)-1 ? "" : "\n", p->set->items[r->query].words);
    p->query = r->query;
    put_result_text(r, p->tty);
    return 0;
}

static struct printer printer_for(const struct search_args *a, const struct query_set *set)
{
    struct printer p = {.a = a, .set = set, .tty = cli_tty(stdout), .query = (size_t)-1};
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

/* All queries in one pass. */
static int search_plain(eye_lib *lib, const struct search_args *a, const struct query_set *set,
                        struct printer *p, uint64_t *found)
{
    struct eye_err err = {0};
    eye_search_options o = {.limit = (size_t)a->limit, .min_score = (float)a->min_score};
    eye_results *results = NULL;
    int code = eye_search(lib, set->items, set->n, &o, &results, &err) == 0 ? 0 : cli_fail(&err);
    for (size_t i = 0; !code && i < eye_results_count(results); i++, ++*found)
        code = put_result(p, eye_results_at(results, i));
    eye_results_free(results);
    return code;
}

static int search(struct cli_ctx *ctx, const struct search_args *a, const struct query_set *set)
{
    uint64_t found = 0;
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    struct printer p = printer_for(a, set);
    int code = a->refine.any ? refine_find(lib, &a->refine, set->items, set->n, (size_t)a->limit,
                                           (float)a->min_score, put_result, &p, &found)
                             : search_plain(lib, a, set, &p, &found);
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
    struct printer p = printer_for(a, set);
    char image[64];
    uint64_t found = 0;
    struct remote_query *queries = calloc(set->n, sizeof *queries);
    int code = queries ? remote_open(ctx, &r) : CLI_FAILED;
    if (code) {
        free(queries);
        return code;
    }
    for (size_t i = 0; i < set->n; i++)
        queries[i] = (struct remote_query){set->items[i].words, set->items[i].image_path,
                                           set->items[i].like};
    if (set->fd >= 0) {
        snprintf(image, sizeof image, "/proc/self/fd/%d", set->fd);
        queries[0].image = image;
    }
    code = remote_search(&r, queries, set->n, &a->refine, a->limit, a->min_score, put_result, &p,
                         &found);
    if (!code && found == 0) {
        if (!ctx->quiet)
            cli_say("nothing found");
        code = CLI_PARTLY;
    }
    printer_release(&p);
    free(queries);
    remote_close(&r);
    return code;
}

static int run_search(struct cli_ctx *ctx, int argc, char **argv)
{
    struct search_args a = {.limit = 10, .min_score = -2};
    struct cli_list words = {0};
    struct query_set set = {.fd = -1};
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_LIMIT].value = &a.limit;
    bound[O_IMAGE].value = &a.image;
    bound[O_LIKE].value = &a.like;
    bound[O_QUERIES].value = &a.queries;
    bound[O_LITERAL].value = &a.literal;
    bound[O_MIN].value = &a.min_score;
    bound[O_JSON].value = &a.json;
    bound[O_NULL].value = &a.null;
    bound[O_OPEN].value = &a.open;
    refine_bind(&a.refine, bound + O_REFINE);
    buf_init(&set.text, QUERIES_MAX);

    int code = cli_parse(ctx, &cmd_search, argc, argv, bound, O_COUNT, &words);
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = refine_make(&a.refine);
    if (!code)
        code = make_queries(ctx, &a, &words, &set);
    bool there = ctx->settings.all[SET_SERVER].value != NULL;
    if (!code && there && a.open) {
        cli_say("--open shows files of this machine, and --server finds those of another");
        code = CLI_USAGE;
    }
    if (!code)
        code = there ? search_there(ctx, &a, &set) : search(ctx, &a, &set);
    if (set.fd >= 0)
        close(set.fd);
    free(set.items);
    buf_release(&set.text);
    refine_release(&a.refine);
    cli_list_free(&words);
    return code;
}

const struct cli_command cmd_search = {
    .name = "search",
    .args = "WORDS... | --image FILE | --like ID | --queries FILE",
    .summary = "Find pictures by words, by a picture, or like one of the library",
    .text = "Prints similarity (0-100 %, 50 % is a fair match), score (cosine of the two "
            "embeddings) and path, best first; on a\n"
            "terminal, results below the model's relevance line are drawn dim. With --queries, all "
            "lines are answered in one\n"
            "pass, and each JSON result carries query_index, the line's number from 0.\n"
            "All of --minus and the filters may be combined; scores are then cosines with the mix "
            "of the terms.",
    .run = run_search,
    .opts = opts,
    .nopts = O_COUNT,
};
