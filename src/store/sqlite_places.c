/* sqlite_places.c - where the bytes of a picture are, root and path apart, for those who open them. */
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

static int read_place(struct query *q, struct store_place *p, struct eye_err *err)
{
    *p = (struct store_place){.root = query_dup(q, 0, err),
                              .rel = query_dup(q, 1, err),
                              .size = (uint64_t)query_get_int(q, 2),
                              .mtime_ns = query_get_int(q, 3),
                              .offline = query_get_int(q, 4) != 0};
    return p->root && p->rel ? 0 : EYE_ENOMEM;
}

int sqlite_places(struct store *s, int64_t id, struct store_place **places, size_t *n,
                  struct eye_err *err)
{
    struct query q;
    int rc;
    *places = NULL;
    *n = 0;
    query_open(&q, s,
               "SELECT root.path, file.rel, file.size, file.mtime_ns, root.offline"
               " FROM file JOIN root ON root.id = file.root WHERE file.picture = ?"
               " ORDER BY root.offline, root.path, file.rel");
    query_int(&q, id);
    while ((rc = query_step(&q, err)) == 1) {
        struct store_place *more = mem_realloc(*places, *n + 1, sizeof *more, err);
        rc = more ? 0 : EYE_ENOMEM;
        if (rc)
            break;
        *places = more;
        rc = read_place(&q, &more[(*n)++], err);
        if (rc)
            break;
    }
    query_done(&q);
    if (rc) {
        store_places_free(*places, *n);
        *places = NULL;
        *n = 0;
    }
    return rc;
}
