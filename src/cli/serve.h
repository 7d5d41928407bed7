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

/* API keys that whoever starts the server gives it, so that many servers can have the same ones: $EYESHINE_KEYS, or the file that
 * $EYESHINE_KEYS_FILE names. `text` (changed) has "NAME:SCOPE:SECRET", separated by line ends or commas; empty ones and lines that begin with # are
 * left out. Returns 0 with *keys (yours; its strings are of `text`), or an exit code after saying which entry is wrong. */
struct serve_key {
    const char *name, *secret;
    eye_scope scope;
};
int serve_keys_read(char *text, struct serve_key **keys, size_t *n);
/* Makes the library's keys of that kind be those that are given now. 0, or an exit code after saying why. */
int serve_keys_apply(eye_lib *lib);

/* The program's own folder `name` ("samples"): in the share folder of the settings, beside the executable or below the
 * install prefix. Yours to free; NULL: not there. */
char *serve_share(const struct cli_settings *s, const char *name);

#endif
