/* cmd_library.c - `status`, `remove` and `verify`: looking after the library. */
#include <errno.h>

#include "base/json.h"
#include "cli/cli.h"

/* ---- status ---- */

static const struct cli_opt status_opts[] = {
    {.name = "json", .kind = CLI_FLAG, .help = "one JSON object"},
};

static int root_text(void *ctx, const eye_root *r)
{
    char when[32];
    (void)ctx;
    cli_human_date(r->last_scan, when);
    printf("  %-8s %7llu picture%s", r->offline ? "offline" : "online",
           (unsigned long long)r->files, r->files == 1 ? " " : "s");
    if (r->failures)
        printf(", %llu failed", (unsigned long long)r->failures);
    printf(", scanned %s  ", when);
    cli_put_path(stdout, r->path);
    putchar('\n');
    return 0;
}

static int root_json(void *ctx, const eye_root *r)
{
    struct json_writer *w = ctx;
    jw_object(w);
    cli_json_path(w, r->path);
    jw_kbool(w, "offline", r->offline);
    jw_kint(w, "files", (int64_t)r->files);
    jw_kint(w, "failures", (int64_t)r->failures);
    cli_json_time(w, "last_scan", r->last_scan);
    jw_object_end(w);
    return 0;
}

static void originals_json(struct json_writer *w, eye_lib *lib)
{
    eye_originals o;
    if (eye_originals_get(lib, &o, NULL) != 0 || !o.place)
        return;
    jw_key(w, "originals");
    jw_object(w);
    jw_kstr(w, "place", o.place);
    jw_kbool(w, "reachable", o.reachable);
    jw_kstr(w, "trouble", o.reachable ? NULL : o.trouble);
    jw_object_end(w);
}

static void originals_text(eye_lib *lib)
{
    eye_originals o;
    if (eye_originals_get(lib, &o, NULL) != 0 || !o.place)
        return;
    fputs("originals ", stdout);
    cli_put_path(stdout, o.place);
    printf("%s%s\n", o.reachable ? "" : " cannot be reached: ", o.trouble);
}

/* null: the library lies in its folder. */
static void put_server(struct json_writer *w, const eye_remote *r)
{
    jw_key(w, "store");
    if (!r->name) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kstr(w, "name", r->name);
    jw_kbool(w, "reachable", r->reachable);
    jw_kstr(w, "version", r->reachable ? r->version : NULL);
    jw_kbool(w, "loaded", r->loaded);
    jw_kstr(w, "state", r->reachable ? r->state : NULL);
    jw_kstr(w, "index", r->index[0] ? r->index : NULL);
    jw_kint(w, "rows", (int64_t)r->rows);
    jw_kint(w, "indexed", (int64_t)r->indexed);
    jw_object_end(w);
}

static void server_text(const eye_remote *r)
{
    if (!r->name)
        return;
    printf("store     %s", r->name);
    if (!r->reachable)
        printf(": %s\n", r->trouble);
    else if (!r->there)
        printf(" (Milvus %s): no such collection yet\n", r->version);
    else
        printf(" (Milvus %s, %s, index %s)\n", r->version, r->state,
               r->index[0] ? r->index : "none");
}

static int status_json(eye_lib *lib, const eye_status *st, const eye_remote *r, struct eye_err *err)
{
    struct buf b;
    struct json_writer w;
    buf_init(&b, 64 << 20);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "library", st->library);
    put_server(&w, r);
    jw_kstr(&w, "model", st->model);
    jw_kint(&w, "dim", st->dim);
    jw_kint(&w, "pictures", (int64_t)st->pictures);
    jw_kint(&w, "embedded", (int64_t)st->embedded);
    jw_kint(&w, "files", (int64_t)st->files);
    jw_kint(&w, "failures", (int64_t)st->failures);
    jw_kint(&w, "bytes", (int64_t)st->bytes);
    jw_key(&w, "index");
    jw_object(&w);
    jw_kint(&w, "segments", (int64_t)st->index_segments);
    jw_kint(&w, "rows", (int64_t)st->index_rows);
    jw_kint(&w, "bytes", (int64_t)st->index_bytes);
    jw_object_end(&w);
    originals_json(&w, lib);
    jw_key(&w, "roots");
    jw_array(&w);
    int code = eye_roots(lib, root_json, &w, err);
    jw_array_end(&w);
    jw_object_end(&w);
    if (code)
        code = cli_fail(err);
    else
        code = cli_put_json(&b);
    buf_release(&b);
    return code;
}

static int status_text(eye_lib *lib, const eye_status *st, const eye_remote *r, struct eye_err *err)
{
    char bytes[24], text[48];
    cli_human_bytes(st->bytes, bytes);
    server_text(r);
    fputs(r->name ? "node      " : "library   ", stdout);
    cli_put_path(stdout, st->library);
    if (!r->name)
        printf(" (%s)", bytes);
    printf("\nmodel     %s (%d numbers a picture)\npictures  %llu in %s\n", st->model, st->dim,
           (unsigned long long)st->pictures, cli_count(st->files, "file", text));
    if (st->embedded != st->pictures)
        printf(
            "embedded  %llu of them; 'eyeshine model use' or 'eyeshine index' completes the rest\n",
            (unsigned long long)st->embedded);
    if (st->index_segments) {
        cli_human_bytes(st->index_bytes, bytes);
        printf("index     %llu vectors in %s (%s)\n", (unsigned long long)st->index_rows,
               cli_count(st->index_segments, "segment", text), bytes);
    }
    if (st->failures)
        printf("failures  %llu ('eyeshine failures' lists them)\n",
               (unsigned long long)st->failures);
    originals_text(lib);
    printf("folders   %zu%s\n", st->roots, st->roots ? "" : " ('eyeshine index FOLDER' adds one)");
    return eye_roots(lib, root_text, NULL, err) == 0 ? 0 : cli_fail(err);
}

