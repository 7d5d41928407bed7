/* test_safetensors.c - the directory of a weights file, whole and hostile. */
#include "recipe.h"

#include "clip/safetensors.h"

static char dir[256];

/* Write a file with this header (its length field says `len`) and `data_len` bytes of numbers 0, 1, 2 ... */
static const char *write_file(uint64_t len, const char *header, size_t header_len, size_t data_len)
{
    static char path[512];
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_int_equal(buf_append(&b, &len, 8, NULL), 0);
    assert_int_equal(buf_append(&b, header, header_len, NULL), 0);
    for (size_t i = 0; i < data_len; i++)
        assert_int_equal(buf_putc(&b, (char)i, NULL), 0);
    scratch_write(dir, "w.safetensors", b.data, b.len);
    buf_release(&b);
    scratch_path(dir, "w.safetensors", path);
    return path;
}

static struct safetensors *open_header(const char *header, size_t data_len, struct eye_err *err)
{
    *err = (struct eye_err){0, ""};
    size_t n = strlen(header);
    return safetensors_open(write_file(n, header, n, data_len), err);
}

static void finds_tensors(void **state)
{
    (void)state;
    struct eye_err err;
    struct safetensors *st =
        open_header("{\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
                    "\"__metadata__\":{\"format\":\"pt\"},"
                    "\"a.half\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                    "\"c\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[32,34]},"
                    "\"none\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[34,34]},"
                    "\"tied\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[8,32]},"
                    "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                    "\"deep\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,4]}}   ",
                    34, &err);
    assert_non_null(st);
    struct tensor t;
    assert_int_equal(safetensors_find(st, "b", &t, &err), 0);
    assert_int_equal(t.dtype, DT_F32);
    assert_int_equal(t.ndim, 2);
    assert_int_equal(t.shape[0], 2);
    assert_int_equal(t.shape[1], 3);
    assert_int_equal(((const uint8_t *)t.data)[0], 8);
    assert_int_equal(safetensors_find(st, "a.half", &t, &err), 0);
    assert_int_equal(t.dtype, DT_F16);
    assert_int_equal(((const uint8_t *)t.data)[7], 7);
    assert_int_equal(safetensors_find(st, "c", &t, &err), 0);
    assert_int_equal(t.dtype, DT_BF16);
    assert_int_equal(t.ndim, 0);
    assert_int_equal(safetensors_find(st, "none", &t, &err), 0);
    assert_int_equal(tensor_count(&t), 0);
    assert_int_equal(safetensors_find(st, "tied", &t, &err), 0);

    assert_true(safetensors_has(st, "ids"));
    assert_int_equal(safetensors_find(st, "ids", &t, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "I64"));
    assert_int_equal(safetensors_find(st, "deep", &t, &err), EYE_EFORMAT);
    assert_false(safetensors_has(st, "__metadata__"));
    assert_int_equal(safetensors_find(st, "a", &t, &err), EYE_ENOTFOUND);
    assert_non_null(strstr(err.msg, "w.safetensors"));
    assert_int_equal(safetensors_find(st, "", &t, &err), EYE_ENOTFOUND);
    assert_string_equal(safetensors_dtype(st), "f32");
    assert_int_equal(safetensors_parameters(st), 6 + 4 + 1 + 6);
    safetensors_forget_pages(st);
    assert_int_equal(safetensors_find(st, "b", &t, &err), 0);
    assert_int_equal(((const uint8_t *)t.data)[23], 31); /* the pages come back */
    safetensors_close(st);
    safetensors_close(NULL);
}

