/* help.c - --help for the program and for each command, from the same tables that parse. */
#include "cli/cli.h"

enum { COLUMN = 26 };

static void put_opt(const struct cli_opt *o, FILE *out)
{
    char left[64];
    char letter[5] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "",
             o->arg ? o->arg : "");
    if (strlen(left) >= COLUMN)
        fprintf(out, "%s\n%*s%s\n", left, COLUMN, "", o->help);
    else
        fprintf(out, "%-*s%s\n", COLUMN, left, o->help);
}

static void put_global(FILE *out)
{
    size_t n = 0;
    const struct cli_opt *g = cli_global_opts(&n);
    for (size_t i = 0; i < n; i++)
        put_opt(&g[i], out);
}

void cli_help_command(const struct cli_command *c, FILE *out)
{
    fprintf(out, "eyeshine %s %s\n\n%s.\n", c->name, c->args, c->summary);
    if (c->text)
        fprintf(out, "\n%s\n", c->text);
    if (c->nopts)
        fputs("\nOptions:\n", out);
    for (size_t i = 0; i < c->nopts; i++)
        put_opt(&c->opts[i], out);
    fputs("\nEverywhere:\n", out);
    put_global(out);
    fputs("\nExit status: 0 done or found, 1 nothing found or some files failed, 2 wrong usage, 3 "
          "anything else.\n",
          out);
}

void cli_help(FILE *out)
{
    fputs("eyeshine [--library DIR | --store URL] COMMAND ...\n\nFind any picture by what it "
          "shows.\n\n",
          out);
    for (size_t i = 0; cli_commands[i]; i++)
        fprintf(out, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\nEverywhere:\n", out);
    put_global(out);
    fputs(
        "\nStart with:\n  eyeshine index ~/Pictures\n  eyeshine search \"two dogs in the snow\"\n\n"
        "'eyeshine COMMAND --help' tells the rest.\n",
        out);
}
