/* queries.c - the queries of `search`: read, and each line checked before the first is searched.
 *
 * A line is read twice, for its errors and when its turn comes: kept, a million of them would take gigabytes. Most are plain
 * words, which are all that is kept of them, and are then searched many in one pass. */
#include "cli/queries.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { QUERIES_MAX = 64 << 20 };

void query_set_init(struct query_set *set)
{
    *set = (struct query_set){.fd = -1, .now = (int64_t)time(NULL)};
    buf_init(&set->text, QUERIES_MAX);
}

void query_set_release(struct query_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->items[i].words);
    free(set->items);
    if (set->fd >= 0)
        close(set->fd);
    buf_release(&set->text);
}

static int no_memory(void)
{
    cli_say("out of memory");
    return CLI_FAILED;
}

static int add_items(struct query_set *set, size_t n)
{
    set->items = calloc(n ? n : 1, sizeof *set->items);
    set->n = set->items ? n : 0;
    for (size_t i = 0; i < set->n; i++)
        set->items[i].own = (eye_query)EYE_QUERY_INIT;
    return set->items ? 0 : no_memory();
}

/* ---- pictures and files ---- */

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

/* ---- lines ---- */

/* Where a line comes from, for messages. */
struct origin {
    const char *file; /* NULL: the command line */
    size_t number;
};

/* What is wrong, and where in the line. */
static int refuse(const struct origin *from, const char *line, eye_span where,
                  const struct eye_err *err)
{
    if (err->code != EYE_EINVAL && err->code != EYE_ELIMIT)
        return cli_fail(err);
    if (from->file)
        cli_say("%s, line %zu: %s", from->file, from->number, err->msg);
    else
        cli_say("%s", err->msg);
    cli_put_caret(stderr, line, where);
    return CLI_USAGE;
}

/* Files that the line names are there to be read. */
static int check_files(const struct origin *from, const char *line, const eye_ask *ask)
{
    size_t n = 0;
    const eye_term *terms = eye_ask_terms(ask, &n);
    for (size_t i = 0; i < n; i++) {
        const char *path = terms[i].query.image_path;
        struct stat st;
        struct eye_err err = {0};
        if (!path)
            continue;
        if (stat(path, &st) != 0)
            eye_fail(&err, EYE_EINVAL,
                     "%s: cannot open: %s; a name with blanks needs quotes, like @\"my dog.jpg\", "
                     "and so do words that begin with @: \"@%s\"",
                     path, strerror(errno), path);
        else if (!S_ISREG(st.st_mode))
            eye_fail(&err, EYE_EINVAL, "%s is no file: %s", path,
                     S_ISDIR(st.st_mode) ? "it is a folder"
                                         : "a picture from a pipe is given by --image");
        if (err.code)
            return refuse(from, line, eye_ask_term_spans(ask)[i], &err);
    }
    return 0;
}

/* Is the line no more than words, or nothing at all? Then they are all that is kept. */
static bool is_plain(const eye_ask *ask, const char **words)
{
    size_t n = 0;
    const eye_term *t = eye_ask_terms(ask, &n);
    bool filters = eye_ask_where(ask) || eye_ask_min_score(ask) > -2;
    *words = n ? t->query.words : "";
    return !filters && (n == 0 || (n == 1 && *words && t->weight >= 1 && t->weight <= 1));
}

static int read_line(const struct origin *from, int64_t now, struct query *q)
{
    eye_span where;
    struct eye_err err = {0};
    const char *words = NULL;
    eye_ask *ask = eye_ask_parse(q->text, now, &where, &err);
    if (!ask)
        return refuse(from, q->text, where, &err);
    int code = check_files(from, q->text, ask);
    q->line = !is_plain(ask, &words);
    if (!code && !q->line && strcmp(words, q->text) != 0) {
        q->words = strdup(words);
        code = q->words ? 0 : no_memory();
    }
    q->own.words = q->words ? q->words : q->text;
    eye_ask_free(ask);
    return code;
}

