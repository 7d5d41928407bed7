/* test_wire.c - whole messages, descriptors, ends and deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wire.h"

struct pair {
    int a, b;
};

static struct pair pair_of(int kind)
{
    int p[2];
    assert_int_equal(socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, p), 0);
    return (struct pair){p[0], p[1]};
}

static void test_long_messages_come_whole(void **state)
{
    enum { LEN = 3 << 20 };
    struct pair p = pair_of(SOCK_STREAM);
    char *data = malloc(LEN), *got = calloc(1, LEN);
    (void)state;
    assert_true(data && got);
    for (size_t i = 0; i < LEN; i++)
        data[i] = (char)(i * 31 >> 3);
    pid_t pid = fork();
    if (pid == 0)
        _exit(wire_send(p.b, data, LEN, -1) == 0 ? 0 : 1);
    struct wire_deadline d = wire_deadline_in(pid, 20);
    assert_int_equal(wire_recv(p.a, got, LEN / 2, NULL), 0);
    assert_int_equal(wire_recv_until(p.a, got + LEN / 2, LEN / 2, &d), 0);
    assert_memory_equal(data, got, LEN);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    free(data);
    free(got);
    close(p.a), close(p.b);
}

static void test_descriptors(void **state)
{
    struct pair p = pair_of(SOCK_SEQPACKET);
    int fd = memfd_create("test", MFD_CLOEXEC), got = -2;
    char text[4] = "";
    (void)state;
    assert_int_equal(write(fd, "hey", 3), 3);
    assert_int_equal(wire_send(p.a, "abc", 3, fd), 0);
    assert_int_equal(wire_recv(p.b, text, 3, &got), 0);
    assert_true(got >= 0 && got != fd);
    assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(pread(got, text, 3, 0), 3);
    assert_string_equal(text, "hey");
    assert_int_equal(wire_send(p.a, "abc", 3, -1), 0);
    close(got);
    assert_int_equal(wire_recv(p.b, text, 3, &got), 0);
    assert_int_equal(got, -1);
    close(fd), close(p.a), close(p.b);
}

static void test_ends(void **state)
{
    struct pair p = pair_of(SOCK_STREAM);
    struct wire_deadline d = wire_deadline_in(getpid(), 5);
    char text[8];
    (void)state;
    assert_false(wire_disturbed(p.a));
    assert_int_equal(wire_send(p.b, "abc", 3, -1), 0);
    assert_true(wire_disturbed(p.a));
    close(p.b);
    assert_int_equal(wire_recv_until(p.a, text, 8, &d),
                     EYE_EREMOTE); /* three bytes, then the end */
    assert_int_equal(wire_recv(p.a, text, 1, NULL), -1);
    assert_true(wire_disturbed(p.a));
    assert_int_equal(wire_send(p.a, "x", 1, -1), -1); /* and no SIGPIPE */
    close(p.a);
}

static void test_deadlines(void **state)
{
    struct pair p = pair_of(SOCK_STREAM);
    char byte;
    (void)state;
    pid_t busy = fork();
    if (busy == 0)
        for (volatile unsigned i = 0;; i++)
            ;
    struct wire_deadline d = wire_deadline_in(busy, 1);
    assert_int_equal(wire_recv_until(p.a, &byte, 1, &d), EYE_ELIMIT);
    kill(busy, SIGKILL);
    waitpid(busy, NULL, 0);
    d = wire_deadline_in(getpid(), 0);
    assert_int_equal(wire_recv_until(p.a, &byte, 1, &d), EYE_ELIMIT);
    close(p.a), close(p.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_messages_come_whole),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
