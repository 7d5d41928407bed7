/* export_to.h - `export --to`. */
#ifndef CLI_EXPORT_TO_H
#define CLI_EXPORT_TO_H

#include "cli/cli.h"

/* Copy the library of the settings into the one at `to`, a server's address or a folder. An exit code, after saying what was done. */
int export_to_store(struct cli_ctx *ctx, const char *to, bool dry, bool json);

#endif