/* The lines of `text`, newlines made NULs; "\r\n" is fine, a last line without newline too. Empty lines stay queries
 * (query_index is the line's number, from 0) and find what an empty text finds. */
static int split(struct query_set *set)
{
    char *text = set->text.data;
    size_t lines = 0, i = 0;
    for (size_t k = 0; k < set->text.len; k++)
        lines += text[k] == '\n' || (k + 1 == set->text.len);
    int code = add_items(set, lines);
    for (char *line = text; !code && i < lines; i++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[len - 1] = '\0';
        set->items[i].text = set->items[i].own.words = line;
        line = end ? end + 1 : line + len;
    }
    return code;
}

static int read_file(const struct query_args *a, struct query_set *set)
{
    int code = slurp(a->file, &set->text);
    if (!code && set->text.len && memchr(set->text.data, 0, set->text.len)) {
        cli_say("%s: has a NUL byte; queries are lines of text", a->file);
        code = CLI_USAGE;
    }
    if (!code && set->text.len == 0) {
        cli_say("%s: no query in it", a->file);
        code = CLI_USAGE;
    }
    code = code ? code : split(set);
    for (size_t i = 0; i < set->n && !code && !a->literal; i++) {
        const struct origin from = {strcmp(a->file, "-") == 0 ? "standard input" : a->file, i + 1};
        code = read_line(&from, set->now, &set->items[i]);
    }
    return code;
}

static int read_words(const struct query_args *a, struct query_set *set)
{
    static const struct origin from = {NULL, 0};
    struct query *q = &set->items[0];
    for (size_t i = 0; i < a->words->n; i++)
        if ((i && buf_putc(&set->text, ' ', NULL) != 0) ||
            buf_puts(&set->text, a->words->items[i], NULL) != 0) {
            cli_say("the query is too long");
            return CLI_USAGE;
        }
    q->text = q->own.words = set->text.data;
    return a->literal ? 0 : read_line(&from, set->now, q);
}

int query_set_read(const struct cli_ctx *ctx, const struct query_args *a, struct query_set *set)
{
    int kinds = (a->words->n > 0) + (a->image != NULL) + (a->like > 0) + (a->file != NULL);
    if (kinds != 1) {
        cli_say(kinds ? "give words, or --image, or --like, or --queries: one of them; a line of "
                        "words can hold pictures too: @FILE, #ID"
                      : "what to search? Give words, like: eyeshine search two dogs in the snow");
        return CLI_USAGE;
    }
    if (a->file)
        return read_file(a, set);
    int code = add_items(set, 1);
    if (code)
        return code;
    if (a->words->n)
        return read_words(a, set);
    set->items[0].own.like = a->like;
    if (a->image && is_stream(a->image)) {
        code = spool(ctx, a->image, &set->fd);
        set->items[0].own.image_fd = set->fd;
        return code;
    }
    set->items[0].own.image_path = a->image;
    return 0;
}

/* ---- in turn ---- */

int query_ask(const struct query_set *set, size_t i, struct asked *out)
{
    const struct query *q = &set->items[i];
    struct eye_err err = {0};
    *out = (struct asked){.own = {q->own, 1}, .nterms = 1, .filters = "", .min_score = -2};
    out->terms = &out->own;
    if (!q->line)
        return 0;
    out->ask = eye_ask_parse(q->text, set->now, NULL, &err);
    if (!out->ask)
        return cli_fail(&err);
    out->terms = eye_ask_terms(out->ask, &out->nterms);
    out->where = eye_ask_where(out->ask);
    out->filters = eye_ask_where_text(out->ask);
    out->min_score = eye_ask_min_score(out->ask);
    return 0;
}

void query_asked(struct asked *a)
{
    eye_ask_free(a->ask);
    a->ask = NULL;
}
