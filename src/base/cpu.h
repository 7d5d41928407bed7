/* cpu.h - what this processor can do, asked once. Thread-safe. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

/* Kernel levels, each including the ones before it. AVX2 means avx2+fma+f16c,
 * AVX512 means f+bw+dq+vl on top (and an operating system that saves zmm). */
enum cpu_level { CPU_PORTABLE = 0, CPU_AVX2 = 1, CPU_AVX512 = 2 };

/* The level in force: the best the machine has, or a lower one forced by
 * EYESHINE_CPU=portable|avx2|avx512 (a level that the machine lacks, or an
 * unknown word, is ignored). */
enum cpu_level cpu_level(void);

/* The best level the machine has, whatever the environment says. */
enum cpu_level cpu_level_max(void);

/* Force a level (tests); clamped to cpu_level_max(). Returns the one in force.
 * Kernel tables are chosen at each call through cpu_level(), so this works any time
 * before weights are packed. */
enum cpu_level cpu_level_force(enum cpu_level level);

const char *cpu_level_name(enum cpu_level level); /* "portable", "avx2", "avx512" */

/* Processors this process may run on (sched_getaffinity, cgroup quota rounded up), at least 1. */
int cpu_count(void);

#endif
