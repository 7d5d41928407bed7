/* ids.h - sets of picture ids as ascending arrays. */
#ifndef STORE_IDS_H
#define STORE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Ascending and without doubles, but while they are collected. */
struct store_ids {
    int64_t *v;
    size_t n, cap;
};
int store_ids_add(struct store_ids *ids, int64_t id, struct eye_err *err);
void store_ids_free(struct store_ids *ids);
int store_ids_copy(struct store_ids *out, const struct store_ids *from, struct eye_err *err);
/* In any order and with doubles, as collected: a set after it. */
int store_ids_settle(struct store_ids *ids, struct eye_err *err);
bool store_ids_has(const struct store_ids *ids, int64_t id);
void store_ids_intersect(struct store_ids *a, const struct store_ids *b); /* a = a and b */
void store_ids_subtract(struct store_ids *a, const struct store_ids *b);  /* a = a without b */
int store_ids_unite(struct store_ids *a, const struct store_ids *b, struct eye_err *err);

#endif
