/* commands.c - the table of commands, and the options that every command takes. */
#include "cli/cli.h"

const struct cli_command *const cli_commands[] = {
    &cmd_index,    &cmd_search, &cmd_duplicates, &cmd_serve,  &cmd_status,
    &cmd_failures, &cmd_remove, &cmd_verify,     &cmd_backup, &cmd_restore,
    &cmd_export,   &cmd_import, &cmd_model,      &cmd_key,    &cmd_config,
    &cmd_doctor,   &cmd_health, &cmd_completion, NULL,
};

static const struct cli_opt global_opts[] = {
    {.name = "library",
     .letter = 'L',
     .kind = CLI_SETTING,
     .arg = "DIR",
     .help = "folder of the library",
     .setting = SET_LIBRARY},
    {.name = "originals",
     .kind = CLI_SETTING,
     .arg = "PLACE",
     .help = "where originals lie: a folder, or s3://BUCKET/PREFIX",
     .setting = SET_ORIGINALS},
    {.name = "store",
     .kind = CLI_SETTING,
     .arg = "URL",
     .help = "the library lies on a server: milvus://HOST[:PORT]/COLLECTION",
     .setting = SET_STORE},
    {.name = "model",
     .kind = CLI_SETTING,
     .arg = "NAME",
     .help = "use this model, by name or folder, for this run",
     .setting = SET_MODEL},
    {.name = "threads",
     .kind = CLI_SETTING,
     .arg = "N",
     .help = "worker threads (default: one a processor)",
     .setting = SET_THREADS},
    {.name = "verbose", .letter = 'v', .kind = CLI_FLAG, .help = "say more on stderr"},
    {.name = "quiet", .letter = 'q', .kind = CLI_FLAG, .help = "no progress, no warnings"},
    {.name = "version", .letter = 'V', .kind = CLI_FLAG, .help = "print the version"},
    {.name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "print this help"},
};

const struct cli_opt *cli_global_opts(size_t *n)
{
    *n = sizeof global_opts / sizeof *global_opts;
    return global_opts;
}

const struct cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}
