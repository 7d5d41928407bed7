/* metrics.c - counters, and their Prometheus text (exposition format 0.0.4).
 *
 * Times of searches go to fixed buckets, finest where a search should be (p50 <= 25 ms). Memory and descriptors come
 * from /proc at the moment of asking; a line whose number can't be had is left out rather than wrong. */
#include "api/metrics.h"

#include <dirent.h>
#include <stdbool.h>
#include <unistd.h>

/* Microseconds, upper ends. */
static const struct {
    uint64_t us;
    const char *le;
} buckets[API_METRICS_BUCKETS] = {
    {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"},
    {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"}, {10000000, "10"},
};

void api_metrics_request(struct api_metrics *m, int status)
{
    int class = status >= 100 && status < 600 ? status / 100 : 0;
    atomic_fetch_add_explicit(&m->requests[class], 1, memory_order_relaxed);
}

void api_metrics_search(struct api_metrics *m, double seconds)
{
    uint64_t us = seconds > 0 ? (uint64_t)(seconds * 1e6) : 0;
    size_t b = 0;
    while (b < API_METRICS_BUCKETS && us > buckets[b].us)
        b++;
    atomic_fetch_add_explicit(&m->search[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->search_us, us, memory_order_relaxed);
}

/* ---- text ---- */

/* Writes lines until one fails, whose code it keeps. */
struct lines {
    struct buf *out;
    struct eye_err *err;
    int rc;
};

static void head(struct lines *l, const char *name, const char *type, const char *help)
{
    if (!l->rc)
        l->rc = buf_printf(l->out, l->err, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* labels: "" or {a="b"} */
static void value(struct lines *l, const char *name, const char *labels, uint64_t v)
{
    if (!l->rc)
        l->rc = buf_printf(l->out, l->err, "%s%s %llu\n", name, labels, (unsigned long long)v);
}

static void one(struct lines *l, const char *name, const char *type, const char *help, uint64_t v)
{
    head(l, name, type, help);
    value(l, name, "", v);
}

static void put_requests(struct lines *l, struct api_metrics *m)
{
    static const char *const labels[6] = {"{class=\"other\"}", "{class=\"1xx\"}",
                                          "{class=\"2xx\"}",   "{class=\"3xx\"}",
                                          "{class=\"4xx\"}",   "{class=\"5xx\"}"};
    head(l, "eyeshine_http_requests_total", "counter", "Requests answered, by status.");
    for (int i = 0; i < 6; i++)
        value(l, "eyeshine_http_requests_total", labels[i], atomic_load(&m->requests[i]));
}

static void put_search(struct lines *l, struct api_metrics *m)
{
    static const char name[] = "eyeshine_search_seconds";
    char labels[32];
    uint64_t n = 0;
    head(l, name, "histogram", "Time from a search request to its answer.");
    for (size_t b = 0; b < API_METRICS_BUCKETS; b++) {
        n += atomic_load(&m->search[b]);
        snprintf(labels, sizeof labels, "{le=\"%s\"}", buckets[b].le);
        value(l, "eyeshine_search_seconds_bucket", labels, n);
    }
    n += atomic_load(&m->search[API_METRICS_BUCKETS]);
    value(l, "eyeshine_search_seconds_bucket", "{le=\"+Inf\"}", n);
    if (!l->rc)
        l->rc = buf_printf(l->out, l->err, "%s_sum %.6f\n", name,
                           (double)atomic_load(&m->search_us) / 1e6);
    value(l, "eyeshine_search_seconds_count", "", n);
}

static void put_library(struct lines *l, const struct api_gauges *g)
{
    static const char *const states[6] = {"{state=\"open\"}",    "{state=\"queued\"}",
                                          "{state=\"running\"}", "{state=\"done\"}",
                                          "{state=\"failed\"}",  "{state=\"cancelled\"}"};
    one(l, "eyeshine_pictures", "gauge", "Pictures in the library.", g->pictures);
    one(l, "eyeshine_pictures_embedded", "gauge", "Pictures that can be found.", g->embedded);
    one(l, "eyeshine_files", "gauge", "Files of the pictures.", g->files);
    one(l, "eyeshine_failures", "gauge", "Files that could not be indexed.", g->failures);
    one(l, "eyeshine_database_bytes", "gauge", "Size of the database.", g->database_bytes);
    one(l, "eyeshine_index_segments", "gauge", "Segments of the index.", g->index_segments);
    one(l, "eyeshine_index_rows", "gauge", "Rows in them, dead ones too.", g->index_rows);
    one(l, "eyeshine_index_bytes", "gauge", "Size of their files.", g->index_bytes);
    head(l, "eyeshine_jobs", "gauge", "Background jobs that are kept, by state.");
    for (int i = 0; i < 6; i++)
        value(l, "eyeshine_jobs", states[i], g->jobs[i]);
}

static void put_http(struct lines *l, const struct api_gauges *g)
{
    one(l, "eyeshine_http_connections", "gauge", "Open connections.", (uint64_t)g->connections);
    one(l, "eyeshine_http_busy_workers", "gauge", "Requests being answered.",
        (uint64_t)g->busy_workers);
    one(l, "eyeshine_http_queued", "gauge", "Requests waiting for a worker.", (uint64_t)g->queued);
    one(l, "eyeshine_event_listeners", "gauge", "Pages that follow events.",
        (uint64_t)g->listeners);
    one(l, "eyeshine_http_received_bytes_total", "counter", "Bytes of requests.", g->bytes_in);
    one(l, "eyeshine_http_sent_bytes_total", "counter", "Bytes of replies.", g->bytes_out);
    one(l, "eyeshine_http_refused_total", "counter", "Connections refused as too many.",
        g->refused);
}

/* ---- this process ---- */

/* The second number of statm, in pages. */
static bool resident_bytes(uint64_t *out)
{
    char line[256];
    char *end = NULL;
    FILE *f = fopen("/proc/self/statm", "re");
    bool ok = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    const char *second = ok ? strchr(line, ' ') : NULL;
    unsigned long long pages = second ? strtoull(second, &end, 10) : 0;
    *out = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return second && end != second;
}

static bool open_descriptors(uint64_t *out)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;
    if (!d)
        return false;
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    *out = n - 1; /* the one that reads the folder */
    return true;
}

static void put_process(struct lines *l, const struct api_gauges *g)
{
    uint64_t v = 0;
    if (resident_bytes(&v))
        one(l, "process_resident_memory_bytes", "gauge", "Memory of the server's own process.", v);
    if (open_descriptors(&v))
        one(l, "process_open_fds", "gauge", "Open file descriptors.", v);
    one(l, "eyeshine_up_seconds", "gauge", "Time since the start.", (uint64_t)g->up_seconds);
    head(l, "eyeshine_info", "gauge", "The program.");
    if (!l->rc)
        l->rc = buf_printf(l->out, l->err, "eyeshine_info{version=\"%s\"} 1\n", g->version);
}

int api_metrics_put(struct api_metrics *m, const struct api_gauges *g, struct buf *out,
                    struct eye_err *err)
{
    struct lines l = {out, err, 0};
    put_requests(&l, m);
    put_search(&l, m);
    put_library(&l, g);
    put_http(&l, g);
    put_process(&l, g);
    return l.rc;
}
