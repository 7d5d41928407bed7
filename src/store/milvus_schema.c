/* milvus_schema.c - both collections: made, and checked before they are used.
 *
 * A schema can't be changed afterwards, so it is explicit (no dynamic field) and has a version, which stands in the collection's description
 * beside the model. Several machines may make it at the same moment: whoever comes second gets an error from some servers and a yes from others,
 * so a failure to make it is only one if it is not there, right, afterwards.
 *
 * milvus-lite forgets descriptions. So the same text is also a row of the files, under the key of all zeros, and that is asked where a description is empty. */
#include "store/milvus_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/milvus_fetch.h"
#include "store/milvus_index.h"

enum { MAX_FIELDS = 24, BOUNDED = 2, REL_MAX = 16384, OTHERS_TRIES = 20, OTHERS_MS = 100 };
_Static_assert(PIC_ALL <= (int)MAX_FIELDS && ROW_ALL <= (int)MAX_FIELDS, "room for all fields");

/* ---- what it says of itself ---- */

int milvus_schema_tell(enum milvus_which which, const struct milvus_model *model, struct buf *out,
                       struct eye_err *err)
{
    struct json_writer w;
    char hex[HASH_HEX_LEN + 1];
    jw_init(&w, out);
    jw_object(&w);
    jw_kint(&w, "eyeshine", MILVUS_LAYOUT);
    if (which == MILVUS_PICTURES) {
        hash_to_hex(&model->fingerprint, hex);
        jw_kstr(&w, "model", hex);
        jw_kstr(&w, "name", model->name);
        jw_kint(&w, "dim", model->dim);
    } else {
        jw_kstr(&w, "holds", "files");
    }
    jw_object_end(&w);
    return w.code ? eye_fail(err, w.code, "the collection's description cannot be written") : 0;
}

static int heard(const struct json *v, enum milvus_which which, const char *name,
                 struct milvus_model *model, struct eye_err *err)
{
    int64_t layout = json_get_int(v, "eyeshine", 0), dim = json_get_int(v, "dim", 0);
    if (layout < 1)
        return eye_fail(err, EYE_EFORMAT,
                        "%s is a collection of another program: give another name in the URL",
                        name);
    if (layout > MILVUS_LAYOUT)
        return eye_fail(err, EYE_EFORMAT,
                        "%s has layout %lld and this program knows %d: use a newer eyeshine", name,
                        (long long)layout, MILVUS_LAYOUT);
    if (which == MILVUS_FILES)
        return strcmp(json_get_str(v, "holds", ""), "files") == 0
                   ? 0
                   : eye_fail(err, EYE_EFORMAT,
                              "%s does not hold files: give another name in the URL", name);
    *model = (struct milvus_model){.dim = (int)dim};
    if (dim < 1 || dim > 4096 ||
        hash_from_hex(json_get_str(v, "model", ""), &model->fingerprint, NULL))
        return eye_fail(err, EYE_EFORMAT, "%s does not say of which model it is", name);
    const char *text = json_get_str(v, "name", "");
    size_t len = strlen(text);
    len = len < sizeof model->name ? len : sizeof model->name - 1;
    memcpy(model->name, text, len);
    return 0;
}

int milvus_schema_heard(const char *text, enum milvus_which which, const char *name,
                        struct milvus_model *model, struct eye_err *err)
{
    struct json *v = json_parse(text, strlen(text), "description", NULL);
    int rc = heard(json_is_object(v) ? v : NULL, which, name, model, err);
    json_free(v);
    return rc;
}

/* ---- fields ---- */

static size_t fields_of(enum milvus_which which, int dim, struct milvus_field *fields)
{
    if (which == MILVUS_PICTURES) {
        milvus_picture_fields(fields, dim);
        return PIC_ALL;
    }
    memcpy(fields, milvus_file_fields, ROW_ALL * sizeof *fields);
    return ROW_ALL;
}

