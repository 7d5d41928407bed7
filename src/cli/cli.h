/* cli.h - what the commands of the program share: settings, options, output.
 *
 * A command is one file with one `const struct cli_command`; main.c has the table. The option tables are the only
 * description there is: parsing, --help, the man page and the shell completions are all made from them.
 * The program sees the library only through eyeshine.h. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "eyeshine.h"

/* Exit codes, the same for every command. */
enum cli_exit {
    CLI_OK = 0,     /* done; something was found */
    CLI_PARTLY = 1, /* nothing found, or some files failed (they are listed) */
    CLI_USAGE = 2,  /* a wrong flag or argument */
    CLI_FAILED = 3  /* anything else */
};

/* ---- options ---- */

enum cli_opt_kind {
    CLI_FLAG,
    CLI_TEXT,
    CLI_INT,
    CLI_NUM,
    CLI_LIST,
    CLI_SETTING /* global: goes to the settings */
};

struct cli_list {
    const char **items; /* borrowed from argv or the settings */
    size_t n;
};

/* One option. `value` points at bool, const char *, int64_t, double or struct cli_list by kind. */
struct cli_opt {
    const char *name; /* long name */
    char letter;      /* 0: none */
    enum cli_opt_kind kind;
    const char *arg; /* name of its argument in help; NULL for flags */
    const char *help;
    void *value;
    double min, max; /* CLI_INT, CLI_NUM: accepted range when max > min */
    int setting;     /* CLI_SETTING: SET_... */
};

struct cli_ctx;
struct cli_command;

enum { CLI_HELPED = -1 }; /* --help was asked for and shown: exit with CLI_OK */

/* Parse argv[1..argc): the command's options and the global ones, anywhere, "--" ends them; for the program itself (command
 * NULL) only up to the first argument. Arguments that are left go to *args (borrowed, in order). Returns 0, CLI_HELPED, or
 * CLI_USAGE after saying on stderr what is wrong. */
int cli_parse(struct cli_ctx *ctx, const struct cli_command *command, int argc, char **argv,
              const struct cli_opt *opts, size_t nopts, struct cli_list *args);
void cli_list_free(struct cli_list *list);
int cli_list_add(struct cli_list *list, const char *item);

/* ---- settings: file < environment < flag ---- */

enum cli_origin { CLI_FROM_DEFAULT, CLI_FROM_FILE, CLI_FROM_ENV, CLI_FROM_FLAG };

struct cli_setting {
    const char *key; /* in the file and, as --key, on the command line */
    const char *env;
    const char *help;
    char *value; /* NULL: unset */
    enum cli_origin origin;
};

enum {
    SET_LIBRARY,
    SET_STORE,
    SET_MODEL,
    SET_MODELS_DIR,
    SET_SHARE,
    SET_THREADS,
    SET_MAX_BYTES,
    SET_MAX_PIXELS,
    SET_MAX_SECONDS,
    SET_EXCLUDE,
    SET_ORIGINALS,
    SET_LISTEN,
    SET_BASE_PATH,
    SET_TLS_CERT,
    SET_TLS_KEY,
    SET_ALLOW_ROOT,
    SET_HOST,
    SET_CORS,
    SET_LOG,
    SET_ACCESS_LOG,
    SET_MAX_UPLOAD,
    SET_RATE,
    SET_SAMPLES,
    SET_WATCH,
    SET_WATCH_POLL,
    SET_SERVER,
    SET_KEY_FILE,
    SET_MILVUS_INDEX,
    SET_MILVUS_INDEX_PARAMS,
    SET_MILVUS_SEARCH_PARAMS,
    SET_MILVUS_CONSISTENCY,
    SET_MILVUS_TIMEOUT,
    SET_COUNT
};

struct cli_settings {
    struct cli_setting all[SET_COUNT];
    char *file; /* path of the settings file, read or not */
    bool file_read;
};

/* Defaults, then the file, then the environment. CLI_FAILED or CLI_USAGE (a line it can't read) after saying so. */
int cli_settings_load(struct cli_settings *s);
int cli_settings_flag(struct cli_settings *s, int which, const char *value);
void cli_settings_free(struct cli_settings *s);
const char *cli_origin_name(enum cli_origin origin);

/* ---- commands ---- */

struct cli_ctx {
    struct cli_settings settings;
    bool verbose, quiet, version;
    eye_options options; /* made from the settings by cli_options; strings borrowed from them */
};

