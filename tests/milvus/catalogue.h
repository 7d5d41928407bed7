/* catalogue.h - both collections of a library, made and filled row by row without what writes them in the program: for tests of questions. */
#ifndef TESTS_MILVUS_CATALOGUE_H
#define TESTS_MILVUS_CATALOGUE_H

#include "live.h"

#include "base/half.h"
#include "store/milvus_find.h"
#include "store/milvus_store.h"

struct catalogue {
    struct milvus *m;
    struct milvus_finder f;
    struct milvus_columns *pictures, *files;
    struct milvus_field fields[PIC_ALL];
    struct store_root roots[8];
    struct eye_err err;
};

#define DO(c, call)                                                                                \
    do {                                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            print_error("%s: %d %s\n", #call, rc_, (c)->err.msg);                                  \
        assert_int_equal(rc_, 0);                                                                  \
    } while (0)

static inline void catalogue_create(struct catalogue *c, enum milvus_which which,
                                    const struct milvus_field *fields, size_t n)
{
    Mv__FieldSchema f[PIC_ALL], *list[PIC_ALL];
    Mv__KeyValuePair pair[PIC_ALL], *pairs[PIC_ALL];
    char value[PIC_ALL][16];
    for (size_t i = 0; i < n; i++) {
        mv__field_schema__init(&f[i]);
        mv__key_value_pair__init(&pair[i]);
        f[i].name = (char *)(uintptr_t)fields[i].name;
        f[i].data_type = (int32_t)fields[i].type;
        f[i].is_primary_key = i == 0;
        snprintf(value[i], sizeof value[i], "%d", fields[i].dim ? fields[i].dim : 16384);
        pair[i].key = (char *)(uintptr_t)(fields[i].dim ? "dim" : "max_length");
        pair[i].value = value[i];
        pairs[i] = &pair[i];
        if (fields[i].dim || fields[i].type == MILVUS_TEXT) {
            f[i].type_params = &pairs[i];
            f[i].n_type_params = 1;
        }
        list[i] = &f[i];
    }
    Mv__CollectionSchema schema = MV__COLLECTION_SCHEMA__INIT;
    schema.name = (char *)(uintptr_t)milvus_collection(c->m, which);
    schema.fields = list;
    schema.n_fields = n;
    Mv__CreateCollectionRequest r = MV__CREATE_COLLECTION_REQUEST__INIT;
    r.collection_name = schema.name;
    r.schema.len = mv__collection_schema__get_packed_size(&schema);
    r.schema.data = malloc(r.schema.len);
    mv__collection_schema__pack(&schema, r.schema.data);
    r.shards_num = 1;
    r.consistency_level = 2;
    DO(c, milvus_call(c->m, "CreateCollection", &r.base, &mv__status__descriptor, NULL, &c->err));
    free(r.schema.data);
}

/* name: of the collection; type: of the index. */
static inline void catalogue_open(struct catalogue *c, const char *name, int dim, const char *type)
{
    char url[256];
    struct milvus_index flat;
    const struct milvus_options patient = {.patience_ms = 600000}; /* a busy machine loads slowly */
    memset(c, 0, sizeof *c);
    c->m = milvus_open(live_url(name, url), &patient, &c->err);
    assert_non_null(c->m);
    milvus_picture_fields(c->fields, dim);
    catalogue_create(c, MILVUS_PICTURES, c->fields, PIC_ALL);
    catalogue_create(c, MILVUS_FILES, milvus_file_fields, ROW_ALL);
    c->f = (struct milvus_finder){.m = c->m, .dim = dim, .roots = c->roots};
    DO(c, milvus_index_choose(type, NULL, NULL, 100000, false, &c->f.index, &c->err));
    DO(c, milvus_index_choose("FLAT", NULL, NULL, 0, false, &flat, &c->err));
    DO(c, milvus_index_make(c->m, MILVUS_PICTURES, &c->f.index, &c->err));
    DO(c, milvus_index_make(c->m, MILVUS_FILES, &flat, &c->err));
    DO(c, milvus_load(c->m, MILVUS_PICTURES, &c->err));
    DO(c, milvus_load(c->m, MILVUS_FILES, &c->err));
    c->pictures = milvus_columns_new(c->fields, PIC_ALL, &c->err);
    c->files = milvus_columns_new(milvus_file_fields, ROW_ALL, &c->err);
    assert_true(c->pictures && c->files);
}

static inline int64_t catalogue_root(struct catalogue *c, const char *path)
{
    int64_t id = milvus_root_id(path);
    for (size_t i = 0; i < c->f.nroots; i++)
        if (c->roots[i].id == id)
            return id;
    assert_true(c->f.nroots < 8);
    c->roots[c->f.nroots++] = (struct store_root){.id = id, .path = strdup(path)};
    return id;
}

/* p->id gets its id. vector [dim] or NULL: none. */
static inline void catalogue_put(struct catalogue *c, struct store_picture *p, const float *vector)
{
    p->id = milvus_picture_id(&p->hash, 0);
    struct milvus_pic pic = {
        .p = *p, .embedded = vector != NULL, .vector = (float *)(uintptr_t)vector};
    DO(c, milvus_pic_write(c->pictures, &pic, &c->err));
}

static inline void catalogue_file(struct catalogue *c, int64_t root, const char *rel,
                                  int64_t picture, int64_t mtime_ns)
{
    struct milvus_row row = {.root = root,
                             .rel = (char *)(uintptr_t)rel,
                             .picture = picture,
                             .mtime_ns = mtime_ns,
                             .reason = (char *)(uintptr_t) ""};
    const char *path = NULL;
    for (size_t i = 0; i < c->f.nroots; i++)
        path = c->roots[i].id == root ? c->roots[i].path : path;
    milvus_file_key(root, rel, row.key);
    DO(c, milvus_row_write(c->files, &row, path, &c->err));
}

static inline void catalogue_write(struct catalogue *c)
{
    DO(c, milvus_upsert(c->m, MILVUS_PICTURES, c->pictures, &c->err));
    if (milvus_columns_n(c->files))
        DO(c, milvus_upsert(c->m, MILVUS_FILES, c->files, &c->err));
    milvus_columns_clear(c->pictures);
    milvus_columns_clear(c->files);
}

static inline void catalogue_drop(struct catalogue *c)
{
    for (int which = 0; which < 2; which++) {
        Mv__CollectionRequest r = MV__COLLECTION_REQUEST__INIT;
        r.collection_name = (char *)(uintptr_t)milvus_collection(c->m, (enum milvus_which)which);
        DO(c,
           milvus_call(c->m, "ReleaseCollection", &r.base, &mv__status__descriptor, NULL, &c->err));
        DO(c, milvus_call(c->m, "DropCollection", &r.base, &mv__status__descriptor, NULL, &c->err));
    }
    for (size_t i = 0; i < c->f.nroots; i++)
        free(c->roots[i].path);
    milvus_columns_free(c->pictures);
    milvus_columns_free(c->files);
    milvus_close(c->m);
}

#endif
