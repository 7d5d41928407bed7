/* encodings.c - the words asked for lately with their vectors.
 *
 * A page of results, a filter that is tried, or a letter deleted again asks for the same words: 3 ms of a model against
 * a look into 256 places. Least recently used goes first. The key holds the model's fingerprint, so a
 * switch of models cannot bring up vectors of the other one. Pictures are not kept: their bytes would have to be hashed first,
 * and the server remembers uploads by itself.
 *
 * The scratch memory of an encoding is not kept: measured, it gains nothing for words nor for pictures, and an idle
 * server would hold it. */
#include "engine/engine.h"

enum { ENTRIES = 256, WORDS_MAX = 1024 };

struct entry {
    char *words; /* NULL: free */
    float *vector;
    size_t dim;
    uint64_t key, used;
    struct hash weights;
};

struct eng_encodings {
    pthread_mutex_t lock;
    uint64_t clock;
    struct entry entries[ENTRIES];
};

struct eng_encodings *eng_encodings_new(struct eye_err *err)
{
    struct eng_encodings *e = mem_calloc(1, sizeof *e, err);
    if (e) {
        pthread_mutex_init(&e->lock, NULL);
    }
    return e;
}

void eng_encodings_free(struct eng_encodings *e)
{
    if (!e) {
        return;
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        free(e->entries[i].words);
        free(e->entries[i].vector);
    }
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/* FNV-1a: only to pass over most entries with one comparison. */
static uint64_t key_of(const struct hash *weights, const char *words)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < HASH_LEN; i++) {
        h = (h ^ weights->bytes[i]) * 1099511628211u;
    }
    for (const unsigned char *p = (const unsigned char *)words; *p; p++) {
        h = (h ^ *p) * 1099511628211u;
    }
    return h;
}

/* Under the lock. */
static struct entry *look_up(struct eng_encodings *e, const struct hash *weights, const char *words,
                             size_t dim, uint64_t key)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *at = &e->entries[i];
        if (at->words && at->key == key && at->dim == dim && hash_cmp(&at->weights, weights) == 0 &&
            !strcmp(at->words, words)) {
            at->used = ++e->clock;
            return at;
        }
    }
    return NULL;
}

bool eng_encodings_get(struct eng_encodings *e, const struct hash *weights, const char *words,
                       float *out, size_t dim)
{
    uint64_t key = key_of(weights, words);
    pthread_mutex_lock(&e->lock);
    struct entry *found = look_up(e, weights, words, dim, key);
    if (found) {
        memcpy(out, found->vector, dim * sizeof *out);
    }
    pthread_mutex_unlock(&e->lock);
    return found != NULL;
}

static struct entry *oldest(struct eng_encodings *e)
{
    struct entry *old = &e->entries[0];
    for (size_t i = 1; i < ENTRIES; i++) {
        if (e->entries[i].used < old->used) {
            old = &e->entries[i];
        }
    }
    return old;
}

/* Without memory it is simply not kept. */
void eng_encodings_put(struct eng_encodings *e, const struct hash *weights, const char *words,
                       const float *vector, size_t dim)
{
    if (strlen(words) > WORDS_MAX) {
        return;
    }
    struct entry add = {.words = mem_strdup(words, NULL),
                        .vector = mem_calloc(dim, sizeof *add.vector, NULL),
                        .dim = dim,
                        .key = key_of(weights, words),
                        .weights = *weights};
    struct entry drop = add;
    if (add.words && add.vector) {
        memcpy(add.vector, vector, dim * sizeof *vector);
        pthread_mutex_lock(&e->lock);
        if (!look_up(e, weights, words, dim, add.key)) {
            struct entry *place = oldest(e);
            drop = *place;
            *place = add;
            place->used = ++e->clock;
        }
        pthread_mutex_unlock(&e->lock);
    }
    free(drop.words);
    free(drop.vector);
}
