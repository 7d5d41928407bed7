/* bench_image.c - what a picture costs before the model sees it: decode and prepare, one thread.
 *
 * bench_image [FILE...]: the files, else a 12 Mpixel JPEG that it draws itself (4000 x 3000, quality 85,
 * 4:2:0). Medians of 5; processor time of the thread, as the machine is shared. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jpeglib.h>

#include "base/cpu.h"
#include "image/image.h"

enum { RUNS = 5, SIDE = 224 };

struct file {
    uint8_t *data;
    size_t len;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *ms)
{
    qsort(ms, RUNS, sizeof *ms, by_value);
    return ms[RUNS / 2];
}

static void die(const char *what)
{
    fprintf(stderr, "bench_image: %s\n", what);
    exit(1);
}

static void draw_row(uint8_t *row, int width, int y)
{
    static uint32_t seed = 1;
    for (int x = 0; x < width; x++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned noise = seed >> 28;
        row[3 * x] = (uint8_t)((unsigned)(x * 200 / width) + noise);
        row[3 * x + 1] = (uint8_t)((unsigned)(y / 16 % 200) + noise);
        row[3 * x + 2] = (uint8_t)(((x / 90 + y / 70) % 2 ? 200u : 40u) + noise);
    }
}

static struct file draw_jpeg(int width, int height)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long len = 0;
    uint8_t *row = malloc((size_t)width * 3);
    if (!row)
        die("out of memory");
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &len);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 85, TRUE);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < height; y++) {
        draw_row(row, width, y);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    return (struct file){.data = out, .len = len};
}

static struct file read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        die(path);
    long n = ftell(f);
    struct file file = {.data = malloc(n > 0 ? (size_t)n : 1), .len = n > 0 ? (size_t)n : 0};
    rewind(f);
    if (!file.data || fread(file.data, 1, file.len, f) != file.len)
        die(path);
    fclose(f);
    return file;
}

static void bench(const char *name, struct file file, bool exact)
{
    double decode[RUNS], prepare[RUNS];
    struct image_prep prep = {.width = SIDE, .height = SIDE, .exact = exact};
    struct image_meta meta = {0};
    struct image img = {0}, out = {0};
    struct eye_err err = {0};
    int w = 0, h = 0;
    for (int i = 0; i < RUNS; i++) {
        double start = now();
        if (image_decode(file.data, file.len, NULL, exact ? 0 : 2 * SIDE, &img, &meta, &err) != 0)
            die(err.msg);
        double middle = now();
        if (image_prepare(&img, meta.width, meta.height, &prep, &out, &err) != 0)
            die(err.msg);
        prepare[i] = now() - middle;
        decode[i] = middle - start;
        w = img.width;
        h = img.height;
        image_release(&img);
        image_release(&out);
    }
    printf("%-24s %-9s %5d x %-5d decode %7.1f ms  prepare %6.1f ms  (%s)\n", name,
           exact ? "exact" : "shrink", w, h, median(decode), median(prepare),
           cpu_level_name(cpu_level()));
}

static void bench_both(const char *name, struct file file)
{
    bench(name, file, false);
    bench(name, file, true);
    cpu_level_force(CPU_PORTABLE);
    bench(name, file, true);
    cpu_level_force(cpu_level_max());
    free(file.data);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        bench_both("12 Mpixel JPEG", draw_jpeg(4000, 3000));
    for (int i = 1; i < argc; i++)
        bench_both(argv[i], read_file(argv[i]));
    return 0;
}
