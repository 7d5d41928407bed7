/* index.h - what `index` and `index --watch` share: how a run tells of itself. */
#ifndef CLI_INDEX_H
#define CLI_INDEX_H

#include "cli/cli.h"

struct index_run {
    struct cli_progress *progress; /* NULL: --json */
    struct buf line;
    bool json, quiet, dry;
};

/* Callbacks of eye_index_options; ctx: the struct index_run. */
int index_on_event(void *run, const eye_index_event *e);
int index_on_progress(void *run, const eye_index_progress *p);
/* One object with all counts. 0, or an exit code. */
int index_put_json(struct index_run *run, const char *event, const eye_index_progress *p);
/* "1000 indexed, 3 failed in 0:12 (83.1 pictures/s)" on stderr. */
void index_put_summary(const eye_index_progress *p, bool dry);

/* ---- index_watch.c ---- */
/* Index, then watch until a signal comes. w: settle, poll and index are set. An exit code. */
int index_watch(struct cli_ctx *ctx, eye_lib *lib, const struct cli_list *paths,
                const eye_watch_options *w, bool json);

#endif
