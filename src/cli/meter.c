/* meter.c - how far a long piece of work with a known size has come: a line that is drawn again on a terminal, nothing elsewhere (a
 * backup from cron has nothing to say until it is done). Also the place where such work learns of Ctrl-C. */
#include "cli/cli.h"

enum { STEP_MS = 100 };

struct cli_meter {
    const char *what;
    bool bytes, shown, drawn;
    int64_t last; /* milliseconds */
};

struct cli_meter *cli_meter_new(const char *what, bool bytes, bool quiet)
{
    struct cli_meter *m = calloc(1, sizeof *m);
    if (m) {
        m->what = what;
        m->bytes = bytes;
        m->shown = !quiet && cli_tty(stderr);
    }
    return m;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void amount(const struct cli_meter *m, uint64_t n, char out[24])
{
    if (m->bytes)
        cli_human_bytes(n, out);
    else
        snprintf(out, 24, "%llu", (unsigned long long)n);
}

int cli_meter_step(void *ctx, uint64_t done, uint64_t total)
{
    struct cli_meter *m = ctx;
    int64_t now = m && m->shown ? now_ms() : 0;
    if (m && m->shown && (now - m->last >= STEP_MS || done == total)) {
        char a[24];
        char b[24];
        m->last = now;
        m->drawn = true;
        amount(m, done, a);
        amount(m, total, b);
        fprintf(stderr, "\r\033[K%s %s", m->what, a);
        if (total)
            fprintf(stderr, " of %s (%d %%)", b, (int)((double)done * 100 / (double)total));
        fflush(stderr);
    }
    return cli_stopped();
}

void cli_meter_free(struct cli_meter *m)
{
    if (m && m->drawn)
        fputs("\r\033[K", stderr);
    free(m);
}
