/* milvus_call.c - a handle on a Milvus server, and calls that survive a server that is away.
 *
 * Everything that is sent may be sent twice (reads, upserts, deletes by key, "create unless equal"), so a call is simply made again while the server is
 * away, busy or not ready, after pauses of 0.1 to 2 s, for as long as the handle's patience lasts. What answers but does not speak gRPC, or has no trusted
 * certificate, is asked four times in a row at most: a server that is killed in mid-answer looks like that, too, but a wrong port does so for ever.
 * The patience belongs to a handle and not to a server, because a search gives up after seconds where an index run waits for hours on the same connections. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "store/milvus_wire.h"

enum {
    DEFAULT_TIMEOUT_MS = 30000,
    DEFAULT_PATIENCE_MS = 5000,
    PAUSE_MIN_MS = 100,
    PAUSE_MAX_MS = 2000,
    TELL_MS = 250,
    STRANGE_MAX = 4
};

struct core {
    pthread_mutex_t lock; /* guards users, seen and the version */
    unsigned users;
    struct milvus_place place;
    struct milvus_http *http;
    uint64_t seen;
    uint64_t
        base; /* a timestamp of the server, and when at the latest it was given (ms): its clock, by which */
    int64_t base_ms; /* the time of a write is guessed that came back without one. 0: none yet */
    int64_t strong_until; /* ms; no clock yet: until then every read is a strong one */
    int major, minor;     /* 0, 0: not asked yet */
    bool lite;
};

struct milvus {
    struct core *core;
    struct milvus_options options;
};

/* ---- handles ---- */

static void set_options(struct milvus *m, const struct milvus_options *options)
{
    if (options)
        m->options = *options;
    if (m->options.timeout_ms <= 0)
        m->options.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (m->options.patience_ms <= 0)
        m->options.patience_ms = DEFAULT_PATIENCE_MS;
}

static void tell(const struct milvus *m, int level, const char *line)
{
    if (m->options.log)
        m->options.log(m->options.log_ctx, level, line);
}

