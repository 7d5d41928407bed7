/* safetensors.c - see safetensors.h.
 *
 * The directory becomes one sorted array that is searched by bisection: a tower asks for a few hundred names once,
 * so a hash table would buy nothing. The JSON tree is freed at once; names are kept in one block.
 * Offsets may overlap (tied weights are stored so by some tools); that harms nobody, since all is read-only. */
#include "clip/safetensors.h"

#include <sys/mman.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"

enum { HEADER_MAX = 100000000, RANK_MAX = 16, NAME_MAX_LEN = 1024 };

struct entry {
    size_t name;     /* offset in names */
    bool usable;     /* dtype and rank that struct tensor can hold */
    char stored[12]; /* dtype as the file calls it */
    struct tensor t;
};

struct safetensors {
    char *path;
    struct fs_map map;
    struct buf names;
    struct entry *entries; /* sorted by name */
    size_t n;
    uint64_t count[3]; /* numbers of each enum dtype */
};

/* Types of the format; bits because of its packed ones. */
static const struct {
    const char *name;
    unsigned bits;
    bool usable;
    enum dtype dtype;
} stored_types[] = {
    {"F32", 32, true, DT_F32},  {"F16", 16, true, DT_F16},     {"BF16", 16, true, DT_BF16},
    {"F64", 64, false, DT_F32}, {"I64", 64, false, DT_F32},    {"I32", 32, false, DT_F32},
    {"I16", 16, false, DT_F32}, {"I8", 8, false, DT_F32},      {"U64", 64, false, DT_F32},
    {"U32", 32, false, DT_F32}, {"U16", 16, false, DT_F32},    {"U8", 8, false, DT_F32},
    {"BOOL", 8, false, DT_F32}, {"F8_E4M3", 8, false, DT_F32}, {"F8_E5M2", 8, false, DT_F32},
    {"C64", 64, false, DT_F32}, {"F8_E8M0", 8, false, DT_F32}, {"F4", 4, false, DT_F32},
};

/* What the callbacks of json_each() share. */
struct reader {
    struct safetensors *st;
    const uint8_t *data; /* the block of numbers */
    size_t data_len;
    struct eye_err *err;
};

static int read_shape(const struct reader *r, const char *name, const struct json *shape,
                      struct entry *e, size_t *count)
{
    if (!json_is_array(shape) || json_size(shape) > RANK_MAX)
        return eye_fail(r->err, EYE_EFORMAT, "%s: tensor %s has no usable shape", r->st->path,
                        name);
    size_t rank = json_size(shape);
    e->usable = e->usable && rank <= 4;
    e->t.ndim = rank <= 4 ? (int)rank : 0;
    *count = 1;
    for (size_t i = 0; i < rank; i++) {
        int64_t side = json_int(json_at(shape, i), -1);
        if (side < 0 || !size_mul(*count, (size_t)side, count))
            return eye_fail(r->err, EYE_EFORMAT, "%s: tensor %s has an impossible shape",
                            r->st->path, name);
        if (rank <= 4)
            e->t.shape[i] = (size_t)side;
    }
    return 0;
}

/* The numbers of `e` lie at [begin, end) of the block and fill it exactly. */
static int read_offsets(const struct reader *r, const char *name, const struct json *offsets,
                        size_t count, unsigned bits, struct entry *e)
{
    const char *path = r->st->path;
    if (!json_is_array(offsets) || json_size(offsets) != 2)
        return eye_fail(r->err, EYE_EFORMAT, "%s: tensor %s has no data_offsets", path, name);
    int64_t begin = json_int(json_at(offsets, 0), -1);
    int64_t end = json_int(json_at(offsets, 1), -1);
    if (begin < 0 || end < begin || (uint64_t)end > r->data_len)
        return eye_fail(r->err, EYE_EFORMAT,
                        "%s: tensor %s lies outside the file; the file is damaged or was cut short",
                        path, name);
    size_t total_bits;
    if (!size_mul(count, bits, &total_bits) || total_bits % 8 != 0 ||
        total_bits / 8 != (size_t)(end - begin))
        return eye_fail(r->err, EYE_EFORMAT,
                        "%s: tensor %s has %lld bytes, which does not fit its shape and type", path,
                        name, (long long)(end - begin));
    e->t.data = r->data + begin;
    return 0;
}

