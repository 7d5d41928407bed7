/* serve.h - what cmd_serve.c is put together from: the access log's file, the service manager, the samples' place. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/cli.h"

/* A file of lines, opened again on demand (logrotate). Thread-safe. */
struct serve_log;
/* path NULL: stderr. NULL after saying why. */
struct serve_log *serve_log_open(const char *path);
void serve_log_line(void *log, const char *line);
void serve_log_again(struct serve_log *log);
void serve_log_close(struct serve_log *log);

/* Tell the service manager, if there is one ($NOTIFY_SOCKET): "READY=1", "STOPPING=1" (sd_notify(3)). */
void serve_notify(const char *state);

/* The program's own folder `name` ("samples"): in the share folder of the settings, beside the executable or below the
 * install prefix. Yours to free; NULL: not there. */
char *serve_share(const struct cli_settings *s, const char *name);

#endif
