/* writer.h - what tests may do to a writer: let a step fail. */
#ifndef VECTOR_WRITER_H
#define VECTOR_WRITER_H

#include "vector/vector.h"

enum writer_step { WRITER_WRITE, WRITER_SYNC, WRITER_CLOSE, WRITER_SYNC_FOLDER };

/* Asked before each call of the system: not 0 is an errno that the call is taken to have failed with. */
struct writer_hook {
    int (*before)(void *ctx, enum writer_step step);
    void *ctx;
};
void writer_set_hook(struct vector_writer *w, const struct writer_hook *hook);

#endif
