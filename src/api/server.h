/* server.h - what server.c and admit.c offer to the files of src/api that are about access, not pictures. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api/internal.h"

double api_clock(void);                                         /* seconds; never goes back */
double api_up_seconds(const struct api_server *s);              /* since the start */
void api_job_changed(struct api_server *s, const eye_job *job); /* handle_events.c */
void api_root_changed(struct api_server *s, const eye_watch_state *state); /* likewise */

/* ---- admit.c: who may ask what ---- */

/* http_config.admit: host, origin, key, scope, rate; headers of every reply. */
int api_admit(struct http_request *rq, void *ctx);
/* Does this request need a key: also one that a proxy passes on, since it is then nobody on this machine. */
bool api_key_needed(const struct api_server *s, const struct http_request *rq);
/* Is the one who asks on this machine? */
bool api_is_local(const struct api_server *s, const struct http_request *rq);
/* As api_auth_check, for the address that this request comes from. */
int api_check_key(struct api_server *s, const struct http_request *rq, const char *secret,
                  eye_scope *scope, struct eye_err *err);
/* Answers what api_check_key said: 401, 429, 500. */
void api_refuse_key(struct http_request *rq, int rc, const struct eye_err *err);

#endif
