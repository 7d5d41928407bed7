/* spool.h - the files and fields of a form while it is read, and until its handler has returned. */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include "http/http.h"

enum { SPOOL_PARTS_MAX = 10000, SPOOL_TEXT_MAX = 1 << 20, SPOOL_NAMES_MAX = 4 << 20 };

struct http_spool {
    const char *dir;
    struct http_part *parts;
    size_t nparts, cap;
    size_t names, text; /* bytes of names, of plain fields */
    int fd;             /* of the file being written; -1 */
    struct buf value;   /* of the field being read */
    const char *detail; /* why something returned a status */
};

void http_spool_init(struct http_spool *s, const char *dir);
/* Each returns 0 or a status, and `detail` is set. */
int http_spool_begin(void *spool, const char *field, const char *filename, const char *type);
int http_spool_begin_body(struct http_spool *s, const char *type); /* a body that is no form */
int http_spool_data(void *spool, const char *bytes, size_t len);
int http_spool_end(void *spool);
/* Files that nobody moved away are deleted; the names stay readable. */
void http_spool_remove_files(struct http_spool *s);
void http_spool_release(struct http_spool *s);

#endif
