/* backup_fixture.h - a library with uploads to back up, and looking at what was left behind. */
#ifndef TEST_ENGINE_BACKUP_FIXTURE_H
#define TEST_ENGINE_BACKUP_FIXTURE_H

#include "fixture.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

/* "dir/name" in a buffer of the caller's. */
static inline const char *bx_path(const struct fx *fx, const char *name, char path[600])
{
    assert_in_range(snprintf(path, 600, "%s/%s", fx->dir, name), 1, 599);
    return path;
}

/* Pictures in photos/ and, as if they had been uploaded, in lib/uploads/, one of them under a name that is not UTF-8. */
static inline struct fx *bx_new(void **state)
{
    struct fx *fx = fx_new(state);
    char path[600];
    int64_t root = 0;
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "deep/er/b.bmp", 2);
    fx_write(fx, "bad.bmp", "BM no", 5);
    snprintf(path, sizeof path, "%s/uploads/one.bmp", fx->library);
    fx_picture(fx, path, 3);
    snprintf(path, sizeof path, "%s/uploads/sub/two \xff.bmp", fx->library);
    fx_picture(fx, path, 4);
    snprintf(path, sizeof path, "%s/uploads/sub/three e\xcc\x81.bmp", fx->library);
    fx_picture(fx, path, 5);
    snprintf(path, sizeof path, "%s/uploads", fx->library);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_root_uploads(s, path, &root, &fx->err));
    eng_store_put(fx->lib, s);
    fx_index(fx, "");
    fx_index(fx, path);
    assert_int_equal(fx_status(fx).pictures, 5);
    assert_int_equal(fx_status(fx).failures, 1);
    return fx;
}

/* Names in fx->dir, in order: "lib photos ". */
static inline const char *bx_names(const struct fx *fx)
{
    static char all[4096];
    struct dirent **list;
    int n = scandir(fx->dir, &list, NULL, alphasort);
    all[0] = '\0';
    for (int i = 0; i < n; i++) {
        size_t len = strlen(all);
        if (list[i]->d_name[0] != '.')
            snprintf(all + len, sizeof all - len, "%s ", list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return all;
}

/* A backup of fx, called so in fx->dir. */
static inline void bx_backup(struct fx *fx, const char *name)
{
    char path[600];
    FX_OK(fx, eye_backup(fx->lib, bx_path(fx, name, path), NULL, &fx->err));
}

static inline int bx_restore_rc(struct fx *fx, const char *name, const char *library)
{
    char file[600], dir[600];
    fx->err = (struct eye_err){0};
    return eye_restore(bx_path(fx, name, file), bx_path(fx, library, dir), NULL, &fx->err);
}

/* Let fx look at the library called so in fx->dir from now on. */
static inline void bx_switch(struct fx *fx, const char *library)
{
    eye_close(fx->lib);
    assert_in_range(snprintf(fx->library, sizeof fx->library, "%s/%s", fx->dir, library), 1, 319);
    fx_open(fx);
}

static inline void bx_finding(void *ctx, const char *finding)
{
    (void)ctx;
    print_message("finding: %s\n", finding);
}

static inline void bx_verify_deep(struct fx *fx)
{
    uint64_t findings = 99;
    FX_OK(fx, eye_verify(fx->lib, true, bx_finding, NULL, &findings, &fx->err));
    assert_int_equal(findings, 0);
}

/* Run fn in a process of its own, which must have no library open; its exit code, or minus the signal that ended it. */
static inline int bx_child(int (*fn)(void *ctx), void *ctx)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(ctx));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
