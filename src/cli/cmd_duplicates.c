/* cmd_duplicates.c - `eyeshine duplicates`: the same picture more than once, here or on a server. */
#include "base/fs.h"
#include "cli/duplicates.h"

enum { O_KIND, O_DISTANCE, O_COSINE, O_PATH, O_LIMIT, O_JSON, O_NULL, O_SERVER, O_KEY, O_COUNT };

static const struct cli_opt opts[O_COUNT] = {
    [O_KIND] = {.name = "kind",
                .kind = CLI_LIST,
                .arg = "KIND",
                .help = "same, near or similar; may be repeated (default: same and near)"},
    [O_DISTANCE] = {.name = "distance",
                    .kind = CLI_INT,
                    .arg = "BITS",
                    .help = "near: so many of 64 bits of the hash may differ (default 6)",
                    .min = 0,
                    .max = 16},
    [O_COSINE] = {.name = "cosine",
                  .kind = CLI_NUM,
                  .arg = "X",
                  .help = "how close embeddings must be, 0.5 to 1",
                  .min = 0.5,
                  .max = 1},
    [O_PATH] = {.name = "path",
                .kind = CLI_TEXT,
                .arg = "FOLDER",
                .help = "only groups with a file below this folder, or matching this glob"},
    [O_LIMIT] = {.name = "limit",
                 .letter = 'n',
                 .kind = CLI_INT,
                 .arg = "N",
                 .help = "at most N groups of each kind",
                 .min = 1,
                 .max = 1e9},
    [O_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "one JSON object a group and line"},
    [O_NULL] = {.name = "print0",
                .letter = '0',
                .kind = CLI_FLAG,
                .help = "only the files that could go, each ended by a NUL byte (for xargs -0)"},
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
};

static int read_kinds(const struct cli_list *kinds, struct dup_args *a)
{
    a->same = a->near = kinds->n == 0;
    for (size_t i = 0; i < kinds->n; i++) {
        bool same = strcmp(kinds->items[i], "same") == 0;
        bool near = strcmp(kinds->items[i], "near") == 0;
        bool similar = strcmp(kinds->items[i], "similar") == 0;
        if (!same && !near && !similar) {
            cli_say("--kind is same, near or similar, not '%s'", kinds->items[i]);
            return CLI_USAGE;
        }
        a->same = a->same || same;
        a->near = a->near || near;
        a->similar = a->similar || similar;
    }
    return 0;
}

static int check(const struct cli_ctx *ctx, const struct dup_args *a, const struct cli_list *rest)
{
    if (rest->n) {
        cli_say("duplicates takes no argument '%s'; --path FOLDER asks for one folder",
                rest->items[0]);
        return CLI_USAGE;
    }
    if (a->null && a->similar) {
        cli_say("--print0 lists files that could be deleted, and similar pictures are other "
                "pictures: look at them first");
        return CLI_USAGE;
    }
    if (a->null && a->json) {
        cli_say("--print0 and --json exclude each other");
        return CLI_USAGE;
    }
    if (a->null && ctx->settings.all[SET_SERVER].value) {
        cli_say("--print0 looks at each file before it names it, and those of --server are on "
                "another machine: run it there");
        return CLI_USAGE;
    }
    return 0;
}

/* A folder as the library knows it: its real path, or what was said if it is not there. Yours in *real. */
static int real_path(struct dup_args *a, char **real)
{
    struct eye_err err = {0};
    if (!a->path || strpbrk(a->path, "*?["))
        return 0;
    *real = fs_real(a->path, &err);
    if (!*real && a->path[0] != '/')
        return cli_fail(&err);
    a->path = *real ? *real : a->path;
    return 0;
}

struct run {
    const struct cli_ctx *ctx;
    eye_dup_phase phase;
};

