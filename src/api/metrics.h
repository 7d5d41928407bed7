/* metrics.h - what the server has done, counted, as Prometheus text. Counting is thread-safe and never waits. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

enum { API_METRICS_BUCKETS = 12 };

/* All zero to begin with. */
struct api_metrics {
    atomic_uint_least64_t requests[6]; /* by first digit of the status; [0]: others */
    atomic_uint_least64_t search[API_METRICS_BUCKETS + 1]; /* searches by time, last: longer */
    atomic_uint_least64_t search_us;
};

void api_metrics_request(struct api_metrics *m, int status);
void api_metrics_search(struct api_metrics *m, double seconds);

/* What others know: for one reading. */
struct api_gauges {
    uint64_t pictures, files, failures, embedded, database_bytes, index_segments, index_rows,
        index_bytes;
    uint64_t bytes_in, bytes_out, refused;
    uint64_t jobs[6]; /* by eye_job_state */
    int connections, listeners, busy_workers, queued;
    double up_seconds;
    const char *version;
};
/* Everything as text/plain; version=0.0.4, memory and descriptors of this process too. */
int api_metrics_put(struct api_metrics *m, const struct api_gauges *g, struct buf *out,
                    struct eye_err *err);

#endif
