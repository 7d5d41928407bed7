/* weights.c - see weights.h. */
#include "clip/weights.h"

#include <stdarg.h>

#include "base/buf.h"

enum { NAME_MAX_LEN = 256 };

void weights_init(struct weights *w, const struct safetensors *st, bool check_only,
                  struct eye_err *err)
{
    *w =
        (struct weights){.st = st, .names = names_detect(st), .check_only = check_only, .err = err};
}

void weights_prefix(struct weights *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->prefix, sizeof(w->prefix), fmt, ap);
    va_end(ap);
}

static const char *full_name(const struct weights *w, const char *name, const char *tail, char *buf)
{
    snprintf(buf, NAME_MAX_LEN, "%s%s%s", w->prefix, name, tail);
    return buf;
}

int weights_fail(struct weights *w, const char *name, const char *why)
{
    char full[NAME_MAX_LEN];
    if (!w->code)
        w->code = eye_fail(w->err, EYE_EFORMAT, "%s: the tensor %s %s", safetensors_path(w->st),
                           full_name(w, name, "", full), why);
    return w->code;
}

static void out_of_memory(struct weights *w)
{
    if (!w->code)
        w->code = eye_fail(w->err, EYE_ENOMEM, "%s: not enough memory for the model's weights",
                           safetensors_path(w->st));
}

bool weights_has(const struct weights *w, const char *name)
{
    char full[NAME_MAX_LEN];
    return safetensors_has(w->st, full_name(w, name, "", full));
}

static void shape_text(const size_t *shape, int ndim, char *buf, size_t len)
{
    size_t used = 0;
    buf[0] = '\0';
    for (int i = 0; i < ndim && used < len; i++) {
        int n = shape[i] ? snprintf(buf + used, len - used, "%s%zu", i ? " x " : "", shape[i])
                         : snprintf(buf + used, len - used, "%sany", i ? " x " : "");
        used += n > 0 ? (size_t)n : 0;
    }
}

/* NAME + TAIL with exactly this shape. */
static bool get(struct weights *w, const char *name, const char *tail, int ndim,
                const size_t *shape, struct tensor *out)
{
    char full[NAME_MAX_LEN];
    full_name(w, name, tail, full);
    if (w->code)
        return false;
    w->code = safetensors_find(w->st, full, out, w->err);
    if (w->code == EYE_ENOTFOUND) /* the file is there; what it holds is wrong */
        w->code = eye_fail(w->err, EYE_EFORMAT,
                           "%s: the tensor %s, which the configuration asks for, is missing",
                           safetensors_path(w->st), full);
    if (w->code)
        return false;
    bool fits = out->ndim == ndim;
    for (int i = 0; fits && i < ndim; i++)
        fits = shape[i] == 0 || out->shape[i] == shape[i];
    if (!fits) {
        char is[96], wanted[96];
        shape_text(out->shape, out->ndim, is, sizeof(is));
        shape_text(shape, ndim, wanted, sizeof(wanted));
        w->code = eye_fail(w->err, EYE_EFORMAT,
                           "%s: the tensor %s has shape [%s], but the configuration asks for [%s]",
                           safetensors_path(w->st), full, is, wanted);
    }
    return fits;
}

bool weights_tensor(struct weights *w, const char *name, int ndim, const size_t *shape,
                    struct tensor *out)
{
    return get(w, name, "", ndim, shape, out);
}

struct tensor weights_table(struct weights *w, const char *name, size_t rows, size_t columns)
{
    struct tensor t = {0};
    get(w, name, "", 2, (const size_t[]){rows, columns}, &t);
    return t;
}

static float *to_floats(struct weights *w, const struct tensor *t)
{
    size_t n = tensor_count(t);
    float *v = w->code || w->check_only ? NULL : mem_calloc(n, sizeof(*v), NULL);
    if (v)
        tensor_to_f32(t, 0, n, v);
    else if (!w->check_only)
        out_of_memory(w);
    return v;
}

static float *vector(struct weights *w, const char *name, const char *tail, size_t n)
{
    struct tensor t;
    return get(w, name, tail, 1, &n, &t) ? to_floats(w, &t) : NULL;
}

float *weights_rows(struct weights *w, const char *name, size_t rows, size_t columns)
{
    struct tensor t;
    const size_t shape[] = {rows, columns};
    return get(w, name, "", 2, shape, &t) ? to_floats(w, &t) : NULL;
}

void weights_norm(struct weights *w, const char *name, size_t n, float *gain_bias[2])
{
    gain_bias[0] = vector(w, name, ".weight", n);
    gain_bias[1] = vector(w, name, ".bias", n);
}

