/* eye_err.h - status codes and the one error struct of the whole project.
 *
 * A function that can fail returns 0 or a negative code below (a constructor:
 * the object or NULL) and fills the caller's `struct eye_err`, always its last
 * parameter, which may be NULL. The place that knows what went wrong fills it
 * once, with one sentence for the user: what, which file, what to do. */
#ifndef EYE_ERR_H
#define EYE_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Codes exist only for what a caller decides on; the message says the rest. */
enum eye_code {
    EYE_OK = 0,
    EYE_ENOMEM = -1,     /* memory could not be had */
    EYE_EIO = -2,        /* the system refused a read, write, open ... */
    EYE_ENOTFOUND = -3,  /* no such file, picture, model, setting */
    EYE_EEXIST = -4,     /* it is there already */
    EYE_EFORMAT = -5,    /* bytes are not what they claim to be */
    EYE_ELIMIT = -6,     /* larger or slower than a stated limit allows */
    EYE_EINVAL = -7,     /* the caller's argument makes no sense */
    EYE_EBUSY = -8,      /* someone else holds it; try again later */
    EYE_EREMOTE = -9,    /* another machine or process failed us */
    EYE_EINTERNAL = -10, /* a bug of ours */
    EYE_ECANCELLED = -11 /* the caller asked to stop */
};

enum { EYE_ERR_MSG_MAX = 1024 };

/* Filled only on failure. `msg` is UTF-8 with control characters and invalid
 * bytes escaped, ends in no full stop and no newline, and holds no secret. */
struct eye_err {
    int code;
    char msg[EYE_ERR_MSG_MAX];
};

/* Short lower-case name of a code, e.g. "format"; "unknown" for others. */
const char *eye_err_name(int code);

#ifdef __cplusplus
}
#endif
#endif
