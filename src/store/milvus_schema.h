/* milvus_schema.h - both collections: made, and checked before they are used. */
#ifndef STORE_MILVUS_SCHEMA_H
#define STORE_MILVUS_SCHEMA_H

#include "base/buf.h"
#include "store/milvus_store.h"

enum { MILVUS_LAYOUT = 1 }; /* of both collections; in their descriptions */

/* Make the collection; fine if somebody else did, just now or long ago, in the same way. model: of pictures. */
int milvus_schema_make(struct milvus *m, enum milvus_which which, const struct milvus_model *model,
                       struct eye_err *err);
/* Is the collection, which is there, one of ours that this program can use? *model gets what pictures are of. EYE_EFORMAT: it is not. */
int milvus_schema_check(struct milvus *m, enum milvus_which which, struct milvus_model *model,
                        struct eye_err *err);
/* Make what the collection needs to be loaded, if nobody has, and load it. */
int milvus_schema_load(struct milvus *m, enum milvus_which which, bool read_only,
                       struct eye_err *err);
/* What a collection says of itself [JSON], and back: EYE_EFORMAT. */
int milvus_schema_tell(enum milvus_which which, const struct milvus_model *model, struct buf *out,
                       struct eye_err *err);
int milvus_schema_heard(const char *text, enum milvus_which which, const char *name,
                        struct milvus_model *model, struct eye_err *err);

#endif