/* A whole number of 1..max from a setting, 0 when it is unset. False after saying what is wrong. */
bool cli_setting_number(const struct cli_setting *s, uint64_t max, uint64_t *out);
/* The items of a setting that holds a list, cut at `separator` in place in *copy (yours to free), before those of the flags. */
int cli_setting_list(const struct cli_setting *s, const char *separator, char **copy,
                     struct cli_list *list);

/* The settings as library options; CLI_USAGE after saying which value is no number. */
int cli_options(struct cli_ctx *ctx);

/* ---- where.c: where the library lies ---- */
bool cli_is_server(const char *store); /* else it is a folder */
/* What the setting `store` and those of Milvus mean; CLI_USAGE after saying why. */
int cli_store_options(const struct cli_settings *s, eye_options *o);
/* The address without its secrets; yours, NULL without memory. */
char *cli_store_shown(const char *store);
void cli_store_hide(char *arg);             /* its secrets, in place */
char *cli_where(const struct cli_ctx *ctx); /* store or library, for people; yours */

struct cli_command {
    const char *name;
    const char *args;    /* "WORDS..." */
    const char *summary; /* one line, no full stop */
    const char *text;    /* paragraphs for --help and the man page */
    const char *hint;    /* said after an unknown option; NULL: nothing */
    int (*run)(struct cli_ctx *ctx, int argc, char **argv); /* argv[0] is the command's name */
    const struct cli_opt
        *opts; /* its options, their `value` NULL: for help, man page and completion */
    size_t nopts;
};

extern const struct cli_command cmd_duplicates, cmd_index, cmd_search, cmd_serve, cmd_key,
    cmd_status, cmd_failures, cmd_remove, cmd_verify, cmd_backup, cmd_restore, cmd_export,
    cmd_import, cmd_model, cmd_config, cmd_doctor, cmd_health, cmd_completion;
extern const struct cli_command *const cli_commands[]; /* NULL-terminated */
const struct cli_command *cli_command_find(const char *name);
const struct cli_opt *cli_global_opts(size_t *n);
void cli_help_command(const struct cli_command *c, FILE *out);
void cli_help(FILE *out);

/* Open the library of the settings; on failure says why on stderr and returns NULL. */
eye_lib *cli_open(struct cli_ctx *ctx, bool create);

/* ---- output ---- */

/* "eyeshine: ..." on stderr. cli_fail prints err and returns the exit code that fits it. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_fail(const struct eye_err *err);
bool cli_tty(FILE *f);
/* A path for people: control characters and bytes that are not UTF-8 as \xNN; raw when `f` is no terminal. */
void cli_put_path(FILE *f, const char *path);
/* Members "path" and, where it is not UTF-8, "path_base64" (the true bytes). */
struct json_writer;
void cli_json_path(struct json_writer *w, const char *path);
void cli_json_time(struct json_writer *w, const char *key,
                   int64_t seconds); /* ISO 8601 UTC, or null */
/* One line on stdout: the object in `b`; clears it. */
int cli_put_json(struct buf *b);
const char *cli_count(uint64_t n, const char *thing, char out[48]); /* "1 file", "2 files" */
void cli_human_bytes(uint64_t n, char out[24]);                     /* "55.4 MB" */
void cli_human_time(double seconds, char out[24]);                  /* "1:02:03", "0:07" */
void cli_human_date(int64_t seconds, char out[32]);                 /* "2026-11-23 22:40", local */

/* Stop switch: SIGINT and SIGTERM set it; a second SIGINT ends the program at once. */
void cli_catch_signals(void);
bool cli_stopped(void);
const volatile int *cli_stop_flag(void); /* not zero: stopped */

/* The progress of an index run: a bar on a terminal, else a line every ten seconds. */
struct cli_progress;
struct cli_progress *cli_progress_new(FILE *out, bool quiet);
void cli_progress_show(struct cli_progress *p, const eye_index_progress *now);
void cli_progress_clear(struct cli_progress *p); /* before another line is written */
void cli_progress_free(struct cli_progress *p);

/* The same for work whose size is known, or 0: bytes, or things. cli_meter_step is an eye_backup_options.progress with the meter (or NULL)
 * as ctx; it returns non-zero after Ctrl-C. */
struct cli_meter;
struct cli_meter *cli_meter_new(const char *what, bool bytes, bool quiet);
int cli_meter_step(void *ctx, uint64_t done, uint64_t total);
void cli_meter_free(struct cli_meter *m);

/* Shared by `index` and `failures --retry`. */
int cli_run_index(struct cli_ctx *ctx, eye_lib *lib, const struct cli_list *paths,
                  eye_index_options *o, bool json);

#endif
