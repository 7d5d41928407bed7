/* index_maker.c - the thread that makes segments in the background, and making them at the end of a run.
 *
 * It is started by the first that finds something to be made, begins a second later (a search from the command line is over by then, and a
 * server has no hurry), works alone and politely (nice 10, one thread: searches have the pool), and sleeps again. What failed is
 * tried again with the next that asks, a minute later at the earliest: a full disk is not made better by trying. */
#include "engine/index.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static const double DELAY_SECONDS = 1, TROUBLE_SECONDS = 60, BUSY_SECONDS = 5;

struct eng_maker {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool started, wanted, check;
    int64_t model; /* what is wanted */
    struct vector_spec spec;
    double not_before; /* eng_now() */
    atomic_bool stop;
};

static const struct eng_index_knobs as_meant = {0};

int eng_maker_init(eye_lib *lib, struct eye_err *err)
{
    pthread_condattr_t attr;
    lib->knobs = &as_meant;
    struct eng_maker *m = lib->maker = mem_calloc(1, sizeof *m, err);
    if (!m) {
        return EYE_ENOMEM;
    }
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    atomic_init(&m->stop, false);
    return 0;
}

void eng_maker_release(eye_lib *lib)
{
    struct eng_maker *m = lib->maker;
    if (m) {
        pthread_mutex_destroy(&m->lock);
        pthread_cond_destroy(&m->wake);
        free(m);
        lib->maker = NULL;
    }
}

/* ---- the thread ---- */

static int is_stopped(void *ctx)
{
    struct eng_maker *m = ctx;
    return atomic_load(&m->stop);
}

/* The next search finds the new segments loaded, if there are searches. */
static void refresh(eye_lib *lib, struct store *s, int64_t model, const struct vector_spec *spec)
{
    pthread_mutex_lock(&lib->lock);
    bool used = lib->vectors && lib->vectors->model == model;
    pthread_mutex_unlock(&lib->lock);
    if (used) {
        eng_vectors_put(lib, eng_vectors_get(lib, s, model, spec, NULL));
    }
}

static int make(eye_lib *lib, int64_t model, const struct vector_spec *spec, bool check)
{
    struct eng_making how = {.stop = is_stopped, .ctx = lib->maker, .check = check};
    struct eye_err why = {0};
    struct store *s = eng_store_get(lib, &why);
    int rc = s ? eng_make(lib, s, model, spec, &how, &why) : eng_code(&why);
    if (rc == 0) {
        refresh(lib, s, model, spec);
    } else if (rc != EYE_EBUSY && rc != EYE_ECANCELLED) {
        eng_log(lib, EYE_LOG_WARN, "the index was not made: %s", why.msg);
    }
    eng_store_put(lib, s);
    return rc;
}

/* Under the lock: until it is time, or to stop. */
static void wait_until(struct eng_maker *m, double when)
{
    struct timespec at = {(time_t)when, (long)((when - (double)(time_t)when) * 1e9)};
    while (!atomic_load(&m->stop) && eng_now() < when) {
        pthread_cond_timedwait(&m->wake, &m->lock, &at);
    }
}

static void *maker_main(void *arg)
{
    eye_lib *lib = arg;
    struct eng_maker *m = lib->maker;
    setpriority(PRIO_PROCESS, 0, 10); /* of this thread */
    pthread_mutex_lock(&m->lock);
    while (!atomic_load(&m->stop)) {
        if (!m->wanted) {
            pthread_cond_wait(&m->wake, &m->lock);
            continue;
        }
        wait_until(m, m->not_before);
        if (atomic_load(&m->stop)) {
            break;
        }
        int64_t model = m->model;
        struct vector_spec spec = m->spec;
        bool check = m->check;
        m->wanted = m->check = false;
        pthread_mutex_unlock(&m->lock);
        int rc = make(lib, model, &spec, check);
        pthread_mutex_lock(&m->lock);
        if (rc < 0) {
            m->check = m->check || check; /* with the next that asks */
            m->not_before = eng_now() + (rc == EYE_EBUSY ? BUSY_SECONDS : TROUBLE_SECONDS);
        }
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static bool start(eye_lib *lib)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&lib->maker->thread, NULL, maker_main, lib);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e == 0; /* if not, the next that asks tries again */
}

