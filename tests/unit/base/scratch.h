/* scratch.h - a folder for one test program's files: group setup and teardown of cmocka. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[256];

static inline int scratch_make(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(scratch_dir, sizeof scratch_dir, "%s/eye-base-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(scratch_dir) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_dir);
    return system(command);
}

/* Path of `name` in the folder, into path [512], which is also returned. */
static inline const char *scratch_path(char *path, const char *name)
{
    snprintf(path, 512, "%s/%s", scratch_dir, name);
    return path;
}

static inline void scratch_file(const char *name, const void *data, size_t len)
{
    char path[512];
    int fd = open(scratch_path(path, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

static inline void scratch_subdir(const char *name)
{
    char path[512];
    assert_int_equal(mkdir(scratch_path(path, name), 0755), 0);
}

#endif
