/* options.c - one table of options per command; parsing by getopt_long, so that abbreviations,
 * --name=value and options after arguments work as everywhere else. */
#include <errno.h>
#include <getopt.h>
#include <math.h>

#include "cli/cli.h"

enum { MAX_OPTS = 48, LONG_BASE = 1000 };

int cli_list_add(struct cli_list *list, const char *item)
{
    /* The analyser takes the bool behind --help for a list: it can't tie `value` to `kind`. */
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    const char **grown = realloc(list->items, (list->n + 1) * sizeof *grown);
    if (!grown) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    grown[list->n++] = item;
    list->items = grown;
    return 0;
}

void cli_list_free(struct cli_list *list)
{
    free(list->items);
    list->items = NULL;
    list->n = 0;
}

static int usage_error(const struct cli_command *command)
{
    fprintf(stderr, "try: eyeshine %s%s--help\n", command ? command->name : "", command ? " " : "");
    return CLI_USAGE;
}

static int set_number(const struct cli_command *command, const struct cli_opt *o, const char *text)
{
    char *end = NULL;
    errno = 0;
    long long whole = o->kind == CLI_INT ? strtoll(text, &end, 10) : 0;
    double v = o->kind == CLI_INT ? (double)whole : strtod(text, &end);
    bool limited = o->max > o->min;
    if (end == text || *end || errno || !isfinite(v) || (limited && (v < o->min || v > o->max))) {
        if (limited)
            cli_say("--%s: '%s' is not a number from %.10g to %.10g", o->name, text, o->min,
                    o->max);
        else
            cli_say("--%s: '%s' is not a number", o->name, text);
        return usage_error(command);
    }
    if (o->kind == CLI_INT)
        *(int64_t *)o->value = whole;
    else
        *(double *)o->value = v;
    return 0;
}

static int set_setting(struct cli_ctx *ctx, int which, const char *text)
{
    int code = cli_settings_flag(&ctx->settings, which, text);
    if (which == SET_STORE)
        cli_store_hide((char *)(uintptr_t)text); /* argv's, which main may write to */
    return code;
}

static int set_value(struct cli_ctx *ctx, const struct cli_command *command,
                     const struct cli_opt *o, const char *text)
{
    switch (o->kind) {
    case CLI_FLAG: *(bool *)o->value = true; return 0;
    case CLI_TEXT: *(const char **)o->value = text; return 0;
    case CLI_LIST: return cli_list_add(o->value, text);
    case CLI_SETTING: return set_setting(ctx, o->setting, text);
    case CLI_INT:
    case CLI_NUM: break;
    }
    return set_number(command, o, text);
}

/* The command's options with values, then the global ones bound to ctx, then help. Returns how many. */
static size_t merge(struct cli_ctx *ctx, bool *help, const struct cli_opt *opts, size_t nopts,
                    struct cli_opt *all)
{
    size_t nglobal = 0;
    const struct cli_opt *global = cli_global_opts(&nglobal);
    if (nopts + nglobal > MAX_OPTS)
        return 0;
    if (nopts)
        memcpy(all, opts, nopts * sizeof *opts);
    memcpy(all + nopts, global, nglobal * sizeof *global);
    for (size_t i = nopts; i < nopts + nglobal; i++) {
        if (strcmp(all[i].name, "help") == 0)
            all[i].value = help;
        else if (strcmp(all[i].name, "verbose") == 0)
            all[i].value = &ctx->verbose;
        else if (strcmp(all[i].name, "quiet") == 0)
            all[i].value = &ctx->quiet;
        else if (strcmp(all[i].name, "version") == 0)
            all[i].value = &ctx->version;
    }
    return nopts + nglobal;
}

/* What getopt_long wants, made from the table: longs [n + 1], shorts like "+:n:0h". */
static void getopt_tables(const struct cli_opt *opts, size_t n, bool stop_early,
                          struct option *longs, char *shorts)
{
    size_t s = 0;
    if (stop_early)
        shorts[s++] = '+';
    shorts[s++] = ':';
    for (size_t i = 0; i < n; i++) {
        bool takes = opts[i].kind != CLI_FLAG;
        longs[i] = (struct option){opts[i].name, takes ? required_argument : no_argument, NULL,
                                   LONG_BASE + (int)i};
        if (opts[i].letter) {
            shorts[s++] = opts[i].letter;
            if (takes)
                shorts[s++] = ':';
        }
    }
    longs[n] = (struct option){0};
    shorts[s] = '\0';
}

static const struct cli_opt *opt_of(const struct cli_opt *opts, size_t nopts, int c)
{
    if (c >= LONG_BASE && (size_t)(c - LONG_BASE) < nopts)
        return &opts[c - LONG_BASE];
    for (size_t i = 0; i < nopts; i++)
        if (opts[i].letter && opts[i].letter == c)
            return &opts[i];
    return NULL;
}

static int say_unknown(const struct cli_command *command, int c, int argc, char **argv)
{
    const char *what = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    char letter[3] = {'-', (char)optopt, 0};
    if (optopt > 0 && optopt < LONG_BASE && strncmp(what, "--", 2) != 0)
        what = letter;
    if (c == ':')
        cli_say("%s needs a value", what);
    else
        cli_say("unknown option %s%s%s", what, command && command->hint ? "; " : "",
                command && command->hint ? command->hint : "");
    return usage_error(command);
}

int cli_parse(struct cli_ctx *ctx, const struct cli_command *command, int argc, char **argv,
              const struct cli_opt *opts, size_t nopts, struct cli_list *args)
{
    struct cli_opt all[MAX_OPTS] = {0};
    struct option longs[MAX_OPTS + 1];
    char shorts[2 * MAX_OPTS + 3];
    bool help = false;
    size_t n = merge(ctx, &help, opts, nopts, all);
    if (n == 0) {
        cli_say("more options than the program can hold");
        return CLI_FAILED;
    }
    getopt_tables(all, n, command == NULL, longs, shorts);

    optind = 0; /* glibc: start over; the program's own options were parsed before */
    opterr = 0;
    int c = 0;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct cli_opt *o = opt_of(all, n, c);
        if (!o)
            return say_unknown(command, c, argc, argv);
        int code = set_value(ctx, command, o, optarg);
        if (code)
            return code;
    }
    if (help) {
        if (command)
            cli_help_command(command, stdout);
        else
            cli_help(stdout);
        return CLI_HELPED;
    }
    for (int i = optind; i < argc; i++) {
        int code = cli_list_add(args, argv[i]);
        if (code)
            return code;
    }
    return 0;
}
