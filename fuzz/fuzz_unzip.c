/* fuzz_unzip.c - first byte even: the rest is what an unpacking process that a zip has taken over could tell the program. Odd: the
 * rest is a zip, read by a real one. Either way the sink must hear of files in order and of no more bytes than allowed. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/unzip.h"

enum { MOST = 1 << 20 };

/* For the job, which runs in a child forked from here. */
static const uint8_t *words;
static size_t words_len;

static void job_says(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    (void)limits, (void)size;
    unzip_flush(v);
    v->len = words_len < sizeof(v->bytes) ? words_len : sizeof(v->bytes);
    memcpy(v->bytes, words, v->len);
}

struct heard {
    int open;
    uint64_t files, bytes;
};

static int on_begin(void *ctx, const char *name, uint64_t size)
{
    struct heard *h = ctx;
    PROMISE(!h->open && name[0] != '\0' && strlen(name) <= UNZIP_TEXT_MAX);
    h->open = size % 7 != 3;
    h->files++;
    return !h->open;
}

static int on_data(void *ctx, const void *bytes, size_t len)
{
    struct heard *h = ctx;
    PROMISE(h->open && len > 0 && len <= UNZIP_TEXT_MAX && bytes);
    h->bytes += len;
    return 0;
}

static int on_end(void *ctx, bool whole, const char *reason)
{
    struct heard *h = ctx;
    PROMISE(h->open && whole == (reason == NULL));
    h->open = 0;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct unzip_limits limits = {.max_entries = 50,
                                        .max_entry_bytes = MOST,
                                        .max_total_bytes = 2 * MOST,
                                        .max_ratio = 1000,
                                        .max_seconds = 5};
    struct heard heard = {0, 0, 0};
    const struct unzip_sink sink = {on_begin, on_data, on_end, &heard};
    struct eye_err err = {0, ""};
    if (len < 1)
        return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC), rc;
    bool real = data[0] & 1;
    words = data + 1;
    words_len = len - 1;
    if (real) {
        PROMISE(write(fd, words, words_len) == (ssize_t)words_len);
        rc = archive_unzip(fd, &limits, &sink, &err);
    } else {
        PROMISE(write(fd, "PK\3\4", 4) == 4);
        rc = archive_unzip_job(job_says, fd, &limits, &sink, &err);
    }
    close(fd);
    PROMISE(!heard.open && heard.files <= limits.max_entries);
    PROMISE(heard.bytes <= limits.max_total_bytes);
    PROMISE(rc == 0 || (rc < 0 && err.code == rc && err.msg[0] != '\0'));
    return 0;
}
