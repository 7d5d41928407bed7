/* health.h - what `health` shares with its test. */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

#include "cli/cli.h"

/* The address, from its own machine, of the server that listens there (NULL: the default), as --server takes it; yours to free. NULL when
 * that is not known before it runs (port 0), or without memory. */
char *health_url(const char *listen, const char *base, bool tls);

#endif
