/* cmd_completion.c - shell completions and the man page, written from the option tables so that they can't be behind. */
#include "cli/cli.h"

static void each_word(const char *prefix, const struct cli_opt *opts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s--%s", i ? " " : prefix, opts[i].name);
}

/* The words that a command wants first. */
static const char *first_words(const char *command)
{
    static const char *const table[][2] = {{"model", "list info verify import use"},
                                           {"key", "new list remove"},
                                           {"completion", "bash zsh man"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(command, table[i][0]) == 0)
            return table[i][1];
    return "";
}

static void put_bash(void)
{
    size_t n = 0;
    const struct cli_opt *g = cli_global_opts(&n);
    puts("# bash completion for eyeshine; made by 'eyeshine completion bash'\n"
         "_eyeshine() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= w words=\n"
         "    for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "        case $w in");
    fputs("        ", stdout);
    for (size_t i = 0; cli_commands[i]; i++)
        printf("%s%s", i ? "|" : "", cli_commands[i]->name);
    puts(") cmd=$w; break ;;\n        esac\n    done\n    case $cmd in");
    fputs("    '') words='", stdout);
    for (size_t i = 0; cli_commands[i]; i++)
        printf("%s ", cli_commands[i]->name);
    each_word("", g, n);
    puts("' ;;");
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        printf("    %s) words='%s", c->name, first_words(c->name));
        each_word(" ", c->opts, c->nopts);
        each_word(" ", g, n);
        puts("' ;;");
    }
    puts("    esac\n"
         "    case $prev in\n"
         "    --library|-L) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n"
         "    --image|-i|--queries) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
         "    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "    if [[ $cur != -* && ( $cmd == index || $cmd == remove || ( $cmd == model && $prev == "
         "import ) ) ]]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
         "    fi\n"
         "}\n"
         "complete -o filenames -F _eyeshine eyeshine");
}

/* Text inside a zsh _arguments spec: brackets, colons and quotes would end it. */
static void put_zsh_text(const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:", *s))
            printf("\\%c", *s);
        else
            putchar(*s);
    }
}

static void put_zsh_opts(const struct cli_opt *opts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        printf(" \\\n            '%s--%s%s[", opts[i].kind == CLI_LIST ? "*" : "", opts[i].name,
               opts[i].arg ? "=" : "");
        put_zsh_text(opts[i].help);
        fputs("]", stdout);
        if (opts[i].arg) {
            bool files = strcmp(opts[i].arg, "FILE") == 0;
            bool dirs = strcmp(opts[i].arg, "DIR") == 0;
            printf(":%s:%s", opts[i].arg, files ? "_files" : dirs ? "_files -/" : "");
        }
        putchar('\'');
    }
}

static void put_zsh(void)
{
    size_t n = 0;
    const struct cli_opt *g = cli_global_opts(&n);
    fputs("#compdef eyeshine\n# made by 'eyeshine completion zsh'\n"
          "_eyeshine() {\n    local context state line\n    local -a commands\n    commands=(",
          stdout);
    for (size_t i = 0; cli_commands[i]; i++) {
        printf("\n        '%s:", cli_commands[i]->name);
        put_zsh_text(cli_commands[i]->summary);
        putchar('\'');
    }
    fputs("\n    )\n    _arguments -C", stdout);
    put_zsh_opts(g, n);
    puts(" \\\n        '1:command:->command' '*::argument:->argument'\n"
         "    case $state in\n    command) _describe command commands ;;\n    argument)\n        "
         "case $words[1] in");
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        printf("        %s) _arguments", c->name);
        put_zsh_opts(c->opts, c->nopts);
        if (*first_words(c->name))
            printf(" \\\n            '1:what:(%s)' '*:file:_files'", first_words(c->name));
        else
            fputs(" \\\n            '*:file:_files'", stdout);
        puts(" ;;");
    }
    puts("        esac ;;\n    esac\n}\n_eyeshine \"$@\"");
}

/* Text for roff: backslashes, hyphens, and dots or quotes that begin a line; indented lines are tables and stay as they are. */
static void put_roff(const char *s)
{
    bool start = true, table = false;
    for (; *s; s++) {
        if (start && table != (strncmp(s, "  ", 2) == 0)) {
            table = !table;
            puts(table ? ".nf" : ".fi");
        }
        if (start && (*s == '.' || *s == '\''))
            fputs("\\&", stdout);
        if (*s == '\\')
            fputs("\\e", stdout);
        else if (*s == '-')
            fputs("\\-", stdout);
        else
            putchar(*s);
        start = *s == '\n';
    }
    if (table)
        fputs("\n.fi", stdout);
}

static void put_man_opts(const struct cli_opt *opts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fputs(".TP\n", stdout);
        if (opts[i].letter)
            printf("\\fB\\-%c\\fR, ", opts[i].letter);
        fputs("\\fB\\-\\-", stdout);
        put_roff(opts[i].name);
        printf("\\fR%s%s\n", opts[i].arg ? " " : "", opts[i].arg ? opts[i].arg : "");
        put_roff(opts[i].help);
        putchar('\n');
    }
}

static void put_man(void)
{
    size_t n = 0;
    const struct cli_opt *g = cli_global_opts(&n);
    printf(".TH EYESHINE 1 \"\" \"eyeshine %s\" \"User Commands\"\n.SH NAME\neyeshine \\- find any "
           "picture by what it shows\n"
           ".SH SYNOPSIS\n.B eyeshine\n[\\-\\-library DIR | \\-\\-store URL] COMMAND ...\n.SH "
           "DESCRIPTION\n"
           "Indexes folders of pictures with an OpenCLIP model and finds them by words or by "
           "another picture, on this machine "
           "alone.\n.SH COMMANDS\n",
           eye_version());
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        printf(".SS %s ", c->name);
        put_roff(c->args);
        putchar('\n');
        put_roff(c->summary);
        puts(".");
        if (c->text) {
            putchar('\n');
            put_roff(c->text);
            putchar('\n');
        }
        put_man_opts(c->opts, c->nopts);
    }
    puts(".SH OPTIONS EVERYWHERE");
    put_man_opts(g, n);
    puts(".SH EXIT STATUS\n0 done or found; 1 nothing found, or some files failed (they are "
         "listed); 2 wrong usage; 3 anything else.\n"
         ".SH FILES\n.TP\n~/.config/eyeshine/config\nSettings, one 'key = value' a line; "
         "\\fBeyeshine config\\fR lists them.\n"
         ".TP\n~/.local/share/eyeshine\nThe library, and imported models below models/.\n"
         ".SH ENVIRONMENT\nEach setting has a variable; \\fBeyeshine config\\fR names them. "
         "EYESHINE_CPU=portable|avx2|avx512 forces a lower\n"
         "kernel level.");
}

static int run_completion(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list what = {0};
    int code = cli_parse(ctx, &cmd_completion, argc, argv, NULL, 0, &what);
    const char *word = !code && what.n == 1 ? what.items[0] : "";
    if (!code && strcmp(word, "bash") == 0) {
        put_bash();
    } else if (!code && strcmp(word, "zsh") == 0) {
        put_zsh();
    } else if (!code && strcmp(word, "man") == 0) {
        put_man();
    } else if (!code) {
        cli_say("completion: give one of: bash | zsh | man");
        code = CLI_USAGE;
    }
    cli_list_free(&what);
    return code;
}

const struct cli_command cmd_completion = {
    .name = "completion",
    .args = "bash | zsh | man",
    .summary = "Write the completion for a shell, or the man page, to stdout",
    .run = run_completion,
};