static int read_entry(void *ctx, const char *name, const struct json *v)
{
    struct reader *r = ctx;
    struct safetensors *st = r->st;
    if (strcmp(name, "__metadata__") == 0)
        return 0;
    if (strlen(name) > NAME_MAX_LEN || !json_is_object(v))
        return eye_fail(r->err, EYE_EFORMAT, "%s: entry %.60s of the header is no tensor", st->path,
                        name);
    struct entry e = {.name = st->names.len};
    const char *stored = json_get_str(v, "dtype", "");
    size_t type = 0, ntypes = sizeof(stored_types) / sizeof(stored_types[0]);
    while (type < ntypes && strcmp(stored, stored_types[type].name) != 0)
        type++;
    if (type == ntypes)
        return eye_fail(r->err, EYE_EFORMAT, "%s: tensor %s has the unknown type '%.20s'", st->path,
                        name, stored);
    snprintf(e.stored, sizeof(e.stored), "%s", stored);
    e.usable = stored_types[type].usable;
    e.t.dtype = stored_types[type].dtype;

    size_t count;
    int code = read_shape(r, name, json_get(v, "shape"), &e, &count);
    if (!code)
        code =
            read_offsets(r, name, json_get(v, "data_offsets"), count, stored_types[type].bits, &e);
    if (!code)
        code = buf_append(&st->names, name, strlen(name) + 1, r->err);
    if (code)
        return code;
    if (e.usable)
        st->count[e.t.dtype] += count;
    st->entries[st->n++] = e;
    return 0;
}

static int by_name(const void *a, const void *b, void *names)
{
    const char *base = names;
    return strcmp(base + ((const struct entry *)a)->name, base + ((const struct entry *)b)->name);
}

static int read_header(struct safetensors *st, struct eye_err *err)
{
    if (st->map.len < 8)
        return eye_fail(err, EYE_EFORMAT, "%s: too short for a safetensors file (%zu bytes)",
                        st->path, st->map.len);
    uint64_t len = 0;
    for (int i = 7; i >= 0; i--)
        len = len << 8 | st->map.data[i];
    if (len > st->map.len - 8)
        return eye_fail(err, EYE_EFORMAT,
                        "%s: no safetensors file, or cut short: the header says %llu bytes, the "
                        "file has %zu",
                        st->path, (unsigned long long)len, st->map.len);
    if (len > HEADER_MAX)
        return eye_fail(err, EYE_ELIMIT, "%s: the header is larger than 100 MB", st->path);

    struct json *root = json_parse((const char *)st->map.data + 8, (size_t)len, st->path, err);
    if (!root)
        return err ? err->code : EYE_EFORMAT;
    int code = 0;
    if (!json_is_object(root))
        code = eye_fail(err, EYE_EFORMAT, "%s: the header is no JSON object", st->path);
    if (!code) {
        st->entries = mem_calloc(json_size(root), sizeof(*st->entries), err);
        code = st->entries ? 0 : EYE_ENOMEM;
    }
    if (!code) {
        struct reader r = {st, st->map.data + 8 + len, st->map.len - 8 - (size_t)len, err};
        code = json_each(root, read_entry, &r);
    }
    json_free(root);
    if (!code && st->n > 1)
        qsort_r(st->entries, st->n, sizeof(*st->entries), by_name, st->names.data);
    return code;
}

struct safetensors *safetensors_open(const char *path, struct eye_err *err)
{
    struct safetensors *st = mem_calloc(1, sizeof(*st), err);
    if (!st)
        return NULL;
    buf_init(&st->names, (size_t)HEADER_MAX);
    st->path = mem_strdup(path, err);
    if (!st->path || fs_map_open(path, &st->map, err) || read_header(st, err)) {
        safetensors_close(st);
        return NULL;
    }
    return st;
}

void safetensors_close(struct safetensors *st)
{
    if (!st)
        return;
    if (st->map.data)
        fs_map_close(&st->map);
    buf_release(&st->names);
    free(st->entries);
    free(st->path);
    free(st);
}

static const struct entry *find(const struct safetensors *st, const char *name)
{
    size_t low = 0, high = st->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = strcmp(name, st->names.data + st->entries[mid].name);
        if (cmp == 0)
            return &st->entries[mid];
        if (cmp < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

int safetensors_find(const struct safetensors *st, const char *name, struct tensor *out,
                     struct eye_err *err)
{
    const struct entry *e = find(st, name);
    if (!e)
        return eye_fail(err, EYE_ENOTFOUND, "%s: the tensor %s is missing", st->path, name);
    if (!e->usable)
        return eye_fail(err, EYE_EFORMAT,
                        "%s: the tensor %s is stored as %s or with too many dimensions; weights "
                        "must be F32, F16 or BF16 with at most four",
                        st->path, name, e->stored);
    *out = e->t;
    return 0;
}

bool safetensors_has(const struct safetensors *st, const char *name)
{
    return find(st, name) != NULL;
}

const char *safetensors_path(const struct safetensors *st)
{
    return st->path;
}

uint64_t safetensors_bytes(const struct safetensors *st)
{
    return st->map.len;
}

uint64_t safetensors_parameters(const struct safetensors *st)
{
    return st->count[DT_F32] + st->count[DT_F16] + st->count[DT_BF16];
}

const char *safetensors_dtype(const struct safetensors *st)
{
    const uint64_t *c = st->count;
    if (c[DT_F16] > c[DT_F32] && c[DT_F16] >= c[DT_BF16])
        return "f16";
    return c[DT_BF16] > c[DT_F32] ? "bf16" : "f32";
}

void safetensors_forget_pages(const struct safetensors *st)
{
    if (st->map.data)
        madvise((void *)(uintptr_t)st->map.data, st->map.len, MADV_DONTNEED);
}