/* Bytes that a text may have: bytes that are no UTF-8 take four. */
static int most_of(enum milvus_which which, size_t i)
{
    if (which == MILVUS_FILES)
        return i == ROW_ID ? MILVUS_KEY : i == ROW_REASON ? 4096 : REL_MAX;
    return i == PIC_HASH ? HASH_HEX_LEN : i == PIC_MOSAIC ? 128 : i == PIC_FORMAT ? 48 : 384;
}

struct fields {
    Mv__FieldSchema schema[MAX_FIELDS], *list[MAX_FIELDS];
    Mv__KeyValuePair pair[MAX_FIELDS], *pairs[MAX_FIELDS];
    char number[MAX_FIELDS][16];
};

static void fill_fields(struct fields *f, const struct milvus_field *fields, size_t n,
                        enum milvus_which which)
{
    for (size_t i = 0; i < n; i++) {
        Mv__FieldSchema *x = &f->schema[i];
        bool text = fields[i].type == MILVUS_TEXT, vector = fields[i].type == MILVUS_VECTOR;
        mv__field_schema__init(x);
        mv__key_value_pair__init(&f->pair[i]);
        x->name = (char *)(uintptr_t)fields[i].name;
        x->is_primary_key = i == 0;
        x->data_type = (int)fields[i].type;
        f->list[i] = x;
        f->pairs[i] = &f->pair[i];
        if (!text && !vector)
            continue;
        snprintf(f->number[i], sizeof f->number[i], "%d", text ? most_of(which, i) : fields[i].dim);
        f->pair[i].key = text ? "max_length" : "dim";
        f->pair[i].value = f->number[i];
        x->n_type_params = 1;
        x->type_params = &f->pairs[i];
    }
}

static int pack_schema(struct milvus *m, enum milvus_which which, const struct milvus_model *model,
                       struct buf *out, struct eye_err *err)
{
    struct milvus_field all[MAX_FIELDS];
    Mv__CollectionSchema schema = MV__COLLECTION_SCHEMA__INIT;
    struct buf text;
    struct fields *f = mem_calloc(1, sizeof *f, err);
    if (!f)
        return EYE_ENOMEM;
    buf_init(&text, 4096);
    int rc = milvus_schema_tell(which, model, &text, err);
    if (!rc) {
        schema.name = (char *)(uintptr_t)milvus_collection(m, which);
        schema.description = text.data;
        schema.n_fields = fields_of(which, model ? model->dim : 0, all);
        schema.fields = f->list;
        fill_fields(f, all, schema.n_fields, which);
        size_t len = mv__collection_schema__get_packed_size(&schema);
        rc = buf_reserve(out, len, err);
        if (!rc)
            out->len = mv__collection_schema__pack(&schema, (uint8_t *)out->data);
    }
    buf_release(&text);
    free(f);
    return rc;
}

/* ---- the row that tells it, for servers without descriptions ---- */

static void about_key(char key[1][MILVUS_KEY + 1])
{
    milvus_root_key(0, key[0]);
}

/* *text: yours; NULL: there is no such row. */
static int read_about(struct milvus *m, char **text, struct eye_err *err)
{
    static const struct milvus_field field = {"rel", MILVUS_TEXT, 0};
    struct milvus_rows *rows = NULL;
    struct buf expr;
    char key[1][MILVUS_KEY + 1];
    about_key(key);
    *text = NULL;
    buf_init(&expr, 4096);
    int rc = milvus_in_keys(&expr, (const char(*)[MILVUS_KEY + 1]) key, 1, err);
    if (!rc) {
        struct milvus_query q = {.which = MILVUS_FILES,
                                 .expr = expr.data,
                                 .fields = &field,
                                 .nfields = 1,
                                 .strong = true};
        rc = milvus_query(m, &q, &rows, err);
    }
    buf_release(&expr);
    if (!rc && milvus_rows_n(rows)) {
        *text = mem_strdup(milvus_rows_text(rows, 0, 0), err);
        rc = *text ? 0 : EYE_ENOMEM;
    }
    milvus_rows_free(rows);
    return rc;
}

