/* cmd_model.c - `eyeshine model list|info|verify|import|use`. */
#include "base/json.h"
#include "cli/cli.h"

enum { O_NAME, O_JSON, O_COUNT };

static const struct cli_opt opts[O_COUNT] = {
    [O_NAME] = {.name = "name",
                .kind = CLI_TEXT,
                .arg = "NAME",
                .help = "import: call it so (default: the folder's name)"},
    [O_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "list, info: one JSON object a line"},
};

struct model_args {
    const char *name;
    bool json;
    struct cli_list words; /* subcommand and its arguments */
};

struct model_out {
    struct buf line;
    bool json, heading, tty;
};

static int put_json(struct model_out *out, const eye_model *m)
{
    struct json_writer w;
    jw_init(&w, &out->line);
    jw_object(&w);
    jw_kstr(&w, "name", m->name);
    jw_kbool(&w, "installed", m->folder != NULL);
    jw_kbool(&w, "in_use", m->in_use);
    jw_kbool(&w, "supported", m->supported);
    jw_kstr(&w, "folder", m->folder);
    jw_kstr(&w, "image_arch", m->image_arch);
    jw_kstr(&w, "text_arch", m->text_arch);
    jw_kstr(&w, "dtype", m->dtype);
    jw_kstr(&w, "licence", m->licence);
    jw_kint(&w, "dim", m->dim);
    jw_kint(&w, "image_size", m->image_size);
    jw_kint(&w, "context", m->context);
    jw_kint(&w, "parameters", (int64_t)m->parameters);
    jw_kint(&w, "bytes", (int64_t)m->bytes);
    jw_knum(&w, "recall_flickr", m->recall_flickr, 5);
    jw_knum(&w, "recall_coco", m->recall_coco, 5);
    jw_kstr(&w, "install", m->install);
    jw_object_end(&w);
    return cli_put_json(&out->line);
}

static void recall_text(double v, char out[16])
{
    if (v > 0)
        snprintf(out, 16, "%.1f", v);
    else
        snprintf(out, 16, "-");
}

static int on_listed(void *ctx, const eye_model *m)
{
    struct model_out *out = ctx;
    if (out->json)
        return put_json(out, m);
    if (!out->heading) {
        printf("  %-42s %9s %5s %4s %7s %6s  %s\n", "model", "size", "dim", "px", "Flickr", "COCO",
               "licence");
        out->heading = true;
    }
    char bytes[24];
    char flickr[16];
    char coco[16];
    cli_human_bytes(m->bytes, bytes);
    recall_text(m->recall_flickr, flickr);
    recall_text(m->recall_coco, coco);
    printf("%s %-42s %9s %5d %4d %7s %6s  %s%s\n",
           m->in_use   ? "*"
           : m->folder ? "+"
                       : " ",
           m->name, m->bytes ? bytes : "?", m->dim, m->image_size, flickr, coco,
           m->licence && *m->licence ? m->licence : "?",
           m->supported ? "" : " (not supported yet)");
    if (m->install && m->supported)
        printf("%s      %s%s\n", out->tty ? "\033[2m" : "", m->install, out->tty ? "\033[0m" : "");
    return 0;
}

static int on_info(void *ctx, const eye_model *m)
{
    struct model_out *out = ctx;
    if (out->json)
        return put_json(out, m);
    char bytes[24];
    cli_human_bytes(m->bytes, bytes);
    printf("model       %s%s\n", m->name, m->in_use ? " (in use)" : "");
    printf("folder      %s\n", m->folder ? m->folder : "not installed");
    if (m->image_arch)
        printf("pictures    %s\nwords       %s\n", m->image_arch,
               m->text_arch ? m->text_arch : "?");
    printf("embedding   %d numbers\n", m->dim);
    if (m->parameters)
        printf("parameters  %.1f million, stored as %s\n", (double)m->parameters / 1e6,
               m->dtype ? m->dtype : "?");
    printf("weights     %s\nlicence     %s\n", bytes,
           m->licence && *m->licence ? m->licence : "not stated");
    if (m->recall_flickr > 0 || m->recall_coco > 0)
        printf("recall      R@5 words to pictures: Flickr30k %.1f %%, COCO %.1f %% (published)\n",
               m->recall_flickr, m->recall_coco);
    if (m->install)
        printf("get it      %s\n", m->install);
    return 0;
}

