/* limit.c - token buckets for who knows how many callers in memory that never grows.
 *
 * The table is cut into sets of WAYS buckets; a caller's hash names its set. When a set is full, its fullest bucket
 * makes room: that caller loses nothing or little by being forgotten, while one that has used up its tokens stays
 * known. The hash is keyed, so that nobody can choose addresses that meet in one set. Tried and dropped: a list by
 * last use, where a flood of new addresses makes the table forget exactly those that it should hold back. */
#include "api/limit.h"

#include <arpa/inet.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/hash.h"

enum { SETS = 512, WAYS = 8, SEED_LEN = 16, WHO_MAX = 128 };

struct bucket {
    uint64_t id[2]; /* of the caller; 0, 0: free */
    double tokens, at;
};

struct api_limit {
    pthread_mutex_t lock;
    double full, per_second;
    uint8_t seed[SEED_LEN];
    struct bucket sets[SETS][WAYS];
};

struct api_limit *api_limit_new(int per_minute, struct eye_err *err)
{
    struct api_limit *l = mem_calloc(1, sizeof *l, err);
    if (!l)
        return NULL;
    if (getrandom(l->seed, sizeof l->seed, 0) != SEED_LEN) {
        eye_fail(err, EYE_EIO, "the system gives no random bytes");
        free(l);
        return NULL;
    }
    l->full = per_minute;
    l->per_second = per_minute / 60.0;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void api_limit_free(struct api_limit *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static double tokens_now(const struct api_limit *l, const struct bucket *b, double now)
{
    double t = b->tokens + (now - b->at) * l->per_second;
    return t < l->full ? t : l->full;
}

/* The caller's bucket, a free one, or the fullest of its set emptied for it. */
static struct bucket *find(struct api_limit *l, const char *who, double now)
{
    uint8_t text[SEED_LEN + WHO_MAX];
    struct hash h;
    uint64_t id[2];
    size_t n = strnlen(who, WHO_MAX);
    memcpy(text, l->seed, SEED_LEN);
    memcpy(text + SEED_LEN, who, n);
    hash_bytes(text, SEED_LEN + n, &h);
    memcpy(id, h.bytes, sizeof id);
    id[1] |= 1; /* never 0, 0 */

    struct bucket *set = l->sets[id[0] % SETS];
    struct bucket *fullest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct bucket *b = &set[i];
        if (b->id[0] == id[0] && b->id[1] == id[1])
            return b;
        if (b->id[1] == 0 || tokens_now(l, b, now) > tokens_now(l, fullest, now))
            fullest = b;
        if (b->id[1] == 0)
            break; /* those behind it are free too */
    }
    *fullest = (struct bucket){{id[0], id[1]}, l->full, now};
    return fullest;
}

static int ask(struct api_limit *l, const char *who, double now, double cost)
{
    pthread_mutex_lock(&l->lock);
    struct bucket *b = find(l, who, now);
    b->tokens = tokens_now(l, b, now);
    b->at = now;
    double missing = 1 - b->tokens;
    if (missing <= 0)
        b->tokens -= cost;
    pthread_mutex_unlock(&l->lock);
    if (missing <= 0)
        return 0;
    int wait = (int)ceil(missing / l->per_second - 1e-6);
    return wait > 1 ? wait : 1;
}

int api_limit_take(struct api_limit *l, const char *who, double now)
{
    return ask(l, who, now, 1);
}

int api_limit_look(struct api_limit *l, const char *who, double now)
{
    return ask(l, who, now, 0);
}

void api_limit_name(const char *peer, char out[64])
{
    struct in6_addr a;
    bool v6 = strchr(peer, ':') && inet_pton(AF_INET6, peer, &a) == 1;
    if (v6 && !IN6_IS_ADDR_V4MAPPED(&a)) {
        memset(a.s6_addr + 8, 0, 8);
        if (inet_ntop(AF_INET6, &a, out, 64))
            return;
    }
    snprintf(out, 64, "%s", peer);
}
