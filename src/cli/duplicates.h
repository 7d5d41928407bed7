/* duplicates.h - `duplicates`: what its two ways, a library here and a server, print by. */
#ifndef CLI_DUPLICATES_H
#define CLI_DUPLICATES_H

#include "cli/cli.h"

struct dup_args {
    bool same, near, similar;
    int64_t distance; /* -1: the default */
    double cosine;    /* 0: the default */
    const char *path; /* absolute or a glob; NULL: all */
    int64_t limit;    /* groups of a kind; 0: all */
    bool json, null;
};

/* How groups are put out, and what they come to. */
struct dup_printer {
    const struct dup_args *args;
    struct buf line;
    uint64_t groups, spare; /* spare: members besides the representatives */
    uint64_t bytes;         /* of these */
    uint64_t left_out;      /* groups that -0 does not dare to name */
    int last_kind;          /* -1: none yet */
};
void dup_printer_init(struct dup_printer *p, const struct dup_args *args);
void dup_printer_release(struct dup_printer *p);
int dup_put(void *printer, const eye_dup_group *g); /* fn of eye_duplicates */
/* One line for people: what could be freed, and what is not known. Returns the exit code. */
int dup_sum_up(const struct dup_printer *p, uint64_t unknown, bool quiet);
/* A line on a terminal that is drawn again: "comparing: 120 of 1000". total 0 takes it away. */
void dup_show_progress(bool quiet, const char *what, uint64_t done, uint64_t total);
const char *dup_kind_name(eye_dup_kind kind);

/* remote_duplicates.c */
int dup_remote(struct cli_ctx *ctx, const struct dup_args *args, struct dup_printer *p,
               uint64_t *unknown);

#endif
