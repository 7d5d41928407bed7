/* hub.h - what happens in the library, told to whoever listens: Server-Sent Events with resume.
 *
 * Thread-safe. Nothing here waits for a listener: one whose buffer is full is dropped, and comes back by itself with the
 * number of the last event it saw. */
#ifndef API_HUB_H
#define API_HUB_H

#include <stdint.h>

#include "base/err.h"

struct api_hub;

/* Where a listener's bytes go: an http_stream, or a test's. */
struct api_sink {
    int (*send)(void *ctx, const void *bytes, size_t len); /* 0 or an error: never waits */
    void (*close)(void *ctx); /* the last call; the listener is gone after it */
    void *ctx;
};

enum { API_HUB_RING = 1024, API_HUB_STREAMS = 64, API_HUB_KEEPALIVE = 15 };

struct api_hub *api_hub_new(struct eye_err *err);
/* Closes all listeners. */
void api_hub_free(struct api_hub *h);
/* Close all listeners and take no more. */
void api_hub_end(struct api_hub *h);

/* An event for all: `name` and `data`, one line of JSON. job: its id, 0 if it is about no job. */
void api_hub_publish(struct api_hub *h, const char *name, int64_t job, const char *data);

/* Takes the sink over, also on failure: "hello", then what came after event `last` ("BOOT-SEQ"; NULL: nothing), or
 * "reset" when that is no longer known. job: only events of that job or of none; 0: all. EYE_EBUSY: as many
 * listeners as there may be. */
int api_hub_listen(struct api_hub *h, const struct api_sink *sink, int64_t job, const char *last,
                   struct eye_err *err);
int api_hub_listeners(struct api_hub *h);
/* A comment to all who listen, so that proxies keep the line open and the dead are noticed; done every 15 s. */
void api_hub_ping(struct api_hub *h);

#endif
