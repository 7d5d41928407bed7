/* fuzz_zip.c - the strict reader of backups: whatever it is given, its parts lie in the file, one behind the other, with names that can be used. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/archive.h"

static void check(struct zip_reader *r, size_t len)
{
    struct zip_part part;
    struct eye_err err = {0, ""};
    uint64_t next = 0, seen = 0;
    int rc;
    while ((rc = zip_next(r, &part, &err)) == 1) {
        uint8_t some[64];
        PROMISE(part.name[0] && part.at >= next + 30 + strlen(part.name));
        PROMISE(part.at <= len && part.size <= len - part.at);
        next = part.at + part.size;
        size_t n = part.size < sizeof some ? (size_t)part.size : sizeof some;
        PROMISE(zip_read(r, &part, part.size - n, some, n, &err) == 0);
        PROMISE(zip_read(r, &part, part.size, some, 1, &err) == EYE_EFORMAT);
        seen++;
    }
    PROMISE(rc < 0 ? err.msg[0] != '\0' : seen == zip_count(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct eye_err err = {0, ""};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    PROMISE(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    struct zip_reader *r = zip_open(fd, &err);
    if (r) {
        check(r, len);
        zip_rewind(r);
        check(r, len);
    } else {
        PROMISE(err.code < 0 && err.msg[0]);
    }
    zip_close(r);
    close(fd);
    return 0;
}