/* Whoever comes first says it. */
static int write_about(struct milvus *m, const struct milvus_model *model, struct eye_err *err)
{
    char key[1][MILVUS_KEY + 1], *text;
    struct milvus_row row = {.kind = KIND_ABOUT};
    struct buf about;
    int rc = read_about(m, &text, err);
    if (rc || text) {
        free(text);
        return rc;
    }
    about_key(key);
    memcpy(row.key, key[0], sizeof row.key);
    buf_init(&about, 4096);
    struct milvus_columns *c = milvus_columns_new(milvus_file_fields, ROW_ALL, err);
    rc = c ? milvus_schema_tell(MILVUS_PICTURES, model, &about, err) : EYE_ENOMEM;
    row.rel = about.data;
    rc = rc ? rc : milvus_row_write(c, &row, "", err);
    rc = rc ? rc : milvus_upsert(m, MILVUS_FILES, c, err);
    milvus_columns_free(c);
    buf_release(&about);
    return rc;
}

/* ---- making ---- */

int milvus_schema_make(struct milvus *m, enum milvus_which which, const struct milvus_model *model,
                       struct eye_err *err)
{
    Mv__CreateCollectionRequest q = MV__CREATE_COLLECTION_REQUEST__INIT;
    struct buf schema;
    struct eye_err why = {0};
    int64_t since = milvus_now_ms();
    bool there = false;
    buf_init(&schema, 1 << 20);
    int rc = pack_schema(m, which, model, &schema, err);
    if (rc) {
        buf_release(&schema);
        return rc;
    }
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    q.schema.data = (uint8_t *)schema.data;
    q.schema.len = schema.len;
    q.shards_num = 1;
    q.consistency_level = BOUNDED;
    rc = which == MILVUS_PICTURES ? write_about(m, model, err) : 0;
    if (rc) {
        buf_release(&schema);
        return rc;
    }
    rc = milvus_call(m, "CreateCollection", &q.base, &mv__status__descriptor, NULL, &why);
    buf_release(&schema);
    /* Somebody else may be making it: it is there soon then. */
    for (int i = 0; rc && i < OTHERS_TRIES && !there; i++) {
        int gave_up =
            i ? milvus_wait(m, since, OTHERS_MS, "another machine makes the collection", -1, err)
              : 0;
        if (gave_up)
            return gave_up;
        if (milvus_has(m, which, &there, NULL))
            break;
    }
    return rc && !there ? eye_fail(err, rc, "%s", why.msg) : 0;
}

/* ---- checking ---- */

static int dim_of(const Mv__FieldSchema *f)
{
    for (size_t i = 0; i < f->n_type_params; i++)
        if (strcmp(f->type_params[i]->key, "dim") == 0)
            return (int)strtol(f->type_params[i]->value, NULL, 10);
    return 0;
}

static const Mv__FieldSchema *named(const Mv__CollectionSchema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i]->name, name) == 0)
            return schema->fields[i];
    return NULL;
}

static int check_fields(const Mv__CollectionSchema *schema, enum milvus_which which, int dim,
                        const char *name, struct eye_err *err)
{
    struct milvus_field all[MAX_FIELDS];
    size_t n = fields_of(which, dim, all);
    for (size_t i = 0; i < n; i++) {
        const Mv__FieldSchema *f = named(schema, all[i].name);
        if (!f || f->data_type != (int)all[i].type || f->is_primary_key != (i == 0))
            return eye_fail(
                err, EYE_EFORMAT,
                "%s: its field '%s' is %s: it was changed by another program, make a new "
                "collection under another name",
                name, all[i].name, f ? "of another type" : "missing");
        if (all[i].type == MILVUS_VECTOR && dim_of(f) != all[i].dim)
            return eye_fail(err, EYE_EFORMAT, "%s: '%s' has %d dimensions and not the %d it says",
                            name, all[i].name, dim_of(f), all[i].dim);
    }
    if (schema->n_fields > n)
        return eye_fail(err, EYE_EFORMAT,
                        "%s has fields that this program does not know: use a newer eyeshine",
                        name);
    return 0;
}

