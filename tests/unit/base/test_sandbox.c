/* test_sandbox.c - what a process can still do behind the walls, and what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/wire.h"

static void burn(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

/* In the child: 'y' when the file can be read and nothing else is open. */
_Noreturn static void look_around(int what)
{
    char byte = 'n', text[2];
    bool file = pread(SANDBOX_FILE, text, 2, 0) == 2 && memcmp(text, "ab", 2) == 0;
    bool closed = pread(SANDBOX_FILE + 1, text, 1, 0) == -1 && errno == EBADF;
    if (what == 'o')
        byte = open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 'y' : 'n';
    else if (what == 's')
        byte = socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
    else if (what == 'b')
        burn();
    else if (what == 'm')
        byte = !malloc(200 << 20) && malloc(1 << 20) ? 'y' : 'n';
    else if (what == 'n')
        byte = pread(SANDBOX_FILE, text, 1, 0) == -1 && errno == EBADF ? 'y' : 'n';
    else
        byte = file && closed ? 'y' : 'n';
    wire_send(SANDBOX_SOCKET, &byte, 1, -1);
    _exit(0);
}

/* What the child says ('\0': nothing) and how it ended. */
static char in_sandbox(int what, bool seccomp, int *status)
{
    int pair[2], fd = memfd_create("test", MFD_CLOEXEC);
    struct sandbox_limits limits = {.max_memory = 64 << 20, .cpu_seconds = what == 'b'};
    char said = '\0';
    assert_int_equal(write(fd, "ab", 2), 2);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sandbox_close_descriptors(pair[1], what == 'n' ? -1 : fd);
        if (sandbox_enter(&limits, seccomp, NULL) != 0)
            _exit(9);
        look_around(what);
    }
    assert_true(pid > 0);
    close(pair[1]);
    close(fd);
    if (wire_recv(pair[0], &said, 1, NULL) != 0)
        said = '\0';
    close(pair[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
    return said;
}

static void test_only_its_file(void **state)
{
    int status;
    (void)state;
    assert_int_equal(in_sandbox('f', true, &status), 'y');
    assert_int_equal(status, 0);
    assert_int_equal(in_sandbox('n', true, &status), 'y');
    assert_int_equal(in_sandbox('f', false, &status), 'y');
}

static void test_walls(void **state)
{
    int status;
    (void)state;
    if (SANDBOX_SANITIZED)
        skip(); /* see base/sandbox.h */
    assert_int_equal(in_sandbox('o', true, &status), 'y');
    assert_int_equal(in_sandbox('o', false, &status), 'n');
    assert_int_equal(in_sandbox('m', true, &status), 'y');
    assert_int_equal(in_sandbox('s', true, &status), '\0');
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void test_processor_time(void **state)
{
    int status;
    (void)state;
    assert_int_equal(in_sandbox('b', true, &status), '\0');
    assert_true(WIFSIGNALED(status) &&
                (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL));
}

static void test_can_be_unwanted(void **state)
{
    (void)state;
    assert_true(sandbox_wanted());
    setenv("EYESHINE_SANDBOX", "off", 1);
    assert_false(sandbox_wanted());
    setenv("EYESHINE_SANDBOX", "yes", 1);
    assert_true(sandbox_wanted());
    unsetenv("EYESHINE_SANDBOX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_its_file),
        cmocka_unit_test(test_walls),
        cmocka_unit_test(test_processor_time),
        cmocka_unit_test(test_can_be_unwanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