static void main_dtype(void **state)
{
    (void)state;
    struct eye_err err;
    struct safetensors *st =
        open_header("{\"a\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[0,6]},"
                    "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[6,10]}}",
                    10, &err);
    assert_non_null(st);
    assert_string_equal(safetensors_dtype(st), "bf16");
    safetensors_close(st);
    st = open_header("{\"a\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,6]}}", 6, &err);
    assert_non_null(st);
    assert_string_equal(safetensors_dtype(st), "f16");
    safetensors_close(st);
    st = open_header("{}", 0, &err);
    assert_non_null(st);
    assert_int_equal(safetensors_parameters(st), 0);
    safetensors_close(st);
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

/* Each with 16 bytes of numbers; part of the message that must come. */
static const struct {
    const char *header, *message;
} hostile[] = {
    {"", "w.safetensors"},
    {"[]", "no JSON object"},
    {"null", "no JSON object"},
    {"{", "w.safetensors"},
    {"{}{}", "w.safetensors"},
    {"{\"t\":1}", "no tensor"},
    {"{\"t\":null}", "no tensor"},
    {"{\"t\":[]}", "no tensor"},
    {"{\"t\":{}}", "unknown type"},
    {T("1", "[4]", "[0,16]"), "unknown type"},
    {T("\"f32\"", "[4]", "[0,16]"), "unknown type 'f32'"},
    {T("\"F128\"", "[1]", "[0,16]"), "unknown type"},
    {T("\"F32\"", "4", "[0,16]"), "no usable shape"},
    {T("\"F32\"", "null", "[0,16]"), "no usable shape"},
    {T("\"F32\"", "{\"0\":4}", "[0,16]"), "no usable shape"},
    {T("\"F32\"", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4]", "[0,16]"), "no usable shape"},
    {T("\"F32\"", "[-4]", "[0,16]"), "impossible shape"},
    {T("\"F32\"", "[4.5]", "[0,16]"), "impossible shape"},
    {T("\"F32\"", "[\"4\"]", "[0,16]"), "impossible shape"},
    {T("\"F32\"", "[null]", "[0,16]"), "impossible shape"},
    {T("\"F32\"", "[4294967296,4294967296]", "[0,16]"), "impossible shape"},
    {T("\"F32\"", "[4294967296,4294967296,0]", "[0,0]"), "impossible shape"},
    {T("\"F32\"", "[4611686018427387904]", "[0,0]"), "does not fit"},
    {T("\"F32\"", "[99999999999999999999]", "[0,16]"), "w.safetensors"},
    {T("\"F32\"", "[4]", "null"), "no data_offsets"},
    {T("\"F32\"", "[4]", "[]"), "no data_offsets"},
    {T("\"F32\"", "[4]", "[0]"), "no data_offsets"},
    {T("\"F32\"", "[4]", "[0,16,32]"), "no data_offsets"},
    {T("\"F32\"", "[4]", "{\"0\":0}"), "no data_offsets"},
    {T("\"F32\"", "[4]", "[0,17]"), "outside the file"},
    {T("\"F32\"", "[4]", "[1,17]"), "outside the file"},
    {T("\"F32\"", "[4]", "[-1,15]"), "outside the file"},
    {T("\"F32\"", "[4]", "[16,0]"), "outside the file"},
    {T("\"F32\"", "[4]", "[\"0\",\"16\"]"), "outside the file"},
    {T("\"F32\"", "[4]", "[0,9223372036854775807]"), "outside the file"},
    {T("\"F32\"", "[4]", "[9223372036854775800,9223372036854775807]"), "outside the file"},
    {T("\"F32\"", "[4]", "[0,12]"), "does not fit"},
    {T("\"F32\"", "[3]", "[0,16]"), "does not fit"},
    {T("\"F32\"", "[]", "[0,16]"), "does not fit"},
    {T("\"F16\"", "[4]", "[0,16]"), "does not fit"},
    {T("\"F32\"", "[0]", "[0,4]"), "does not fit"},
    {T("\"F4\"", "[3]", "[0,1]"), "does not fit"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
     "\"t\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
     "w.safetensors"},
};

static void refuses_hostile_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct eye_err err;
        struct safetensors *st = open_header(hostile[i].header, 16, &err);
        if (st)
            fail_msg("taken: %s", hostile[i].header);
        if (err.code != EYE_EFORMAT || !strstr(err.msg, hostile[i].message))
            fail_msg("%s: %d %s", hostile[i].header, err.code, err.msg);
    }
}

static void refuses_bad_lengths(void **state)
{
    (void)state;
    struct eye_err err;
    static const uint64_t lengths[] = {3, 100, 1U << 30, UINT64_MAX, UINT64_MAX - 7, 1ULL << 63};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_null(safetensors_open(write_file(lengths[i], "{}", 2, 0), &err));
        assert_int_equal(err.code, EYE_EFORMAT);
        assert_non_null(strstr(err.msg, "cut short"));
    }
    for (size_t n = 0; n < 8; n++) {
        char path[512];
        scratch_write(dir, "short", "\2\0\0\0\0\0\0\0", n);
        scratch_path(dir, "short", path);
        assert_null(safetensors_open(path, &err));
        assert_int_equal(err.code, EYE_EFORMAT);
        assert_non_null(strstr(err.msg, "too short"));
    }
    assert_null(safetensors_open("/nonexistent/w.safetensors", &err));
    assert_int_equal(err.code, EYE_ENOTFOUND);
    assert_null(safetensors_open(dir, &err)); /* a folder */
}

/* A sparse file whose header would have 100 MB and a byte. */
static void refuses_giant_header(void **state)
{
    (void)state;
    struct eye_err err;
    const char *path = write_file(100000001, "{", 1, 0);
    assert_int_equal(truncate(path, 100000001 + 8), 0);
    assert_null(safetensors_open(path, &err));
    assert_int_equal(err.code, EYE_ELIMIT);
}

/* Every truncation and every flipped bit of a good file: refused, or all that is found lies inside. */
static void survives_damage(void **state)
{
    (void)state;
    const char *header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                         "\"b\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[16,32]}}";
    size_t n = strlen(header), total = 8 + n + 32, refused = 0;
    struct buf good;
    buf_init(&good, 4096);
    assert_int_equal(fs_read_all(write_file(n, header, n, 32), &good, NULL), 0);
    for (size_t i = 0; i < total + total * 8; i++) {
        struct eye_err err;
        struct tensor t;
        char path[512], *copy = malloc(total);
        size_t len = i < total ? i : total;
        assert_non_null(copy);
        memcpy(copy, good.data, total);
        if (i >= total)
            copy[(i - total) / 8] ^= (char)(1 << (i - total) % 8);
        scratch_write(dir, "damaged", copy, len);
        free(copy);
        scratch_path(dir, "damaged", path);
        struct safetensors *st = safetensors_open(path, &err);
        refused += st == NULL;
        if (st && safetensors_find(st, "a", &t, &err) == 0) {
            float x[4];
            assert_true(tensor_count(&t) * dtype_size(t.dtype) <= 32);
            if (tensor_count(&t) <= 4)
                tensor_to_f32(&t, 0, tensor_count(&t), x);
        }
        safetensors_close(st);
    }
    assert_true(refused > total); /* all truncations, and most flips in the header */
    buf_release(&good);
}

static int setup(void **state)
{
    (void)state;
    scratch_open(dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_close(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_tensors),           cmocka_unit_test(main_dtype),
        cmocka_unit_test(refuses_hostile_headers), cmocka_unit_test(refuses_bad_lengths),
        cmocka_unit_test(refuses_giant_header),    cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
