/* output.c - how the program speaks: data on stdout, words for people on stderr, nothing that a file's name
 * could use to drive the terminal. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/json.h"
#include "cli/cli.h"

void cli_say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fputs("eyeshine: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

int cli_fail(const struct eye_err *err)
{
    cli_say("%s", err->msg[0] ? err->msg : "failed for an unknown reason");
    return err->code == EYE_EINVAL ? CLI_USAGE : CLI_FAILED;
}

bool cli_tty(FILE *f)
{
    return isatty(fileno(f)) == 1;
}

/* Length of the printable UTF-8 character at s, or 0 for a control character or a bad byte. */
static size_t printable(const char *s)
{
    unsigned char c = (unsigned char)s[0];
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (strnlen(s, n) < n || !utf8_valid(s, n))
        return 0;
    bool c1_control = c == 0xc2 && (unsigned char)s[1] < 0xa0;
    return c1_control ? 0 : n;
}

void cli_put_path(FILE *f, const char *path)
{
    if (!cli_tty(f)) {
        fputs(path, f);
        return;
    }
    while (*path) {
        size_t n = printable(path);
        if (n) {
            fwrite(path, 1, n, f);
            path += n;
        } else {
            fprintf(f, "\\x%02x", (unsigned char)*path++);
        }
    }
}

void cli_json_path(struct json_writer *w, const char *path)
{
    size_t len = strlen(path);
    jw_kstr(w, "path", path);
    if (utf8_valid(path, len))
        return;
    struct buf b;
    buf_init(&b, 1 << 20);
    if (base64_encode(path, len, &b, NULL) == 0)
        jw_kstr(w, "path_base64", b.data);
    buf_release(&b);
}

void cli_json_time(struct json_writer *w, const char *key, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[40];
    jw_key(w, key);
    if (seconds == EYE_TIME_UNKNOWN || !gmtime_r(&t, &tm) ||
        !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        jw_null(w);
    else
        jw_str(w, text);
}

int cli_put_json(struct buf *b)
{
    if (buf_putc(b, '\n', NULL) != 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    fwrite(b->data, 1, b->len, stdout);
    buf_clear(b);
    return 0;
}

const char *cli_count(uint64_t n, const char *thing, char out[48])
{
    snprintf(out, 48, "%llu %s%s", (unsigned long long)n, thing, n == 1 ? "" : "s");
    return out;
}

void cli_human_bytes(uint64_t n, char out[24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double v = (double)n;
    size_t u = 0;
    while (v >= 999.5 && u < 5) {
        v /= 1000;
        u++;
    }
    snprintf(out, 24, u && v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void cli_human_time(double seconds, char out[24])
{
    long s = seconds > 0 && seconds < 1e8 ? (long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(out, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 24, "%ld:%02ld", s / 60, s % 60);
}

void cli_human_date(int64_t seconds, char out[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (seconds == EYE_TIME_UNKNOWN || !localtime_r(&t, &tm) ||
        !strftime(out, 32, "%Y-%m-%d %H:%M", &tm))
        snprintf(out, 32, "never");
}

static volatile int stop_asked;

static void on_signal(int sig)
{
    if (stop_asked && sig == SIGINT)
        _exit(128 + SIGINT);
    stop_asked = 1;
}

void cli_catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

bool cli_stopped(void)
{
    return stop_asked != 0;
}

const volatile int *cli_stop_flag(void)
{
    return &stop_asked;
}