float *weights_vector(struct weights *w, const char *name, size_t n)
{
    return vector(w, name, "", n);
}

static struct linear *pack(struct weights *w, const struct tensor *t, bool transposed,
                           const float *bias, const float *scale, const float *shift)
{
    if (w->code || w->check_only)
        return NULL;
    struct linear *l = linear_new(t, transposed, bias, scale, shift, w->err);
    if (!l)
        w->code = w->err ? w->err->code : EYE_ENOMEM;
    return l;
}

struct linear *weights_linear(struct weights *w, const char *name, size_t n_out, size_t n_in,
                              bool bias, const float *scale)
{
    struct tensor t;
    get(w, name, ".weight", 2, (const size_t[]){n_out, n_in}, &t);
    float *b = bias ? vector(w, name, ".bias", n_out) : NULL;
    struct linear *l = pack(w, &t, false, b, scale, NULL);
    free(b);
    return l;
}

struct linear *weights_matrix(struct weights *w, const char *name, size_t n_out, size_t n_in,
                              bool transposed)
{
    struct tensor t;
    const size_t plain[] = {n_out, n_in}, turned[] = {n_in, n_out};
    get(w, name, "", 2, transposed ? turned : plain, &t);
    return pack(w, &t, transposed, NULL, NULL, NULL);
}

/* Three [d, d] matrices below each other, in their own type if it is the same, else as float32. */
static void *stack_three(struct weights *w, const struct tensor t[3], size_t d, struct tensor *out)
{
    bool same = t[0].dtype == t[1].dtype && t[1].dtype == t[2].dtype;
    *out = (struct tensor){same ? t[0].dtype : DT_F32, 2, {3 * d, d}, NULL};
    size_t count = d * d, size = dtype_size(out->dtype);
    unsigned char *block = mem_calloc(3 * count, size, NULL);
    if (!block) {
        out_of_memory(w);
        return NULL;
    }
    for (size_t i = 0; i < 3; i++) {
        if (same)
            memcpy(block + i * count * size, t[i].data, count * size);
        else
            tensor_to_f32(&t[i], 0, count, (float *)(void *)block + i * count);
    }
    out->data = block;
    return block;
}

static struct linear *qkv_apart(struct weights *w, const struct names_block *names, size_t d)
{
    const char *parts[3] = {names->query, names->key, names->value};
    struct tensor t[3], stacked;
    float *bias = w->check_only ? NULL : mem_calloc(3 * d, sizeof(*bias), NULL);
    if (!bias && !w->check_only)
        out_of_memory(w);
    for (size_t i = 0; i < 3; i++) {
        get(w, parts[i], ".weight", 2, (const size_t[]){d, d}, &t[i]);
        float *b = vector(w, parts[i], ".bias", d);
        if (b && bias)
            memcpy(bias + i * d, b, d * sizeof(*b));
        free(b);
    }
    struct linear *l = NULL;
    if (!w->code && !w->check_only) {
        void *block = stack_three(w, t, d, &stacked);
        l = pack(w, &stacked, false, bias, NULL, NULL);
        free(block);
    }
    free(bias);
    return l;
}

struct linear *weights_qkv(struct weights *w, const struct names_block *names, size_t d)
{
    if (!names->in_weight)
        return qkv_apart(w, names, d);
    struct tensor t;
    get(w, names->in_weight, "", 2, (const size_t[]){3 * d, d}, &t);
    float *bias = vector(w, names->in_bias, "", 3 * d);
    struct linear *l = pack(w, &t, false, bias, NULL, NULL);
    free(bias);
    return l;
}

struct linear *weights_conv(struct weights *w, const char *name, size_t n_out, size_t channels,
                            size_t k, const float *scale, const float *shift)
{
    struct tensor t;
    if (!get(w, name, "", 4, (const size_t[]){n_out, channels, k, k}, &t) || w->check_only)
        return NULL;
    size_t size = dtype_size(t.dtype), area = k * k, row = area * channels, total;
    unsigned char *turned = size_mul(n_out, row, &total) ? mem_calloc(total, size, NULL) : NULL;
    if (!turned) {
        out_of_memory(w);
        return NULL;
    }
    const unsigned char *from = t.data;
    for (size_t o = 0; o < n_out; o++)
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < area; i++)
                memcpy(turned + (o * row + i * channels + c) * size,
                       from + (o * row + c * area + i) * size, size);
    struct tensor flat = {t.dtype, 2, {n_out, row}, turned};
    struct linear *l = pack(w, &flat, false, NULL, scale, shift);
    free(turned);
    return l;
}
