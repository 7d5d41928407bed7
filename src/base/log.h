/* log.h - where log lines go. The library itself never prints: a line goes to the sink the
 * program set, and nowhere by default. Thread-safe: the sink is called under a lock. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

typedef void log_sink(void *ctx, enum log_level level, const char *line);
void log_set_sink(log_sink *sink, void *ctx, enum log_level min);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