static int show(struct cli_ctx *ctx, const struct model_args *a, const char *name)
{
    struct eye_err err = {0};
    struct model_out out = {.json = a->json, .tty = cli_tty(stdout)};
    buf_init(&out.line, 1 << 20);
    /* Which one is in use is the library's to say; without a library the list is still of use. */
    ctx->options.create = false;
    bool any = ctx->options.library || ctx->options.store;
    eye_lib *lib = any ? eye_open(&ctx->options, NULL) : NULL;
    int code = name ? eye_model_info(lib, &ctx->options, name, on_info, &out, &err)
                    : eye_models(lib, &ctx->options, on_listed, &out, &err);
    eye_close(lib);
    buf_release(&out.line);
    if (code)
        return code < 0 ? cli_fail(&err) : code;
    if (!name && !a->json && cli_tty(stdout))
        puts("\n* in use   + installed   Flickr, COCO: published recall@5, words to pictures, "
             "percent\n"
             "below a model that is not installed: the command that gets it (hf is in PyPI's "
             "huggingface_hub)");
    return CLI_OK;
}

static void on_file(void *ctx, const char *file, bool ok, const char *note)
{
    (void)ctx;
    printf("%-6s %s%s%s\n", ok ? "ok" : "WRONG", file, note && *note ? ": " : "", note ? note : "");
}

static int verify(struct cli_ctx *ctx, const char *name)
{
    struct eye_err err = {0};
    return eye_model_verify(&ctx->options, name, on_file, NULL, &err) == 0 ? CLI_OK
                                                                           : cli_fail(&err);
}

static int import(struct cli_ctx *ctx, const struct model_args *a, const char *folder)
{
    struct eye_err err = {0};
    if (eye_model_import(&ctx->options, folder, a->name, &err) != 0)
        return cli_fail(&err);
    if (!ctx->quiet)
        fprintf(
            stderr,
            "imported; 'eyeshine model list' shows it, 'eyeshine model use NAME' switches to it\n");
    return CLI_OK;
}

static int on_used(void *ctx, uint64_t done, uint64_t total)
{
    const struct cli_ctx *c = ctx;
    if (!c->quiet && cli_tty(stderr) && total)
        fprintf(stderr, "\r\033[Kembedding %llu/%llu", (unsigned long long)done,
                (unsigned long long)total);
    return cli_stopped();
}

static int use(struct cli_ctx *ctx, const char *name)
{
    struct eye_err err = {0};
    eye_lib *lib = cli_open(ctx, true);
    if (!lib)
        return CLI_FAILED;
    cli_catch_signals();
    int code = eye_model_use(lib, name, on_used, ctx, &err);
    eye_close(lib);
    if (!ctx->quiet && cli_tty(stderr))
        fputs("\r\033[K", stderr);
    if (code == EYE_ECANCELLED) {
        cli_say("stopped; the model in use stays, the same command goes on from here");
        return CLI_FAILED;
    }
    if (code)
        return cli_fail(&err);
    if (!ctx->quiet)
        fprintf(stderr, "now using %s\n", name);
    return CLI_OK;
}

static int dispatch(struct cli_ctx *ctx, const struct model_args *a)
{
    const char *sub = a->words.n ? a->words.items[0] : "";
    const char *arg = a->words.n == 2 ? a->words.items[1] : NULL;
    if (strcmp(sub, "list") == 0 && a->words.n == 1)
        return show(ctx, a, NULL);
    if (strcmp(sub, "info") == 0 && arg)
        return show(ctx, a, arg);
    if (strcmp(sub, "verify") == 0 && arg)
        return verify(ctx, arg);
    if (strcmp(sub, "import") == 0 && arg)
        return import(ctx, a, arg);
    if (strcmp(sub, "use") == 0 && arg)
        return use(ctx, arg);
    cli_say("model: give one of: list | info NAME | verify NAME | import FOLDER | use NAME");
    return CLI_USAGE;
}

static int run_model(struct cli_ctx *ctx, int argc, char **argv)
{
    struct model_args a = {0};
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_NAME].value = &a.name;
    bound[O_JSON].value = &a.json;
    int code = cli_parse(ctx, &cmd_model, argc, argv, bound, O_COUNT, &a.words);
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = dispatch(ctx, &a);
    cli_list_free(&a.words);
    return code;
}

const struct cli_command cmd_model = {
    .name = "model",
    .args = "list | info NAME | verify NAME | import FOLDER | use NAME",
    .summary = "List, check, import and switch models",
    .text = "import takes any open_clip model folder (open_clip_config.json and a .safetensors "
            "file) or a Hugging Face CLIPModel\n"
            "folder. use embeds every picture with the new model, then switches at once: until "
            "then the old embeddings answer.\n"
            "It can be stopped and run again; a model used before switches back without work.",
    .run = run_model,
    .opts = opts,
    .nopts = O_COUNT,
};
