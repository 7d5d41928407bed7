/* cmd_export.c - `export` and `import`: a library as text, for another machine.
 *
 * An export's file appears whole or not at all, like everything else that the program writes: it is written beside its name
 * and renamed. To a pipe there is no such thing; there the last line says that all of it came. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/export_to.h"

/* ---- export ---- */

static int write_out(void *ctx, const void *bytes, size_t len)
{
    FILE *f = ctx;
    return fwrite(bytes, 1, len, f) != len || cli_stopped();
}

/* Everything that is written is on disk, or what went wrong is said. */
static int finish_file(FILE *f, const char *part, const char *file)
{
    bool bad = fflush(f) != 0 || fsync(fileno(f)) != 0;
    bad = fclose(f) != 0 || bad;
    if (!bad && rename(part, file) == 0)
        return CLI_OK;
    cli_say("%s: could not be written: %s", file, strerror(errno));
    return CLI_FAILED;
}

static int export_to(eye_lib *lib, FILE *f, const char *file, bool quiet)
{
    struct eye_err err = {0};
    struct cli_meter *meter = cli_meter_new("exporting picture", false, quiet);
    eye_backup_options options = {cli_meter_step, meter};
    int code = eye_export(lib, write_out, f, &options, &err);
    cli_meter_free(meter);
    if (code && ferror(f)) {
        cli_say("%s: could not be written (is the disk full, or did the reader go away?)", file);
        return CLI_FAILED;
    }
    return code ? cli_fail(&err) : 0;
}

