/* test_cpu.c - the level agrees with what Linux says, and can be forced down, never up. */
#include "scratch.h"

#include <sched.h>
#include <sys/wait.h>

#include "base/cpu.h"

/* Whether /proc/cpuinfo lists the flag: a second opinion, that of the kernel. */
static int listed(const char *flag)
{
    static char line[65536];
    char word[64];
    int found = -1;
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(word, sizeof word, " %s ", flag);
    while (f && found < 0 && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = ' ';
        if (strncmp(line, "flags", 5) == 0)
            found = strstr(line, word) != NULL;
    }
    if (f)
        fclose(f);
    return found > 0;
}

static void test_max_agrees_with_the_kernel(void **state)
{
    (void)state;
    int avx2 = listed("avx2") && listed("fma") && listed("f16c");
    int avx512 =
        avx2 && listed("avx512f") && listed("avx512bw") && listed("avx512dq") && listed("avx512vl");
    assert_int_equal(cpu_level_max(), avx512 ? CPU_AVX512 : avx2 ? CPU_AVX2 : CPU_PORTABLE);
}

static void test_force_is_clamped(void **state)
{
    (void)state;
    enum cpu_level max = cpu_level_max();
    for (int l = CPU_PORTABLE; l <= CPU_AVX512; l++) {
        enum cpu_level want = l < (int)max ? (enum cpu_level)l : max;
        assert_int_equal(cpu_level_force((enum cpu_level)l), want);
        assert_int_equal(cpu_level(), want);
    }
    assert_int_equal(cpu_level_max(), max);
}

/* cpu_level() in a fresh process with EYESHINE_CPU=word: this program again, as "level". */
static int level_with(const char *word)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (word)
            setenv("EYESHINE_CPU", word, 1);
        else
            unsetenv("EYESHINE_CPU");
        execl("/proc/self/exe", "test_cpu", "level", (char *)NULL);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_environment(void **state)
{
    (void)state;
    int max = (int)cpu_level_max();
    assert_int_equal(level_with(NULL), max);
    assert_int_equal(level_with("portable"), CPU_PORTABLE);
    assert_int_equal(level_with("avx2"), max < CPU_AVX2 ? max : CPU_AVX2);
    assert_int_equal(level_with("avx512"), max);
    assert_int_equal(level_with("AVX9000"), max);
    assert_int_equal(level_with(""), max);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(cpu_level_name(CPU_PORTABLE), "portable");
    assert_string_equal(cpu_level_name(CPU_AVX2), "avx2");
    assert_string_equal(cpu_level_name(CPU_AVX512), "avx512");
}

static void test_count_follows_affinity(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    int n = cpu_count();
    assert_true(n >= 1 && n <= CPU_COUNT(&all));
    size_t first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(cpu_count(), n);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "level") == 0)
        return (int)cpu_level();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_agrees_with_the_kernel),
        cmocka_unit_test(test_force_is_clamped),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_count_follows_affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
