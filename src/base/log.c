/* log.c - one sink for the whole process, set by the program.
 *
 * A global on purpose: a line may come from any depth, and handing a logger down through every
 * function would cost more than it tells. Lines are escaped as error messages are. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

static struct {
    pthread_mutex_t lock;
    log_sink *sink;
    void *ctx;
    enum log_level min;
} to = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_set_sink(log_sink *sink, void *ctx, enum log_level min)
{
    pthread_mutex_lock(&to.lock);
    to.sink = sink;
    to.ctx = ctx;
    to.min = min;
    pthread_mutex_unlock(&to.lock);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    pthread_mutex_lock(&to.lock);
    if (to.sink && level >= to.min) {
        char raw[EYE_ERR_MSG_MAX + 8];
        struct eye_err line;
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(raw, sizeof raw, fmt, ap);
        va_end(ap);
        eye_fail(&line, EYE_OK, "%s", n < 0 ? fmt : raw);
        to.sink(to.ctx, level, line.msg);
    }
    pthread_mutex_unlock(&to.lock);
}