static void core_drop(struct core *c)
{
    pthread_mutex_lock(&c->lock);
    bool last = --c->users == 0;
    pthread_mutex_unlock(&c->lock);
    if (!last)
        return;
    milvus_http_free(c->http);
    milvus_place_release(&c->place);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct milvus *milvus_open(const char *url, const struct milvus_options *options,
                           struct eye_err *err)
{
    struct core *c = mem_calloc(1, sizeof(*c), err);
    struct milvus *m = c ? mem_calloc(1, sizeof(*m), err) : NULL;
    if (!m || milvus_place_read(url, &c->place, err) != 0) {
        free(m);
        free(c);
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->users = 1;
    m->core = c;
    set_options(m, options);
    c->http = milvus_http_new(&c->place, err);
    if (!c->http) {
        milvus_close(m);
        return NULL;
    }
    if (c->place.login && !c->place.tls && !c->place.loopback) {
        char line[512];
        snprintf(line, sizeof(line),
                 "%s: the password goes over the network as it is; milvus+tls:// encrypts it",
                 c->place.name);
        tell(m, LOG_WARN, line);
    }
    return m;
}

struct milvus *milvus_with(struct milvus *m, const struct milvus_options *options,
                           struct eye_err *err)
{
    struct milvus *other = mem_calloc(1, sizeof(*other), err);
    if (!other)
        return NULL;
    other->core = m->core;
    set_options(other, options);
    pthread_mutex_lock(&m->core->lock);
    m->core->users++;
    pthread_mutex_unlock(&m->core->lock);
    return other;
}

void milvus_close(struct milvus *m)
{
    if (!m)
        return;
    core_drop(m->core);
    free(m);
}

const char *milvus_name(const struct milvus *m)
{
    return m->core->place.name;
}

const char *milvus_database(const struct milvus *m)
{
    return m->core->place.database;
}

const char *milvus_collection(const struct milvus *m, enum milvus_which which)
{
    return which == MILVUS_FILES ? m->core->place.files : m->core->place.collection;
}

const struct milvus_options *milvus_options(const struct milvus *m)
{
    return &m->options;
}

uint64_t milvus_seen(const struct milvus *m)
{
    pthread_mutex_lock(&m->core->lock);
    uint64_t seen = m->core->seen;
    pthread_mutex_unlock(&m->core->lock);
    return seen;
}

void milvus_saw(struct milvus *m, uint64_t timestamp)
{
    pthread_mutex_lock(&m->core->lock);
    if (timestamp > m->core->seen)
        m->core->seen = timestamp;
    pthread_mutex_unlock(&m->core->lock);
}

/* A delete of 2.3 tells no time. It is not later than the server's clock when the answer is here: TSO, milliseconds << 18, which may lag behind real time when
 * it was last seen (50 ms, more on a busy machine), so a second is added; and not to wait for that second reads are strong for as long. Without a
 * clock they are strong until even a bounded one must see it. */
void milvus_wrote(struct milvus *m, uint64_t timestamp, int64_t sent_ms)
{
    enum { GRACE_MS = 5000, LAG_MS = 1000, DRIFT = 10000, LOGICAL_BITS = 18 };
    struct core *c = m->core;
    int64_t now = milvus_now_ms();
    pthread_mutex_lock(&c->lock);
    if (timestamp > 0) {
        c->base = timestamp;
        c->base_ms = sent_ms;
    } else {
        int64_t passed = now - c->base_ms, until = now + (c->base > 0 ? LAG_MS : GRACE_MS);
        if (c->base > 0)
            timestamp = c->base + ((uint64_t)(passed + LAG_MS + passed / DRIFT) << LOGICAL_BITS);
        if (until > c->strong_until)
            c->strong_until = until;
    }
    if (timestamp > c->seen)
        c->seen = timestamp;
    pthread_mutex_unlock(&c->lock);
}

bool milvus_must_be_strong(const struct milvus *m)
{
    pthread_mutex_lock(&m->core->lock);
    bool strong = milvus_now_ms() < m->core->strong_until;
    pthread_mutex_unlock(&m->core->lock);
    return strong;
}

/* ---- waiting ---- */

static int sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000L};
    return nanosleep(&t, NULL);
}

/* False: it gave up. */
static bool wait_for(struct milvus *m, int64_t since, int ms, const char *what, double share)
{
    const struct milvus_options *o = &m->options;
    do {
        double seconds = (double)(milvus_now_ms() - since) / 1000;
        if (o->wait && o->wait(o->wait_ctx, what, share, seconds) != 0)
            return false;
        int part = ms > TELL_MS ? TELL_MS : ms;
        sleep_ms(part);
        ms -= part;
    } while (ms > 0);
    return true;
}

int milvus_wait(struct milvus *m, int64_t since, int ms, const char *what, double share,
                struct eye_err *err)
{
    int code = EYE_EREMOTE;
    if (milvus_now_ms() - since < m->options.patience_ms) {
        if (wait_for(m, since, ms, what, share))
            return 0;
        code = EYE_ECANCELLED;
    }
    return eye_fail(err, code, "%s: not waited for any longer: %s", m->core->place.name, what);
}

/* ---- calls ---- */

/* Fills in `db_name` where the request has one that is empty: true, with *field where it is and *before what it was. */
static bool fill_database(const struct milvus *m, ProtobufCMessage *request, char ***field,
                          char **before)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "db_name");
    if (!f || f->type != PROTOBUF_C_TYPE_STRING || f->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    *field = (char **)((char *)request + f->offset);
    if ((**field && ***field) || !*m->core->place.database)
        return false;
    *before = **field;
    **field = m->core->place.database;
    return true;
}

