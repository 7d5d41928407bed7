/* decoder_worker.c - the process that meets a stranger's bytes.
 *
 * Order matters: everything that needs the file system happens before sandbox_enter(), then it tells that it is ready, then it
 * serves one file after another until its socket closes. The file is read into memory: mapping it would turn a file that
 * is cut short meanwhile into SIGBUS. A worker is kept for many files (decoder.c: LIFE); one for each would part
 * files from each other too, but cost 1.9 ms for each instead of 0.08 ms, on top of 3 to 10 ms of decoding. */
#include "image/decoder_internal.h"

#include <errno.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"

/* Free heap that a worker may keep between files. */
enum { KEEP_BYTES = 32 << 20, SNIFF_BYTES = 64 };

/* Up to len bytes from offset 0; fewer at the end of the file. -1: errno. */
static ssize_t read_start(int fd, uint8_t *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, data + done, len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* The whole file in *data (free it), *len bytes; of a file that is no picture only the start, which is all that
 * image_decode() needs to say so. A file that grew meanwhile ends where it ended. */
static int read_file(int fd, uint64_t size, uint8_t **data, size_t *len, struct eye_err *err)
{
    uint8_t head[SNIFF_BYTES];
    ssize_t n = read_start(fd, head, size < sizeof(head) ? (size_t)size : sizeof(head));
    if (n < 0)
        return eye_fail_errno(err, errno, "the file cannot be read");
    *len = image_sniff(head, (size_t)n) == IMAGE_UNKNOWN ? (size_t)n : (size_t)size;
    *data = mem_calloc(*len, 1, err);
    if (!*data)
        return EYE_ENOMEM;
    n = read_start(fd, *data, *len);
    if (n < 0)
        return eye_fail_errno(err, errno, "the file cannot be read");
    if ((size_t)n < *len)
        return eye_fail(err, EYE_EIO, "the file became shorter while it was read");
    return 0;
}

int decoder_job_picture(int fd, uint64_t size, const struct image_limits *limits,
                        const struct image_prep *prep, struct image *out, struct image_meta *meta,
                        struct eye_err *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    struct image full = {0, 0, NULL};
    int side = prep->width < prep->height ? prep->width : prep->height;
    int code = read_file(fd, size, &data, &len, err);
    if (code == 0)
        code = image_decode(data, len, limits, prep->exact ? 0 : 2 * side, &full, meta, err);
    free(data);
    if (code == 0)
        image_look_at(&full, &meta->look);
    if (code == 0)
        code = image_prepare(&full, meta->width, meta->height, prep, out, err);
    image_release(&full);
    return code;
}

int decoder_job_thumbnail(int fd, uint64_t size, const struct image_limits *limits, int side,
                          struct buf *webp, struct image_meta *meta, struct eye_err *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    int code = read_file(fd, size, &data, &len, err);
    if (code == 0)
        code = image_thumbnail(data, len, limits, side, webp, meta, err);
    free(data);
    return code;
}

/* What came of a file: pixels or a thumbnail. */
struct result {
    struct image img;
    struct buf webp;
    struct image_meta meta;
};

static int run_job(const struct decoder_config *config, const struct decoder_ask *ask, int fd,
                   struct result *r, struct eye_err *err)
{
    if (ask->side != 0)
        return config->thumb_job(fd, ask->size, &config->limits, ask->side, &r->webp, &r->meta,
                                 err);
    return config->job(fd, ask->size, &config->limits, &ask->prep, &r->img, &r->meta, err);
}

static bool send_result(const struct decoder_ask *ask, const struct result *r)
{
    if (ask->side != 0)
        return wire_send(SANDBOX_SOCKET, r->webp.data, r->webp.len, -1) == 0;
    size_t bytes = (size_t)ask->prep.width * (size_t)ask->prep.height * 3;
    return wire_send(SANDBOX_SOCKET, r->img.rgb, bytes, -1) == 0;
}

/* One file. False when the program is gone. */
static bool serve(const struct decoder_config *config, const struct decoder_ask *ask, int fd)
{
    struct result r = {.meta = {.format = IMAGE_UNKNOWN}};
    struct decoder_answer answer = {.magic = DECODER_ANSWER};
    struct eye_err err = {0, ""};
    buf_init(&r.webp, wire_webp_max(ask->side));
    answer.code = run_job(config, ask, fd, &r, &err);
    close(fd);
    if (answer.code == EYE_ENOMEM)
        answer.code = eye_fail(&err, EYE_ELIMIT, "needs more than %llu MiB of memory",
                               (unsigned long long)(config->limits.max_memory >> 20));
    if (answer.code == 0)
        wire_pack(&r.meta, &answer);
    else
        memcpy(answer.msg, err.msg, sizeof(answer.msg));
    answer.bytes = (uint32_t)r.webp.len;
    bool sent = wire_send(SANDBOX_SOCKET, &answer, sizeof(answer), -1) == 0;
    if (sent && answer.code == 0)
        sent = send_result(ask, &r);
    image_release(&r.img);
    buf_release(&r.webp);
    return sent;
}

/* A picture of 268 megapixels leaves a heap of 800 MB behind, which others need. */
static void give_memory_back(void)
{
#if !SANDBOX_SANITIZED
    struct mallinfo2 heap = mallinfo2();
    if (heap.fordblks > KEEP_BYTES)
        malloc_trim(0);
#endif
}

/* Become unable to do harm. */
static int shut_in(const struct decoder_config *config, struct eye_err *err)
{
    prctl(PR_SET_NAME, "eyeshine-decode", 0, 0, 0);
    /* One arena: the codecs' few threads do not need more, and its free memory can be measured. */
    mallopt(M_ARENA_MAX, 1);
    const struct sandbox_limits walls = {.max_memory = config->limits.max_memory};
    return sandbox_enter(&walls, config->seccomp, err);
}

void decoder_worker(const void *order)
{
    const struct decoder_config *config = order;
    struct decoder_answer ready = {.magic = DECODER_READY};
    struct eye_err err = {0, ""};
    ready.code = shut_in(config, &err);
    if (ready.code != 0)
        memcpy(ready.msg, err.msg, sizeof(ready.msg));
    bool on = wire_send(SANDBOX_SOCKET, &ready, sizeof(ready), -1) == 0 && ready.code == 0;
    while (on) {
        struct decoder_ask ask;
        int fd;
        on = wire_recv(SANDBOX_SOCKET, &ask, sizeof(ask), &fd) == 0 && fd >= 0 &&
             serve(config, &ask, fd);
        if (on)
            give_memory_back();
    }
    _exit(0);
}
