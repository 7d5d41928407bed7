/* cpu.c - which kernels may run here, and on how many processors.
 *
 * cpuid is asked directly (with xgetbv for what the operating system saves at a task switch)
 * rather than through __builtin_cpu_supports: gcc 12 and clang 14 know different feature names,
 * and the builtin needs its own initialiser to have run. */
#include "base/cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static uint32_t saved_state(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    (void)hi;
    return lo;
}

static enum cpu_level detect(void)
{
    enum { XMM_YMM = 0x06, OPMASK_ZMM = 0xe0 }; /* bits of XCR0 */
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C))
        return CPU_PORTABLE;
    uint32_t xcr0 = saved_state();
    if (!has(xcr0, XMM_YMM) || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !has(b, bit_AVX2))
        return CPU_PORTABLE;
    if (!has(xcr0, OPMASK_ZMM) || !has(b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL))
        return CPU_AVX2;
    return CPU_AVX512;
}
#else
static enum cpu_level detect(void)
{
    return CPU_PORTABLE;
}
#endif

/* The one global that changes: 0 is "not asked yet", else level + 1. Two threads that ask first
 * at once find the same answer, so a plain store will do. */
static atomic_int in_force;

enum cpu_level cpu_level_max(void)
{
    return detect();
}

const char *cpu_level_name(enum cpu_level level)
{
    switch (level) {
    case CPU_AVX512: return "avx512";
    case CPU_AVX2: return "avx2";
    case CPU_PORTABLE: break;
    }
    return "portable";
}

enum cpu_level cpu_level(void)
{
    int known = atomic_load_explicit(&in_force, memory_order_relaxed);
    if (known)
        return (enum cpu_level)(known - 1);
    enum cpu_level max = detect(), level = max;
    const char *word = getenv("EYESHINE_CPU");
    for (int l = CPU_PORTABLE; word && l <= (int)max; l++)
        if (strcmp(word, cpu_level_name((enum cpu_level)l)) == 0)
            level = (enum cpu_level)l;
    /* Not over what cpu_level_force may have put there meanwhile. */
    int unknown = 0;
    if (!atomic_compare_exchange_strong(&in_force, &unknown, (int)level + 1))
        return (enum cpu_level)(unknown - 1);
    return level;
}

enum cpu_level cpu_level_force(enum cpu_level level)
{
    enum cpu_level max = detect();
    if (level > max)
        level = max;
    atomic_store(&in_force, (int)level + 1);
    return level;
}

/* Reads a small system file; false if it cannot be read. text [cap] is NUL-terminated. */
static bool read_small(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, cap - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* "QUOTA PERIOD" of a group and of each group above it (any of them may be the narrow one). */
static long quota_v2(void)
{
    char text[4096], path[4096 + 64];
    if (!read_small("/proc/self/cgroup", text, sizeof text))
        return 0;
    char *group = strstr(text, "0::/");
    if (!group || (group != text && group[-1] != '\n'))
        return 0;
    group += 3;
    group[strcspn(group, "\n")] = '\0';
    long least = 0;
    for (;;) {
        char limit[64], *end;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", strcmp(group, "/") ? group : "");
        if (read_small(path, limit, sizeof limit)) {
            long quota = strtol(limit, &end, 10); /* 0 for the word "max" */
            long period = strtol(end, NULL, 10);
            long cpus = quota > 0 && period > 0 ? (quota - 1) / period + 1 : 0;
            if (cpus > 0 && (least == 0 || cpus < least))
                least = cpus;
        }
        char *slash = strrchr(group, '/');
        if (!slash || group[1] == '\0')
            return least;
        slash[slash == group ? 1 : 0] = '\0';
    }
}

static long quota_v1(void)
{
    char quota[64], period[64];
    if (!read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period))
        return 0;
    long q = strtol(quota, NULL, 10), p = strtol(period, NULL, 10);
    return q > 0 && p > 0 ? (q - 1) / p + 1 : 0;
}

int cpu_count(void)
{
    cpu_set_t set;
    long n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                         : sysconf(_SC_NPROCESSORS_ONLN);
    long quota = quota_v2();
    if (quota == 0)
        quota = quota_v1();
    if (quota > 0 && quota < n)
        n = quota;
    return n < 1 ? 1 : (int)n;
}