/* What it says of itself, or the row does. */
static int hear(struct milvus *m, enum milvus_which which, const char *description,
                const char *name, struct milvus_model *model, struct eye_err *err)
{
    char *text = NULL;
    if (*description)
        return milvus_schema_heard(description, which, name, model, err);
    if (which == MILVUS_FILES) /* its fields must do */
        return 0;
    int rc = read_about(m, &text, err);
    rc = rc == EYE_ENOTFOUND || rc == EYE_EBUSY
             ? 0
             : rc; /* there are no files, or none were ever read */
    rc = rc ? rc : milvus_schema_heard(text ? text : "", which, name, model, err);
    free(text);
    return rc;
}

int milvus_schema_check(struct milvus *m, enum milvus_which which, struct milvus_model *model,
                        struct eye_err *err)
{
    Mv__CollectionRequest q = MV__COLLECTION_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    char name[512];
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    int rc = milvus_call(m, "DescribeCollection", &q.base,
                         &mv__describe_collection_response__descriptor, &reply, err);
    if (rc)
        return rc;
    const Mv__CollectionSchema *schema = ((Mv__DescribeCollectionResponse *)reply)->schema;
    snprintf(name, sizeof name, "%s: collection %s", milvus_name(m), q.collection_name);
    *model = (struct milvus_model){.dim = 0};
    rc = schema ? hear(m, which, schema->description, name, model, err)
                : eye_fail(err, EYE_EFORMAT, "%s: the server does not describe it", name);
    rc = rc ? rc : check_fields(schema, which, model->dim, name, err);
    protobuf_c_message_free_unpacked(reply, NULL);
    return rc;
}

/* ---- indexes, and loading ---- */

/* An index of numbers makes the questions quick that are asked of many millions of paths (which files show this picture, what lies in this root). A
 * server that has none answers all the same, so a refusal is no failure. */
static void add_scalar_index(struct milvus *m, enum milvus_which which, const char *field)
{
    Mv__CreateIndexRequest q = MV__CREATE_INDEX_REQUEST__INIT;
    Mv__KeyValuePair pair = MV__KEY_VALUE_PAIR__INIT, *list[] = {&pair};
    pair.key = (char *)(uintptr_t) "index_type";
    pair.value = (char *)(uintptr_t) "STL_SORT";
    q.extra_params = list;
    q.n_extra_params = 1;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    q.field_name = q.index_name = (char *)(uintptr_t)field;
    milvus_call(m, "CreateIndex", &q.base, &mv__status__descriptor, NULL, NULL);
}

/* A new collection gets FLAT, which needs no building and is exact; what a large one gets is decided later, by its size. */
int milvus_schema_load(struct milvus *m, enum milvus_which which, bool read_only,
                       struct eye_err *err)
{
    static const char *const numbers[] = {"kind", "root", "picture"};
    static const struct milvus_index flat = {"FLAT", "{}", "{}"};
    struct milvus_index_state state;
    int rc = milvus_index_look(m, which, &state, err);
    if (rc || state.index.type[0])
        return rc ? rc : milvus_load(m, which, err);
    if (read_only)
        return eye_fail(err, EYE_EBUSY, "%s: collection %s is being made", milvus_name(m),
                        milvus_collection(m, which));
    /* The vectors' comes last: whoever finds it loads, and then no other may be added. */
    for (size_t i = 0; which == MILVUS_FILES && i < sizeof numbers / sizeof *numbers; i++)
        add_scalar_index(m, which, numbers[i]);
    rc = milvus_index_make(m, which, &flat, err);
    return rc ? rc : milvus_load(m, which, err);
}