static int run_status(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct eye_err err = {0};
    eye_status st;
    eye_remote r;
    bool json = false;
    struct cli_opt bound[1] = {status_opts[0]};
    bound[0].value = &json;
    int code = cli_parse(ctx, &cmd_status, argc, argv, bound, 1, &rest);
    cli_list_free(&rest);
    if (!code)
        code = cli_options(ctx);
    if (code)
        return code;
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    bool told = eye_remote_get(lib, &r, &err) == 0;
    if (told && r.name && !r.reachable) {
        cli_say("%s", r.trouble);
        code = CLI_FAILED;
    } else if (!told || eye_status_get(lib, &st, &err) != 0) {
        code = cli_fail(&err);
    } else {
        code = json ? status_json(lib, &st, &r, &err) : status_text(lib, &st, &r, &err);
    }
    eye_close(lib);
    return code;
}

const struct cli_command cmd_status = {
    .name = "status",
    .args = "",
    .summary = "Show what the library holds and which folders are online",
    .run = run_status,
    .opts = status_opts,
    .nopts = 1,
};

/* ---- remove ---- */

static const struct cli_opt remove_opts[] = {
    {.name = "id",
     .kind = CLI_LIST,
     .arg = "ID",
     .help = "forget the picture with this id; repeatable"},
};

static int parse_ids(const struct cli_list *texts, int64_t **ids)
{
    *ids = calloc(texts->n + 1, sizeof **ids);
    for (size_t i = 0; *ids && i < texts->n; i++) {
        char *end = NULL;
        errno = 0;
        (*ids)[i] = strtoll(texts->items[i], &end, 10);
        if (errno || *end || (*ids)[i] < 1) {
            cli_say("--id: '%s' is not a picture's id", texts->items[i]);
            return CLI_USAGE;
        }
    }
    return *ids ? 0 : CLI_FAILED;
}

static int remove_them(struct cli_ctx *ctx, const struct cli_list *paths, const int64_t *ids,
                       size_t nids)
{
    struct eye_err err = {0};
    uint64_t removed = 0;
    char files[48];
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    int code = eye_remove(lib, paths->items, paths->n, ids, nids, &removed, &err);
    eye_close(lib);
    if (code) {
        int status = cli_fail(&err);
        return code == EYE_ENOTFOUND ? CLI_PARTLY : status;
    }
    if (!ctx->quiet)
        fprintf(stderr, "%s forgotten; nothing on disk was touched\n",
                cli_count(removed, "file", files));
    return removed ? CLI_OK : CLI_PARTLY;
}

static int run_remove(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list paths = {0};
    struct cli_list texts = {0};
    int64_t *ids = NULL;
    struct cli_opt bound[1] = {remove_opts[0]};
    bound[0].value = &texts;
    int code = cli_parse(ctx, &cmd_remove, argc, argv, bound, 1, &paths);
    if (!code && paths.n + texts.n == 0) {
        cli_say("what to remove? Give paths, or --id");
        code = CLI_USAGE;
    }
    if (!code)
        code = parse_ids(&texts, &ids);
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = remove_them(ctx, &paths, ids, texts.n);
    free(ids);
    cli_list_free(&texts);
    cli_list_free(&paths);
    return code;
}

const struct cli_command cmd_remove = {
    .name = "remove",
    .args = "PATH... | --id ID",
    .summary = "Forget files, folders or pictures (files on disk are never touched)",
    .text = "A PATH need not exist any more. A file that lies in a folder of the library comes "
            "back with the next 'index' of\n"
            "that folder, unless it is excluded there.",
    .run = run_remove,
    .opts = remove_opts,
    .nopts = 1,
};

/* ---- verify ---- */

static const struct cli_opt verify_opts[] = {
    {.name = "deep", .kind = CLI_FLAG, .help = "read every file again and compare its content"},
};

static void on_finding(void *ctx, const char *finding)
{
    (void)ctx;
    puts(finding);
}

static int run_verify(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct eye_err err = {0};
    bool deep = false;
    uint64_t findings = 0;
    char text[48];
    struct cli_opt bound[1] = {verify_opts[0]};
    bound[0].value = &deep;
    int code = cli_parse(ctx, &cmd_verify, argc, argv, bound, 1, &rest);
    cli_list_free(&rest);
    if (!code)
        code = cli_options(ctx);
    if (code)
        return code;
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    code = eye_verify(lib, deep, on_finding, NULL, &findings, &err);
    eye_close(lib);
    if (code)
        return cli_fail(&err);
    if (!ctx->quiet)
        fprintf(stderr, "%s\n",
                findings ? cli_count(findings, "finding", text) : "the library is sound");
    return findings ? CLI_PARTLY : CLI_OK;
}

const struct cli_command cmd_verify = {
    .name = "verify",
    .args = "",
    .summary = "Check the library: the database, its embeddings, and with --deep every file",
    .run = run_verify,
    .opts = verify_opts,
    .nopts = 1,
};
