/* idmap.h - id -> row number: open addressing over row numbers, the ids themselves stay in the caller's array.
 * Readers may share it; a writer needs it alone. */
#ifndef VECTOR_IDMAP_H
#define VECTOR_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct idmap {
    uint32_t *slots; /* [nslots] row + 1; 0: empty */
    size_t nslots;   /* 0 or a power of two, at least 2 * used */
    size_t used;
};

enum { IDMAP_ROWS_MAX = INT32_MAX };

void idmap_release(struct idmap *map);
/* Room for one more; after it idmap_put cannot fail. */
int idmap_reserve(struct idmap *map, const int64_t *ids, struct eye_err *err);
/* ids[row] must hold the id and not be in the map. */
void idmap_put(struct idmap *map, const int64_t *ids, size_t row);
bool idmap_find(const struct idmap *map, const int64_t *ids, int64_t id, size_t *row);
/* Take ids[row] out, which must be in the map. */
void idmap_drop(struct idmap *map, const int64_t *ids, size_t row);

#endif
