/* schema.h - tables of library.db and the way from older versions to this one. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/sqlite.h"

enum {
    SCHEMA_APPLICATION = 0x45796573, /* "Eyes" in the file's header at byte 68 */
    SCHEMA_VERSION = 3
};

/* Make sure that the connection looks at a library of this version: made if `create` and the database is empty,
 * brought up if it is older (for reading it is taken as it is: s->version says what there is). EYE_ENOTFOUND when it is empty, EYE_EFORMAT when it is foreign, newer or damaged. */
int schema_ready(struct store *s, bool create, struct eye_err *err);

#endif
