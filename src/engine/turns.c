/* turns.c - how many may run the model at once.
 *
 * It uses all of a processor and scratch memory of its own: more at once than there are threads finish no sooner, and 32
 * callers of a server would hold the scratch of 32. So they take turns. Scans and filters need next to no memory and
 * often less time than waking somebody takes: the system shares out the processor among them better than a queue did. */
#include "engine/engine.h"

void eng_turns_init(struct eng_turns *t, int most)
{
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->left, NULL);
    t->running = 0;
    t->most = most > 0 ? most : 1;
}

void eng_turns_release(struct eng_turns *t)
{
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->left);
}

void eng_turn_begin(struct eng_turns *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->running == t->most) {
        pthread_cond_wait(&t->left, &t->lock);
    }
    t->running++;
    pthread_mutex_unlock(&t->lock);
}

void eng_turn_end(struct eng_turns *t)
{
    pthread_mutex_lock(&t->lock);
    t->running--;
    pthread_cond_signal(&t->left);
    pthread_mutex_unlock(&t->lock);
}