static int export_file(eye_lib *lib, const char *file, bool quiet)
{
    struct buf part;
    buf_init(&part, 65536);
    if (access(file, F_OK) == 0) {
        cli_say("%s is there already: choose another name, or remove it first", file);
        return CLI_FAILED;
    }
    if (buf_printf(&part, NULL, "%s.tmp", file) != 0)
        return CLI_FAILED;
    int fd = open(part.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int code = CLI_FAILED;
    if (!f) {
        cli_say("%s: cannot be made: %s", part.data, strerror(errno));
    } else {
        code = export_to(lib, f, file, quiet);
        if (code)
            fclose(f);
        else
            code = finish_file(f, part.data, file);
        if (code)
            unlink(part.data);
    }
    buf_release(&part);
    return code;
}

enum { X_TO, X_DRY, X_JSON, X_COUNT };

static const struct cli_opt export_opts[X_COUNT] = {
    [X_TO] = {.name = "to",
              .kind = CLI_TEXT,
              .arg = "STORE",
              .help = "copy everything into this library instead: milvus://..., or a folder"},
    [X_DRY] = {.name = "dry-run",
               .letter = 'n',
               .kind = CLI_FLAG,
               .help = "with --to: say what would be copied, change nothing"},
    [X_JSON] = {.name = "json",
                .kind = CLI_FLAG,
                .help = "with --to: what was done as a JSON object"},
};

/* What goes together. */
static int check_export(const struct cli_list *rest, const char *to, bool dry, bool json)
{
    if (to && rest->n) {
        cli_say("export: a file, or --to a library: not both");
        return CLI_USAGE;
    }
    if (!to && (dry || json)) {
        cli_say("export: --%s is for --to", dry ? "dry-run" : "json");
        return CLI_USAGE;
    }
    if (rest->n > 1) {
        cli_say("export: name one file, or none for standard output");
        return CLI_USAGE;
    }
    return 0;
}

static int run_export(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    const char *to = NULL;
    bool dry = false, json = false;
    struct cli_opt bound[X_COUNT];
    memcpy(bound, export_opts, sizeof bound);
    bound[X_TO].value = &to;
    bound[X_DRY].value = &dry;
    bound[X_JSON].value = &json;
    int code = cli_parse(ctx, &cmd_export, argc, argv, bound, X_COUNT, &rest);
    const char *file = rest.n ? rest.items[0] : "-";
    if (!code)
        code = check_export(&rest, to, dry, json);
    if (!code)
        code = cli_options(ctx);
    if (!code && to) {
        char *copy = strdup(to);
        cli_store_hide((char *)(uintptr_t)to); /* argv's, which everybody can read */
        code = copy ? export_to_store(ctx, copy, dry, json) : CLI_FAILED;
        free(copy);
        cli_list_free(&rest);
        return code;
    }
    eye_lib *lib = code ? NULL : cli_open(ctx, false);
    if (lib) {
        cli_catch_signals();
        if (strcmp(file, "-") == 0)
            code = export_to(lib, stdout, "standard output", ctx->quiet);
        else
            code = export_file(lib, file, ctx->quiet);
        eye_close(lib);
    } else if (!code) {
        code = CLI_FAILED;
    }
    cli_list_free(&rest);
    return code;
}

const struct cli_command cmd_export = {
    .name = "export",
    .args = "[FILE | -] | --to STORE",
    .summary = "Write all pictures, their files and vectors as text, or into another library",
    .text = "One JSON object a line, paths relative to their folders (docs/EXPORT.md); without "
            "FILE to standard output. As of one moment;\n"
            "the library may be in use. The pictures themselves are not in it, nor are keys, jobs "
            "and failures: 'backup' keeps those.\n"
            "With --to everything is copied from the library (or --store) into the one named, "
            "a server's collection or a folder, paths as\n"
            "they are; what is there already is left out, so a copy that was stopped goes on, and "
            "originals may be offline. At the end\n"
            "both are counted, and neighbours of a sample compared.",
    .run = run_export,
    .opts = export_opts,
    .nopts = X_COUNT,
};

/* ---- import ---- */

enum { I_MAP, I_COUNT };

static const struct cli_opt import_opts[I_COUNT] = {
    [I_MAP] = {.name = "map",
               .kind = CLI_LIST,
               .arg = "ROOT=FOLDER",
               .help = "a folder of the export, by its path there or its name, is FOLDER here; "
                       "repeatable"},
};

static int read_in(void *ctx, void *bytes, size_t cap, size_t *len)
{
    FILE *f = ctx;
    *len = fread(bytes, 1, cap, f);
    return ferror(f) || cli_stopped();
}

/* ROOT=FOLDER, cut at the first '=' in a copy that is kept in *texts. */
static int parse_maps(const struct cli_list *list, eye_root_map **maps, char ***texts)
{
    *maps = calloc(list->n + 1, sizeof **maps);
    *texts = calloc(list->n + 1, sizeof **texts);
    if (!*maps || !*texts)
        return CLI_FAILED;
    for (size_t i = 0; i < list->n; i++) {
        char *text = (*texts)[i] = strdup(list->items[i]);
        char *cut = text ? strchr(text, '=') : NULL;
        if (!cut || cut == text || !cut[1]) {
            cli_say("--map: '%s' is not ROOT=FOLDER", list->items[i]);
            return CLI_USAGE;
        }
        *cut = '\0';
        (*maps)[i] = (eye_root_map){text, cut + 1};
    }
    return 0;
}

static void say_counts(const eye_import_counts *n)
{
    char pictures[48], files[48], known[48];
    fprintf(stderr, "%s and %s added; %s %s here already\n",
            cli_count(n->pictures, "picture", pictures), cli_count(n->files, "file", files),
            cli_count(n->known, "picture", known), n->known == 1 ? "was" : "were");
    if (n->left_out)
        fprintf(stderr, "%llu left out: other pictures are at their paths here\n",
                (unsigned long long)n->left_out);
    if (n->missing)
        fprintf(stderr,
                "%llu of the files are not there just now: is a folder elsewhere on this machine "
                "(--map ROOT=FOLDER), or not mounted?\n",
                (unsigned long long)n->missing);
}

static int import_from(struct cli_ctx *ctx, FILE *f, const eye_root_map *maps, size_t nmaps)
{
    struct eye_err err = {0};
    eye_import_counts counts = {0};
    eye_lib *lib = cli_open(ctx, true);
    if (!lib)
        return CLI_FAILED;
    struct cli_meter *meter = cli_meter_new("importing picture", false, ctx->quiet);
    eye_backup_options options = {cli_meter_step, meter};
    cli_catch_signals();
    int code = eye_import(lib, read_in, f, maps, nmaps, &options, &counts, &err);
    cli_meter_free(meter);
    eye_close(lib);
    if (code)
        return cli_fail(&err);
    if (!ctx->quiet)
        say_counts(&counts);
    return CLI_OK;
}

static int open_import(const char *file, FILE **f)
{
    *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rbe");
    if (*f)
        return 0;
    cli_say("%s: cannot open: %s", file, strerror(errno));
    return CLI_FAILED;
}

static int run_import(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct cli_list list = {0};
    struct cli_opt bound[I_COUNT];
    memcpy(bound, import_opts, sizeof bound);
    bound[I_MAP].value = &list;
    eye_root_map *maps = NULL;
    char **texts = NULL;
    FILE *f = NULL;
    int code = cli_parse(ctx, &cmd_import, argc, argv, bound, I_COUNT, &rest);
    if (!code && rest.n != 1) {
        cli_say("import: name one export, or '-' for standard input");
        code = CLI_USAGE;
    }
    if (!code)
        code = parse_maps(&list, &maps, &texts);
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = open_import(rest.items[0], &f);
    if (!code)
        code = import_from(ctx, f, maps, list.n);
    if (f && f != stdin)
        fclose(f);
    for (size_t i = 0; texts && i < list.n; i++)
        free(texts[i]);
    free(texts);
    free(maps);
    cli_list_free(&list);
    cli_list_free(&rest);
    return code;
}

const struct cli_command cmd_import = {
    .name = "import",
    .args = "FILE | -",
    .summary = "Add what an export holds, so that nothing of it is embedded again",
    .text =
        "Into the library there is, or a new one; both must use one model. What is known already "
        "stays as it is. All of the export is\n"
        "taken in or, when a line is wrong or the end is missing, nothing. Folders may be "
        "elsewhere here:\n"
        "  eyeshine import all.jsonl --map Pictures=/mnt/photos --map /home/old/scans=/mnt/scans\n"
        "Then 'eyeshine index' looks at the files: where size and time differ, the content "
        "decides.\n"
        "Import only what you trust: an export says which files of this machine are pictures.",
    .run = run_import,
    .opts = import_opts,
    .nopts = I_COUNT,
};