void eng_maker_poke(eye_lib *lib, int64_t model, const struct vector_spec *spec, bool check)
{
    struct eng_maker *m = lib->maker;
    double delay = lib->knobs->delay;
    if (lib->read_only || lib->knobs->no_maker || !model || !eng_plan_is_for(spec)) {
        return;
    }
    pthread_mutex_lock(&m->lock);
    if (!m->wanted) {
        double when = eng_now() + (delay > 0 ? delay : delay < 0 ? 0 : DELAY_SECONDS);
        m->not_before = m->not_before > when ? m->not_before : when;
    }
    m->wanted = true;
    m->check = m->check || check;
    m->model = model;
    m->spec = *spec;
    if (!m->started && !atomic_load(&m->stop)) {
        m->started = start(lib);
    }
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

void eng_maker_stop(eye_lib *lib)
{
    struct eng_maker *m = lib->maker;
    if (!m) {
        return;
    }
    pthread_mutex_lock(&m->lock);
    atomic_store(&m->stop, true);
    bool started = m->started;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    if (started) {
        pthread_join(m->thread, NULL);
    }
}

/* ---- after writing ---- */

static size_t few_of(const eye_lib *lib)
{
    return lib->knobs->few ? lib->knobs->few : ENG_INDEX_FEW;
}

static bool is_there(const eye_lib *lib, const struct store_segment *row)
{
    struct stat st = {0};
    char *folder = fs_join(lib->dir, "index", NULL);
    char *path = folder ? fs_join(folder, row->name, NULL) : NULL;
    bool there = path && stat(path, &st) == 0 && (uint64_t)st.st_size == row->bytes;
    free(path);
    free(folder);
    return there;
}

/* May there be something to make? Told by rows alone, without opening a file. thorough: dead rows and missing files count too. */
static bool is_worth_a_look(const eye_lib *lib, struct store *s, int64_t model, bool thorough)
{
    struct store_mark mark;
    struct store_segment *rows = NULL;
    size_t n = 0;
    if (store_vectors_mark(s, model, &mark, NULL) < 0 ||
        store_segments(s, model, &rows, &n, NULL) < 0) {
        return false;
    }
    int64_t few = (int64_t)few_of(lib), told = n ? rows[n - 1].upto : mark.log_from;
    bool worth = mark.changes - told >= few || (n == 0 && mark.vectors >= few);
    for (size_t i = 0; thorough && !worth && i < n; i++) {
        worth = mark.changes - rows[i].upto > (int64_t)rows[i].rows / 4 || !is_there(lib, &rows[i]);
    }
    free(rows);
    return worth;
}

/* 1: there may be something to make of this model. */
static int look(eye_lib *lib, struct store *s, const struct eng_model *model, bool thorough,
                int64_t *id, struct vector_spec *spec)
{
    const struct clip_info *info = clip_info(model->clip);
    *spec = (struct vector_spec){info->dim, info->weights};
    return !lib->read_only && eng_model_id(model, s, false, id, NULL) == 0 && *id &&
           eng_plan_is_for(spec) && is_worth_a_look(lib, s, *id, thorough);
}

void eng_make_later(eye_lib *lib, struct store *s, const struct eng_model *model)
{
    struct vector_spec spec;
    int64_t id = 0;
    if (!lib->remote && look(lib, s, model, false, &id, &spec)) {
        eng_maker_poke(lib, id, &spec, false);
    }
}

void eng_make_now(eye_lib *lib, struct store *s, const struct eng_model *model,
                  int (*stop)(void *ctx), void *ctx)
{
    struct eng_making how = {.stop = stop, .ctx = ctx};
    struct vector_spec spec;
    struct eye_err why = {0};
    int64_t id = 0;
    if (!lib->remote && !look(lib, s, model, true, &id, &spec)) {
        return;
    }
    int rc = lib->remote ? store_settle(s, &why) : eng_pool(lib, &how.pool, &why);
    rc = rc < 0 || lib->remote ? rc : eng_make(lib, s, id, &spec, &how, &why);
    if (rc < 0 && rc != EYE_EBUSY && rc != EYE_ECANCELLED) {
        eng_log(lib, EYE_LOG_WARN, "the index was not made: %s", why.msg);
    }
}