static int make_frame(const struct milvus *m, const char *what, ProtobufCMessage *request,
                      struct buf *frame, struct eye_err *err)
{
    char **database = NULL;
    char *before = NULL;
    buf_init(frame, (size_t)MILVUS_REQUEST_MAX + MILVUS_FRAME + 1);
    bool filled = fill_database(m, request, &database, &before);
    size_t n = protobuf_c_message_get_packed_size(request);
    int rc = 0;
    if (n > MILVUS_REQUEST_MAX)
        rc = eye_fail(err, EYE_ELIMIT, "%s: the request of %zu MB is larger than a server takes",
                      what, n >> 20);
    if (!rc)
        rc = buf_reserve(frame, n + MILVUS_FRAME, err);
    if (!rc) {
        unsigned char head[MILVUS_FRAME] = {0, (unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                            (unsigned char)(n >> 8), (unsigned char)n};
        rc = buf_append(frame, head, sizeof(head), err);
    }
    if (!rc) {
        protobuf_c_message_pack(request, (uint8_t *)frame->data + frame->len);
        frame->len += n;
    }
    if (filled)
        *database = before;
    return rc;
}

/* A try that did not reach the server's own judgement, as an error. */
static int fail_try(const char *what, const struct milvus_try *t, struct eye_err *err)
{
    switch (t->end) {
    case MILVUS_END_STOPPED:
        return eye_fail(err, EYE_ECANCELLED, "%s: not waited for any longer: %s", what, t->why);
    case MILVUS_END_AWAY:
        return eye_fail(err, EYE_EREMOTE, "%s: the server is away: %s", what, t->why);
    case MILVUS_END_STRANGE:
        return eye_fail(err, EYE_EREMOTE, "%s: no Milvus server, it seems: %s", what, t->why);
    case MILVUS_END_TLS:
        return eye_fail(err, EYE_EREMOTE,
                        "%s: %s; EYESHINE_STORE_CA may name a file of certificates to trust", what,
                        t->why);
    case MILVUS_END_LOGIN:
        return eye_fail(err, EYE_EINVAL,
                        "%s: the server refuses the login (%s); set EYESHINE_STORE_USER and "
                        "EYESHINE_STORE_PASSWORD, or EYESHINE_STORE_TOKEN",
                        what, t->why);
    case MILVUS_END_LARGE: return eye_fail(err, EYE_ELIMIT, "%s: %s", what, t->why);
    case MILVUS_END_MEMORY: return eye_fail(err, EYE_ENOMEM, "out of memory");
    default: return eye_fail(err, EYE_EREMOTE, "%s: the server refuses: %s", what, t->why);
    }
}

/* One call on its way. */
struct calling {
    struct milvus *m;
    const char *method, *what;
    const ProtobufCMessageDescriptor *type;
    struct buf frame, answer;
    ProtobufCMessage *reply;
    int64_t since;
    int tries, strange; /* strange: in a row */
};

/* Once. *again: it may help to try once more. */
static int call_once(struct calling *c, bool *again, struct eye_err *err)
{
    struct milvus_try t;
    *again = false;
    milvus_http_post(c->m->core->http, c->method, &c->frame, c->m->options.timeout_ms,
                     &c->m->options, c->since, &c->answer, &t);
    c->tries++;
    if (t.end != MILVUS_END_OK) {
        bool strange = t.end == MILVUS_END_STRANGE || t.end == MILVUS_END_TLS;
        c->strange = strange ? c->strange + 1 : 0;
        *again = t.end == MILVUS_END_AWAY || (strange && c->strange < STRANGE_MAX);
        return fail_try(c->what, &t, err);
    }
    c->reply = milvus_unpack(c->type, c->answer.data, c->answer.len, c->what, err);
    if (!c->reply)
        return err ? err->code : EYE_EFORMAT;
    int rc = milvus_status_check(milvus_status_of(c->reply), c->what, again, err);
    if (rc) {
        protobuf_c_message_free_unpacked(c->reply, NULL);
        c->reply = NULL;
        if (err)
            milvus_place_hide(&c->m->core->place, err->msg);
    }
    return rc;
}

/* The pause before the next try. False: there is no next one, and *why says what for. */
static bool pause_between(struct calling *c, int pause_ms, struct eye_err *why)
{
    char what[EYE_ERR_MSG_MAX + 64];
    if (milvus_now_ms() + pause_ms > c->since + c->m->options.patience_ms)
        return false;
    snprintf(what, sizeof(what), "%s; trying again", why->msg);
    if (c->tries == 1)
        tell(c->m, LOG_WARN, what);
    if (wait_for(c->m, c->since, pause_ms, what, -1))
        return true;
    why->code = EYE_ECANCELLED;
    return false;
}

static int call_until(struct calling *c, struct eye_err *err)
{
    struct eye_err why = {0, ""};
    int rc = 0, pause_ms = PAUSE_MIN_MS;
    bool again = true;
    while ((rc = call_once(c, &again, &why)) != 0) {
        if (!again || !pause_between(c, pause_ms, &why)) {
            rc = why.code;
            break;
        }
        pause_ms = pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms * 2;
    }
    if (rc == 0 && c->tries > 1)
        tell(c->m, LOG_INFO, "the server answers again");
    if (rc && err)
        *err = why;
    return rc;
}

int milvus_call(struct milvus *m, const char *method, ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *reply_type, ProtobufCMessage **reply,
                struct eye_err *err)
{
    char what[400];
    struct calling c = {.m = m, .method = method, .what = what, .type = reply_type};
    if (reply)
        *reply = NULL;
    snprintf(what, sizeof(what), "%s", m->core->place.name);
    buf_init(&c.answer, (size_t)MILVUS_ANSWER_MAX + MILVUS_FRAME);
    int rc = make_frame(m, what, request, &c.frame, err);
    if (!rc) {
        c.since = milvus_now_ms();
        rc = call_until(&c, err);
    }
    if (!rc && reply)
        *reply = c.reply;
    else if (!rc)
        protobuf_c_message_free_unpacked(c.reply, NULL);
    buf_release(&c.frame);
    buf_release(&c.answer);
    return rc;
}

/* ---- small questions ---- */

int milvus_version(struct milvus *m, int *major, int *minor, bool *lite, struct eye_err *err)
{
    struct core *c = m->core;
    pthread_mutex_lock(&c->lock);
    int a = c->major, b = c->minor;
    bool l = c->lite;
    pthread_mutex_unlock(&c->lock);
    if (a == 0 && b == 0) {
        Mv__EmptyRequest request = MV__EMPTY_REQUEST__INIT;
        ProtobufCMessage *reply = NULL;
        int rc = milvus_call(m, "GetVersion", &request.base, &mv__get_version_response__descriptor,
                             &reply, err);
        if (rc)
            return rc;
        const char *text = ((Mv__GetVersionResponse *)reply)->version;
        if (!milvus_version_parse(text, &a, &b, &l))
            rc = eye_fail(err, EYE_EFORMAT, "%s: the server's version, \"%.60s\", is none",
                          c->place.name, text);
        protobuf_c_message_free_unpacked(reply, NULL);
        if (rc)
            return rc;
        pthread_mutex_lock(&c->lock);
        c->major = a;
        c->minor = b;
        c->lite = l;
        pthread_mutex_unlock(&c->lock);
    }
    if (major)
        *major = a;
    if (minor)
        *minor = b;
    if (lite)
        *lite = l;
    return 0;
}

int milvus_has(struct milvus *m, enum milvus_which which, bool *there, struct eye_err *err)
{
    Mv__CollectionRequest request = MV__COLLECTION_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    int rc =
        milvus_call(m, "HasCollection", &request.base, &mv__bool_response__descriptor, &reply, err);
    *there = false;
    if (rc == EYE_ENOTFOUND)
        return 0;
    if (rc)
        return rc;
    *there = ((Mv__BoolResponse *)reply)->value != 0;
    protobuf_c_message_free_unpacked(reply, NULL);
    return 0;
}
