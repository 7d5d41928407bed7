/* progress.c - where an index run stands: one line that is drawn again on a terminal, a plain line every ten seconds
 * elsewhere (so that a log stays readable). */
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

enum { PLAIN_SECONDS = 10, BAR = 24, NARROW = 72 };

struct cli_progress {
    FILE *out;
    bool tty, quiet, drawn;
    double last_plain;
    bool waits;
    time_t last_wait;
};

struct cli_progress *cli_progress_new(FILE *out, bool quiet)
{
    struct cli_progress *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->out = out;
    p->tty = cli_tty(out);
    p->quiet = quiet;
    return p;
}

/* Of `total`, which counts the files that turned out to be as they were too. */
static uint64_t done_of(const eye_index_progress *now)
{
    return now->indexed + now->updated + now->linked + now->unchanged + now->failed;
}

static bool wide_enough(FILE *out)
{
    struct winsize ws;
    return ioctl(fileno(out), TIOCGWINSZ, &ws) != 0 || ws.ws_col == 0 || ws.ws_col >= NARROW + BAR;
}

/* "123/4567  85.2/s  ETA 0:52  failed 3": what there is to say, without the bar. */
static void describe(const eye_index_progress *now, char *out, size_t size)
{
    uint64_t done = done_of(now);
    char eta[24] = "";
    char left[48] = "";
    if (now->walk_done && now->rate > 0.01 && now->total > done) {
        cli_human_time((double)(now->total - done) / now->rate, eta);
        snprintf(left, sizeof left, "  ETA %s", eta);
    }
    char failed[40] = "";
    if (now->failed)
        snprintf(failed, sizeof failed, "  failed %llu", (unsigned long long)now->failed);
    snprintf(out, size, "%llu/%llu%s  %.1f/s%s%s", (unsigned long long)done,
             (unsigned long long)now->total, now->walk_done ? "" : "+", now->rate, left, failed);
}

static void draw_bar(struct cli_progress *p, const eye_index_progress *now, const char *text)
{
    fputs("\r\033[K", p->out);
    if (wide_enough(p->out)) {
        double share = now->total ? (double)done_of(now) / (double)now->total : 0;
        int full = (int)(share * BAR);
        fputc('[', p->out);
        for (int i = 0; i < BAR; i++)
            fputc(i < full ? '#' : '.', p->out);
        fputs("] ", p->out);
    }
    fputs(text, p->out);
    fflush(p->out);
    p->drawn = true;
}

/* A wait is told when it begins, and both every ten seconds; `seconds` stands still while nothing is done. */
static bool is_time(struct cli_progress *p, const eye_index_progress *now)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    bool begins = now->waiting && !p->waits;
    bool yes = begins || now->seconds - p->last_plain >= PLAIN_SECONDS ||
               (now->waiting && t.tv_sec - p->last_wait >= PLAIN_SECONDS);
    p->waits = now->waiting != NULL;
    if (yes) {
        p->last_plain = now->seconds;
        p->last_wait = t.tv_sec;
    }
    return yes;
}

void cli_progress_show(struct cli_progress *p, const eye_index_progress *now)
{
    if (!p || p->quiet || (now->total == 0 && !now->waiting))
        return;
    char text[200];
    if (now->waiting)
        snprintf(text, sizeof text, "waiting: %.180s", now->waiting);
    else
        describe(now, text, sizeof text);
    if (p->tty) {
        draw_bar(p, now, text);
    } else if (is_time(p, now)) {
        fprintf(p->out, now->waiting ? "%s\n" : "indexing %s\n", text);
        fflush(p->out);
    }
}

void cli_progress_clear(struct cli_progress *p)
{
    if (p && p->drawn) {
        fputs("\r\033[K", p->out);
        fflush(p->out);
        p->drawn = false;
    }
}

void cli_progress_free(struct cli_progress *p)
{
    cli_progress_clear(p);
    free(p);
}