static int on_progress(void *ctx, eye_dup_phase phase, uint64_t done, uint64_t total)
{
    const struct run *r = ctx;
    dup_show_progress(r->ctx->quiet,
                      phase == EYE_DUP_HASHING ? "looking at pictures that an older version indexed"
                                               : "comparing pictures",
                      done, total);
    return cli_stopped();
}

static int one_kind(eye_lib *lib, struct run *r, eye_dup_kind kind, struct dup_printer *p,
                    uint64_t *unknown)
{
    struct eye_err err = {0};
    eye_dup_totals totals;
    eye_dup_options o = EYE_DUP_OPTIONS_INIT;
    o.kind = kind;
    o.distance = (int)p->args->distance;
    o.cosine = (float)p->args->cosine;
    o.path = p->args->path;
    o.limit = (size_t)p->args->limit;
    o.progress = on_progress;
    o.ctx = r;
    int code = eye_duplicates(lib, &o, dup_put, p, &totals, &err);
    dup_show_progress(r->ctx->quiet, NULL, 0, 0);
    *unknown = totals.unknown > *unknown ? totals.unknown : *unknown;
    return code < 0 ? cli_fail(&err) : code;
}

static int here(struct cli_ctx *ctx, const struct dup_args *a, struct dup_printer *p,
                uint64_t *unknown)
{
    struct run r = {.ctx = ctx};
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    cli_catch_signals();
    int code = a->same ? one_kind(lib, &r, EYE_DUP_SAME, p, unknown) : 0;
    if (!code && a->near)
        code = one_kind(lib, &r, EYE_DUP_NEAR, p, unknown);
    if (!code && a->similar)
        code = one_kind(lib, &r, EYE_DUP_SIMILAR, p, unknown);
    eye_close(lib);
    return code;
}

static int run_duplicates(struct cli_ctx *ctx, int argc, char **argv)
{
    struct dup_args a = {.distance = -1};
    struct cli_list rest = {0}, kinds = {0};
    struct dup_printer p;
    uint64_t unknown = 0;
    char *real = NULL;
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_KIND].value = &kinds;
    bound[O_DISTANCE].value = &a.distance;
    bound[O_COSINE].value = &a.cosine;
    bound[O_PATH].value = &a.path;
    bound[O_LIMIT].value = &a.limit;
    bound[O_JSON].value = &a.json;
    bound[O_NULL].value = &a.null;
    dup_printer_init(&p, &a);
    int code = cli_parse(ctx, &cmd_duplicates, argc, argv, bound, O_COUNT, &rest);
    code = code ? code : read_kinds(&kinds, &a);
    code = code ? code : check(ctx, &a, &rest);
    code = code ? code : cli_options(ctx);
    if (!code && ctx->settings.all[SET_SERVER].value) {
        code = dup_remote(ctx, &a, &p, &unknown);
    } else if (!code) {
        code = real_path(&a, &real);
        code = code ? code : here(ctx, &a, &p, &unknown);
    }
    code = code ? code : dup_sum_up(&p, unknown, ctx->quiet);
    dup_printer_release(&p);
    cli_list_free(&rest);
    cli_list_free(&kinds);
    free(real);
    return code;
}

const struct cli_command cmd_duplicates = {
    .name = "duplicates",
    .args = "[--kind same|near|similar] [--path FOLDER]",
    .summary = "Find the same picture in several files, sizes or formats, and similar ones",
    .text =
        "same: the same bytes. near: one picture to the eye, but smaller, compressed again or in "
        "another format. similar: other\n"
        "pictures of much the same thing, like the frames of a burst. The first of a group is the "
        "one to keep: most pixels,\n"
        "then most bytes; the others are compared with it: how many of 64 bits of their "
        "perceptual hashes differ, and the cosine\n"
        "of their embeddings. Nothing is ever deleted. --print0 lists all but the first of each "
        "group, as long as the first one is\n"
        "there: look at the groups, then\n"
        "  eyeshine duplicates --kind same -0 | xargs -0 rm --",
    .run = run_duplicates,
    .opts = opts,
    .nopts = O_COUNT,
};
