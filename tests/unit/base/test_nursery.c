/* test_nursery.c - children that are forked elsewhere: what they get, how they end, who survives whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/nursery.h"
#include "base/sandbox.h"
#include "base/wire.h"
#include "descriptors.h"

/* ---- lives ---- */

struct order {
    char what;
    int value;
};

/* Says its value and what its file holds ('-': it has none), then does `what`. */
static void life(const void *order)
{
    const struct order *o = order;
    char said[8] = "", *heap = malloc(1000); /* hangs on a heap that was locked at the fork */
    if (!heap || pread(SANDBOX_FILE, said + 4, 1, 0) != 1)
        said[4] = '-';
    free(heap);
    memcpy(said, &o->value, 4);
    said[5] = pread(SANDBOX_FILE + 1, said + 6, 1, 0) == -1 && errno == EBADF ? 'y' : 'n';
    wire_send(SANDBOX_SOCKET, said, sizeof(said), -1);
    if (o->what == 'x')
        _exit(7);
    if (o->what == 'k')
        raise(SIGKILL);
    while (wire_recv(SANDBOX_SOCKET, said, 1, NULL) == 0)
        ;
}

/* The child that was told `what` and `value`, after it has said that. */
static struct nursery_child born(char what, int value, int file)
{
    struct order o = {what, value};
    struct nursery_child child;
    struct eye_err err = {0, ""};
    char said[8];
    if (nursery_spawn(life, &o, sizeof(o), file, &child, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(wire_recv(child.sock, said, sizeof(said), NULL), 0);
    assert_memory_equal(said, &value, sizeof(value));
    assert_int_equal(said[4], file < 0 ? '-' : 'F');
    assert_int_equal(said[5], 'y'); /* and nothing else is open */
    return child;
}

static int end(const struct nursery_child *child)
{
    int status = nursery_end(child->pid);
    close(child->sock); /* at which it would end by itself */
    return status;
}

/* Its parent, 0: it is gone or dead. */
static pid_t parent_of(pid_t pid)
{
    char path[64], state = 'X';
    int parent = 0, n = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (f) {
        n = fscanf(f, "%*d (%*[^)]) %c %d", &state, &parent);
        fclose(f);
    }
    return n == 2 && state != 'Z' && state != 'X' ? parent : 0;
}

static bool dies(pid_t pid)
{
    for (int i = 0; i < 2000 && parent_of(pid); i++)
        usleep(5000);
    return !parent_of(pid);
}

static void assert_childless(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* ---- tests ---- */

static void test_children_get_what_they_are_given(void **state)
{
    int file = memfd_create("test", 0), before = descriptors(); /* open in a fork too */
    (void)state;
    assert_int_equal(write(file, "F", 1), 1);
    nursery_hold();
    int with_nursery = descriptors();
    struct nursery_child a = born('w', 17, file), b = born('w', -4, -1);
    assert_int_equal(parent_of(a.pid), parent_of(b.pid));
    assert_int_equal(parent_of(parent_of(a.pid)), getpid());
    assert_true(WIFSIGNALED(end(&a)));
    assert_true(WIFSIGNALED(end(&b)));
    assert_int_equal(descriptors(), with_nursery);
    nursery_drop();
    assert_int_equal(descriptors(), before);
    assert_childless();
    close(file);
}

static void test_how_a_child_ended(void **state)
{
    (void)state;
    nursery_hold();
    struct nursery_child x = born('x', 1, -1), k = born('k', 2, -1);
    char byte;
    assert_int_equal(wire_recv(x.sock, &byte, 1, NULL), -1); /* is over, and its pid still taken */
    assert_int_equal(wire_recv(k.sock, &byte, 1, NULL), -1);
    assert_int_equal(kill(x.pid, 0), 0);
    int status = end(&x);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = end(&k);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(nursery_end(x.pid), -1);    /* twice */
    assert_int_equal(nursery_end(getpid()), -1); /* nobody's */
    assert_int_equal(nursery_end(-1), -1);
    nursery_drop();
}

static void test_refuses_long_orders(void **state)
{
    char order[NURSERY_ORDER_MAX + 1] = "";
    struct nursery_child child;
    (void)state;
    nursery_hold();
    assert_int_equal(nursery_spawn(life, order, sizeof(order), -1, &child, NULL), EYE_EINTERNAL);
    int closed = dup(0);
    close(closed);
    assert_int_equal(nursery_spawn(life, order, 8, closed, &child, NULL), EYE_EIO);
    struct nursery_child good = born('w', 1, -1); /* that did not end the nursery */
    end(&good);
    nursery_drop();
}

static void test_holders_are_counted(void **state)
{
    (void)state;
    nursery_hold();
    nursery_hold();
    struct nursery_child child = born('w', 1, -1);
    nursery_drop();
    assert_int_equal(kill(child.pid, 0), 0);
    assert_true(WIFSIGNALED(end(&child)));
    child = born('w', 2, -1);
    nursery_drop();                           /* the last: its children go too */
    assert_int_equal(kill(child.pid, 0), -1); /* dead and buried */
    close(child.sock);
    assert_childless();
}

static void test_is_replaced(void **state)
{
    (void)state;
    nursery_hold();
    struct nursery_child child = born('w', 1, -1);
    pid_t nursery = parent_of(child.pid);
    assert_int_equal(kill(nursery, SIGKILL), 0);
    assert_true(dies(child.pid));
    assert_int_equal(end(&child), -1); /* nobody knows */
    child = born('w', 2, -1);
    assert_int_not_equal(parent_of(child.pid), nursery);
    end(&child);
    nursery_drop();
    assert_childless();
}

/* A fork of the program has a nursery of its own, and neither takes the other's away. */
static void test_forks_do_not_share_it(void **state)
{
    int status;
    (void)state;
    nursery_hold();
    struct nursery_child mine = born('w', 1, -1);
    pid_t pid = fork();
    if (pid == 0) {
        struct order o = {'w', 2};
        struct nursery_child theirs;
        bool good = nursery_spawn(life, &o, sizeof(o), -1, &theirs, NULL) == 0 &&
                    parent_of(theirs.pid) != parent_of(mine.pid);
        bool left_alone = nursery_end(mine.pid) == -1;
        good = good && WIFSIGNALED(nursery_end(theirs.pid));
        nursery_drop();
        _exit(good && left_alone ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(send(mine.sock, "x", 1, MSG_NOSIGNAL), 1); /* lives */
    pid = fork();
    if (pid == 0) {
        pause(); /* holds copies of all descriptors */
        _exit(0);
    }
    end(&mine);
    nursery_drop(); /* does not wait for that */
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_childless();
}

/* ---- among threads that allocate ---- */

static atomic_bool over;

static void *allocate(void *arg)
{
    for (size_t i = 1; !atomic_load(&over); i = i % 60000 + 997)
        free(malloc(i));
    return arg;
}

static void *spawn_often(void *arg)
{
    int wrong = 0;
    for (int i = 0; i < 25; i++) {
        struct order o = {'x', i};
        struct nursery_child child;
        char said[8];
        if (nursery_spawn(life, &o, sizeof(o), -1, &child, NULL) != 0)
            return arg;
        struct wire_deadline d = wire_deadline_in(child.pid, 10); /* 40 s on the wall */
        wrong += wire_recv_until(child.sock, said, sizeof(said), &d) != 0;
        close(child.sock);
        int status = nursery_end(child.pid);
        wrong += !(WIFEXITED(status) && WEXITSTATUS(status) == 7) && !WIFSIGNALED(status);
    }
    return wrong ? arg : NULL;
}

static void test_forks_among_threads(void **state)
{
    pthread_t busy[3], spawners[3];
    void *wrong;
    (void)state;
    nursery_hold();
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&busy[i], NULL, allocate, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&spawners[i], NULL, spawn_often, &over), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(spawners[i], &wrong);
        assert_null(wrong);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 3; i++)
        pthread_join(busy[i], NULL);
    nursery_drop();
    assert_childless();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children_get_what_they_are_given),
        cmocka_unit_test(test_how_a_child_ended),
        cmocka_unit_test(test_refuses_long_orders),
        cmocka_unit_test(test_holders_are_counted),
        cmocka_unit_test(test_is_replaced),
        cmocka_unit_test(test_forks_do_not_share_it),
        cmocka_unit_test(test_forks_among_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
