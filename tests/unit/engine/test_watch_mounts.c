/* The kernel's list of mounts, and which file systems tell of changes. */
#include "fixture.h"

#include "engine/watch.h"

static void lines_of_the_list(void **state)
{
    (void)state;
    struct watch_mount *list;
    size_t n;
    assert_int_equal(
        watch_mounts_parse(
            "36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 shared:7 - ext4 /dev/root rw\n"
            "40 35 0:41 / /net rw - fuse.sshfs host: rw\n"
            "not a line at all\n"
            "41 35 0:42 / /cut rw\n"
            "x 35 0:42 / /odd rw - nfs4 a:/b rw\n",
            &list, &n),
        0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].id, 36);
    assert_string_equal(list[0].point, "/mnt/a b\\c");
    assert_string_equal(list[0].kind, "ext4");
    assert_string_equal(list[1].kind, "fuse.sshfs");
    watch_mounts_free(list, n);
    assert_int_equal(watch_mounts_parse("", &list, &n), 0);
    assert_int_equal(n, 0);
    watch_mounts_free(list, n);
}

static void who_tells(void **state)
{
    (void)state;
    static const char *const remote[] = {"nfs",        "nfs4", "cifs",        "smb3", "9p",
                                         "fuse.sshfs", "fuse", "fuse.rclone", "ceph", "virtiofs"};
    static const char *const local[] = {"ext4", "btrfs",   "xfs",   "tmpfs", "overlay",
                                        "zfs",  "fuseblk", "exfat", "nfsd",  ""};
    char kind[WATCH_KIND] = "";
    for (size_t i = 0; i < 10; i++) {
        assert_true(watch_kind_is_remote(remote[i]));
        assert_false(watch_kind_is_remote(local[i]));
    }
    assert_false(watch_remote("/proc", kind));
    assert_string_equal(kind, "proc");
}

struct points {
    char text[200];
};

static void on_point(void *ctx, const char *point)
{
    struct points *p = ctx;
    size_t n = strlen(p->text);
    snprintf(p->text + n, sizeof p->text - n, "%s ", point);
}

static void write_list(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void what_came_and_went(void **state)
{
    (void)state;
    char path[] = "/tmp/eyeshine-mounts-XXXXXX";
    struct watch_mounts m;
    struct points p = {""};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_list(path, "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /a rw - ext4 b rw\n");
    watch_mounts_open(&m, path);
    watch_mounts_check(&m, on_point, &p);
    assert_string_equal(p.text, "");
    write_list(path, "1 0 8:1 / / rw - ext4 a rw\n3 1 8:3 / /b rw - nfs4 c rw\n");
    watch_mounts_check(&m, on_point, &p);
    assert_string_equal(p.text, "/a /b ");
    p.text[0] = '\0';
    write_list(path, "1 0 8:1 / / rw - ext4 a rw\n4 1 8:3 / /b rw - nfs4 c rw\n"); /* again */
    watch_mounts_check(&m, on_point, &p);
    assert_string_equal(p.text, "/b /b ");
    watch_mounts_close(&m);
    remove(path);
    watch_mounts_open(&m, "/nowhere/mountinfo"); /* a system that does not tell */
    watch_mounts_check(&m, on_point, &p);
    watch_mounts_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_the_list),
        cmocka_unit_test(who_tells),
        cmocka_unit_test(what_came_and_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
