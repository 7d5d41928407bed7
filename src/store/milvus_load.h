/* milvus_load.h - what a collection needs before it answers: an index, and to be in the server's memory. */
#ifndef STORE_MILVUS_LOAD_H
#define STORE_MILVUS_LOAD_H

#include "store/milvus_store.h"

/* Make an index of the field where there is none; fine if there is one. params, metric: NULL where the type has none. */
int milvus_index_add(struct milvus *m, enum milvus_which which, const char *field, const char *type,
                     const char *metric, const char *params, struct eye_err *err);
/* Is there an index of the vectors? */
int milvus_index_there(struct milvus *m, enum milvus_which which, bool *there, struct eye_err *err);
/* Load it, and wait until it is. */
int milvus_load(struct milvus *m, enum milvus_which which, struct eye_err *err);

#endif
