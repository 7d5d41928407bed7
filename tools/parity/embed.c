/* embed.c - embeddings out of src/clip for tools/parity/parity.py: no engine, no store, no decoder processes.
 *
 *   embed MODEL_DIR THREADS LIST OUT
 *
 * LIST has one input a line: "image<TAB>PATH" or "text<TAB>WORDS". OUT gets [lines, dim] float32. Pictures are decoded
 * at full size (prep.exact), each worker thread has a picture of its own. The peak memory is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/pool.h"
#include "clip/clip.h"
#include "image/image.h"

enum { THREADS_MAX = 64 };

struct job {
    struct clip *clip;
    struct clip_work *work[THREADS_MAX];
    char **lines;
    float *out; /* [lines, dim] */
    size_t dim;
    struct eye_err errors[THREADS_MAX];
};

static int embed_image(struct job *j, int worker, const char *path, float *out, struct eye_err *err)
{
    struct buf bytes;
    struct image full = {0}, ready = {0};
    struct image_meta meta;
    buf_init(&bytes, (size_t)image_limits_default.max_bytes);
    int code = fs_read_all(path, &bytes, err);
    if (!code)
        code = image_decode((const uint8_t *)bytes.data, bytes.len, &image_limits_default, 0, &full,
                            &meta, err);
    if (!code)
        code = image_prepare(&full, full.width, full.height, clip_prep(j->clip), &ready, err);
    if (!code)
        code = clip_encode_images(j->clip, j->work[worker], &ready, 1, out, err);
    image_release(&full);
    image_release(&ready);
    buf_release(&bytes);
    return code;
}

static void embed_line(void *ctx, size_t i, int worker)
{
    struct job *j = ctx;
    struct eye_err *err = &j->errors[worker];
    float *out = j->out + i * j->dim;
    if (err->code)
        return;
    if (strncmp(j->lines[i], "image\t", 6) == 0)
        embed_image(j, worker, j->lines[i] + 6, out, err);
    else if (strncmp(j->lines[i], "text\t", 5) == 0)
        clip_encode_text(j->clip, j->work[worker], j->lines[i] + 5, out, err);
}

/* Peak memory in MiB; getrusage() would count what the parent had before exec(). */
static long peak_mib(void)
{
    char line[128];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return kib / 1024;
}

static int fail(const struct eye_err *err)
{
    fprintf(stderr, "embed: %s\n", err->msg);
    return 1;
}

/* The list's lines, cut in place. */
static char **split(char *text, size_t *n)
{
    size_t cap = 1;
    *n = 0;
    for (const char *p = text; *p; p++)
        cap += *p == '\n';
    char **lines = calloc(cap, sizeof(*lines));
    for (char *p = text; lines && p && *p;) {
        char *end = strchr(p, '\n');
        if (end)
            *end++ = '\0';
        lines[(*n)++] = p;
        p = end;
    }
    return lines;
}

static int run(struct job *j, const char *list, const char *to, int threads)
{
    struct eye_err err = {0, ""};
    struct buf text;
    size_t n;
    buf_init(&text, (size_t)1 << 28);
    if (fs_read_all(list, &text, &err))
        return fail(&err);
    j->lines = split(text.data, &n);
    j->out = calloc(n * j->dim + 1, sizeof(float));
    struct pool *pool = pool_new(threads, &err);
    if (!j->lines || !j->out || !pool)
        return fail(&err);
    for (int i = 0; i < threads; i++) {
        j->work[i] = clip_work_new(j->clip, 1, NULL, &err);
        if (!j->work[i])
            return fail(&err);
    }
    pool_run(pool, n, embed_line, j);
    pool_free(pool);
    for (int i = 0; i < threads; i++) {
        clip_work_free(j->work[i]);
        if (j->errors[i].code)
            return fail(&j->errors[i]);
    }
    if (fs_write_atomic(to, j->out, n * j->dim * sizeof(float), 0600, &err))
        return fail(&err);
    printf("{\"inputs\":%zu,\"dim\":%zu,\"peak_mib\":%ld}\n", n, j->dim, peak_mib());
    free(j->lines);
    free(j->out);
    buf_release(&text);
    return 0;
}

int main(int argc, char **argv)
{
    struct eye_err err = {0, ""};
    static struct job j;
    if (argc != 5) {
        fprintf(stderr, "usage: embed MODEL_DIR THREADS LIST OUT\n");
        return 2;
    }
    long threads = strtol(argv[2], NULL, 10);
    if (threads < 1 || threads > THREADS_MAX)
        threads = 1;
    j.clip = clip_open(argv[1], &err);
    if (!j.clip)
        return fail(&err);
    j.dim = (size_t)clip_info(j.clip)->dim;
    int code = run(&j, argv[3], argv[4], (int)threads);
    clip_close(j.clip);
    return code;
}
