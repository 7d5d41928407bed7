/* test_duplicates.c - groups of a whole library: files, copies that were stored again, pictures that an older program indexed. */
#include "engine/fixture.h"

#include <math.h>
#include <sqlite3.h>

#include "engine/duplicates.h"

/* ---- pictures: soft blobs at any size, so that small ones look like large ones ---- */

static uint8_t level(double at[6][4], double x, double y)
{
    double v = 60;
    for (int i = 0; i < 6; i++)
        v += at[i][3] *
             exp(-((x - at[i][0]) * (x - at[i][0]) + (y - at[i][1]) * (y - at[i][1])) / at[i][2]);
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* A BMP of w x h (w a multiple of 4); `lift` makes it another file that looks the same. */
static void scene(const struct fx *fx, const char *name, unsigned seed, int w, int h, int lift)
{
    double at[6][4];
    size_t size = 54 + (size_t)w * (size_t)h * 3;
    uint8_t *bmp = calloc(size, 1);
    assert_non_null(bmp);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            double u = (seed >> 8) / 16777216.0;
            at[i][k] = k < 2 ? u : k == 2 ? 0.004 + 0.03 * u : 260 * u - 80;
        }
    const uint32_t head[] = {(uint32_t)size, 0, 54, 40, (uint32_t)w, (uint32_t)h, 1 | 24 << 16};
    memcpy(bmp, "BM", 2);
    memcpy(bmp + 2, head, sizeof head);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = bmp + 54 + 3 * ((size_t)(h - 1 - y) * (size_t)w + (size_t)x);
            uint8_t v = level(at, (x + 0.5) / w, (y + 0.5) / h);
            p[0] = (uint8_t)(v / 2 + 40);
            p[1] = v;
            p[2] = (uint8_t)((x + y) % 50 == 0 && v > lift ? v - lift : v);
        }
    fx_write(fx, name, bmp, size);
    free(bmp);
}

static void copy_of(const struct fx *fx, const char *from, const char *to)
{
    char path[600];
    struct buf b;
    buf_init(&b, 64 << 20);
    fx_path(fx, from, path);
    assert_int_equal(fs_read_all(path, &b, NULL), 0);
    fx_write(fx, to, b.data, b.len);
    buf_release(&b);
}

/* ---- what is told, as text: "a.bmp b.bmp | c.bmp d.bmp" ---- */

struct told {
    struct fx *fx;
    char text[8192];
    size_t groups;
    eye_dup_kind kind;
    int offline;
};

static int tell(void *ctx, const eye_dup_group *g)
{
    struct told *t = ctx;
    size_t n = strlen(t->text);
    assert_int_equal(g->kind, t->kind);
    assert_true(g->n >= 2);
    if (t->groups++)
        n += (size_t)snprintf(t->text + n, sizeof t->text - n, "| ");
    for (size_t i = 0; i < g->n; i++) {
        const eye_dup_member *m = &g->members[i];
        const char *below = eng_path_below(m->path, t->fx->photos);
        n += (size_t)snprintf(t->text + n, sizeof t->text - n, "%s%s ", below ? below : m->path,
                              m->offline ? "!" : "");
        t->offline += m->offline;
        assert_int_equal(strlen(m->hash), 64);
        assert_string_equal(m->format, "bmp");
        assert_true(m->width > 0 && m->height > 0 && m->size > 54);
        assert_true(g->kind != EYE_DUP_SAME || (m->id == g->members[0].id && m->distance == 0));
        assert_true(i == 0 || g->kind == EYE_DUP_SAME || m->id != g->members[0].id);
    }
    return 0;
}

static eye_dup_totals ask(struct fx *fx, const eye_dup_options *o, struct told *t)
{
    eye_dup_totals totals;
    *t = (struct told){.fx = fx, .kind = o->kind};
    FX_OK(fx, eye_duplicates(fx->lib, o, tell, t, &totals, &fx->err));
    return totals;
}

#define EXPECT(fx, o, want)                                                                        \
    do {                                                                                           \
        struct told t_;                                                                            \
        ask(fx, o, &t_);                                                                           \
        assert_string_equal(t_.text, want);                                                        \
    } while (0)

static eye_dup_options of(eye_dup_kind kind)
{
    eye_dup_options o = EYE_DUP_OPTIONS_INIT;
    o.kind = kind;
    return o;
}

/* ---- tests ---- */

static void same_bytes_are_one_group_of_files(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t;
    scene(fx, "m.bmp", 1, 64, 48, 0);
    scene(fx, "z.bmp", 2, 64, 48, 0);
    copy_of(fx, "m.bmp", "sub/a.bmp");
    copy_of(fx, "m.bmp", "b.bmp");
    fx_index(fx, "");
    eye_dup_options o = of(EYE_DUP_SAME);
    eye_dup_totals totals = ask(fx, &o, &t);
    assert_string_equal(t.text, "b.bmp m.bmp sub/a.bmp ");
    assert_true(totals.groups == 1 && totals.next == 0 && totals.unknown == 0);
    fx_unlink(fx, "b.bmp"); /* gone since: those that are there come first */
    ask(fx, &o, &t);
    assert_string_equal(t.text, "m.bmp sub/a.bmp b.bmp! ");
    fx_index(fx, NULL);
    EXPECT(fx, &o, "m.bmp sub/a.bmp ");
    fx_unlink(fx, "m.bmp");
    fx_index(fx, NULL);
    EXPECT(fx, &o, "");
    fx_free(fx);
}

static void near_ones_are_found_whatever_their_size(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t;
    scene(fx, "a-big.bmp", 1, 320, 240, 0);
    scene(fx, "a-half.bmp", 1, 160, 120, 0);
    scene(fx, "a-small.bmp", 1, 80, 60, 0);
    scene(fx, "a-again.bmp", 1, 320, 240, 3);
    scene(fx, "b.bmp", 2, 320, 240, 0);
    scene(fx, "c-tall.bmp", 3, 160, 240, 0);
    scene(fx, "c-wide.bmp", 3, 320, 120, 0); /* the same hash, another shape */
    copy_of(fx, "a-half.bmp", "x.bmp");
    fx_index(fx, "");
    eye_dup_options o = of(EYE_DUP_NEAR);
    eye_dup_totals totals = ask(fx, &o, &t);
    assert_int_equal(t.groups, 1);
    assert_true(totals.groups == 1 && totals.unknown == 0);
    assert_true(strstr(t.text, "a-big.bmp") &&
                strstr(t.text, "a-again.bmp")); /* which of them is first, the hash says */
    assert_true(strstr(t.text, "a-half.bmp a-small.bmp ") != NULL);
    assert_null(strstr(t.text, "x.bmp")); /* a copy is the same picture */
    fx_free(fx);
}

/* One blank page is not the next one. */
static void flat_pictures_are_near_nobody(void **state)
{
    struct fx *fx = fx_new(state);
    uint8_t bmp[54 + 40 * 40 * 3];
    char name[32];
    struct told t;
    scene(fx, "a.bmp", 1, 40, 40, 0);
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "flat%d.bmp", i);
        scene(fx, name, 1, 40, 40, 0);
        struct buf b;
        char path[600];
        buf_init(&b, 1 << 20);
        fx_path(fx, name, path);
        assert_int_equal(fs_read_all(path, &b, NULL), 0);
        memcpy(bmp, b.data, 54);
        memset(bmp + 54, 240 + i, sizeof bmp - 54);
        buf_release(&b);
        fx_write(fx, name, bmp, sizeof bmp);
    }
    fx_index(fx, "");
    for (int distance = 0; distance <= 16; distance += 8) {
        eye_dup_options o = of(EYE_DUP_NEAR);
        o.distance = distance;
        eye_dup_totals totals = ask(fx, &o, &t);
        assert_int_equal(t.groups, 0);
        assert_true(totals.unknown == 0);
    }
    fx_free(fx);
}

static char *groups_of(struct fx *fx, eye_dup_kind kind, float cosine)
{
    struct told t;
    eye_dup_options o = of(kind);
    o.cosine = cosine;
    ask(fx, &o, &t);
    return strdup(t.text);
}

static void indexing_in_another_order_changes_nothing(void **state)
{
    enum { FILES = 24 };
    char *texts[3][2];
    unsigned order = 12345;
    for (int round = 0; round < 3; round++) {
        struct fx *fx = fx_new(state);
        int at[FILES];
        for (int i = 0; i < FILES; i++)
            at[i] = i;
        for (int i = FILES - 1; i > 0 && round; i--) {
            order = order * 1664525u + 1013904223u;
            int k = (int)((order >> 8) % (unsigned)(i + 1)), t = at[i];
            at[i] = at[k];
            at[k] = t;
        }
        for (int i = 0; i < FILES; i++) {
            char name[32];
            int w = at[i] % 3 == 0 ? 160 : at[i] % 3 == 1 ? 80 : 160;
            snprintf(name, sizeof name, "p%02d.bmp", at[i]);
            scene(fx, name, (unsigned)at[i] / 3 + 1, w, w * 3 / 4, at[i] % 3 == 2 ? 2 : 0);
            fx_index(fx, name); /* one by one: ids in this order */
        }
        texts[round][0] = groups_of(fx, EYE_DUP_NEAR, 0);
        texts[round][1] = groups_of(fx, EYE_DUP_SIMILAR, 0.97f);
        assert_true(strlen(texts[round][0]) > 100);
        fx_free(fx);
    }
    for (int kind = 0; kind < 2; kind++) {
        for (int round = 1; round < 3; round++) {
            /* the same words group by group; compare as sets */
            char a[8192], b[8192], *save_a = NULL;
            snprintf(a, sizeof a, "%s", texts[0][kind]);
            snprintf(b, sizeof b, "| %s", texts[round][kind]);
            assert_int_equal(strlen(texts[0][kind]), strlen(texts[round][kind]));
            for (char *g = strtok_r(a, "|", &save_a); g; g = strtok_r(NULL, "|", &save_a)) {
                char whole[1024];
                snprintf(whole, sizeof whole, "| %s", g + (*g == ' '));
                if (!strstr(b, whole))
                    fail_msg("%s is not in %s", whole, b);
            }
        }
    }
    for (int i = 0; i < 6; i++)
        free(texts[i / 2][i % 2]);
}

static void append(char *text, size_t size, const char *more)
{
    size_t n = strlen(text);
    snprintf(text + n, size - n, "%s", more);
}

static void pages_and_folders(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t;
    char name[64], folder[600], seen[8192] = "";
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "%s/a%d.bmp", i % 2 ? "odd" : "even [x]", i);
        scene(fx, name, (unsigned)i + 1, 120, 80, 0);
        snprintf(name, sizeof name, "all/b%d.bmp", i);
        scene(fx, name, (unsigned)i + 1, 60, 40, 0);
    }
    fx_index(fx, "");
    eye_dup_options o = of(EYE_DUP_NEAR);
    eye_dup_totals whole = ask(fx, &o, &t);
    char all[8192];
    snprintf(all, sizeof all, "%s", t.text);
    assert_true(t.groups == 7 && whole.groups == 7 && whole.next == 0);
    o.limit = 3;
    for (int page = 0; page < 3; page++) {
        eye_dup_totals totals = ask(fx, &o, &t);
        assert_int_equal(t.groups, page < 2 ? 3 : 1);
        assert_true(totals.groups == 7 && (totals.next != 0) == (page < 2));
        if (page)
            append(seen, sizeof seen, "| ");
        append(seen, sizeof seen, t.text);
        o.after = totals.next;
    }
    assert_string_equal(seen, all);
    o = of(EYE_DUP_NEAR);
    o.path = folder;
    fx_path(fx, "odd", folder);
    assert_int_equal(ask(fx, &o, &t).groups, 3);
    assert_true(strstr(t.text, "odd/a1.bmp all/b1.bmp") && !strstr(t.text, "even"));
    append(folder, sizeof folder, "/"); /* as a shell completes it */
    assert_int_equal(ask(fx, &o, &t).groups, 3);
    fx_path(fx, "od", folder); /* not a part of a name */
    assert_int_equal(ask(fx, &o, &t).groups, 0);
    fx_path(fx, "all/b2.bmp", folder); /* a file */
    assert_int_equal(ask(fx, &o, &t).groups, 1);
    snprintf(folder, sizeof folder, "*/even*");
    assert_int_equal(ask(fx, &o, &t).groups, 4);
    snprintf(folder, sizeof folder, "/");
    assert_int_equal(ask(fx, &o, &t).groups, 7);
    fx_free(fx);
}

static void similar_ones_are_not_near_ones(void **state)
{
    struct fx *fx = fx_new(state);
    struct told near, similar;
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "s%d.bmp", i);
        scene(fx, name, (unsigned)i + 1, 160, 120, 0);
        snprintf(name, sizeof name, "s%d-half.bmp", i);
        scene(fx, name, (unsigned)i + 1, 80, 60, 0);
    }
    fx_index(fx, "");
    eye_dup_options o = of(EYE_DUP_NEAR);
    ask(fx, &o, &near);
    assert_int_equal(near.groups, 5);
    o = of(EYE_DUP_SIMILAR);
    o.cosine = 0.5f; /* of this model's random weights: most of them */
    ask(fx, &o, &similar);
    assert_true(similar.groups > 0);
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "s%d-half.bmp ", i);
        assert_null(strstr(similar.text, name)); /* its representative stands for it */
    }
    o.cosine = 1;
    ask(fx, &o, &similar);
    assert_int_equal(similar.groups, 0);
    fx_free(fx);
}

/* Exactly who is close enough to whom, by the embeddings themselves. */
static void similar_ones_are_those_of_the_rule(void **state)
{
    enum { N = 150 }; /* more than one lot, and more neighbours than an answer has places */
    static float v[N][64];
    static const float least[] = {0.8f, 0.95f, 0.985f, 0.995f};
    struct fx *fx = fx_new(state);
    struct store_look looks[N];
    bool taken[N];
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i + 1);
    }
    fx_index(fx, "");
    struct eng_dup_vectors vectors;
    FX_OK(fx, eng_dup_vectors_open(fx->lib, &vectors, &fx->err));
    struct store_look *stored;
    size_t n;
    FX_OK(fx, store_looks(vectors.session.store, &stored, &n, &fx->err));
    assert_int_equal(n, N);
    memcpy(looks, stored, sizeof looks);
    free(stored);
    eng_looks_sort(looks, N);
    for (int i = 0; i < N; i++) {
        eye_query q = EYE_QUERY_INIT;
        q.like = looks[i].id;
        FX_OK(fx, eye_embed(fx->lib, &q, v[i], &fx->err));
    }
    for (size_t t = 0; t < 4; t++) {
        struct eng_grouping got, want = {.groups = NULL};
        struct eng_similar similar = {.looks = looks, .n = N, .cosine = least[t]};
        memset(taken, 0, sizeof taken);
        FX_OK(fx, eng_similar_find(&similar, &vectors, taken, &got, &fx->err));
        memset(taken, 0, sizeof taken);
        size_t unsure = 0;
        for (int p = 0; p < N; p++) {
            bool begun = false;
            for (int q = p + 1; q < N && !taken[p]; q++) {
                double dot = 0;
                for (int k = 0; k < 64; k++)
                    dot += (double)v[p][k] * (double)v[q][k];
                unsure += fabs(dot - (double)least[t]) < 1e-6;
                if (taken[q] || dot < (double)least[t])
                    continue;
                struct eng_member self = {.id = looks[p].id}, other = {.id = looks[q].id};
                if (!begun) {
                    eng_grouping_begin(&want, NULL);
                    eng_grouping_add(&want, &self, NULL);
                }
                begun = true;
                eng_grouping_add(&want, &other, NULL);
                taken[q] = true;
            }
        }
        FX_OK(fx, eng_grouping_sort(&want, &fx->err));
        assert_int_equal(unsure, 0);
        assert_int_equal(got.ngroups, want.ngroups);
        assert_int_equal(got.nmembers, want.nmembers);
        for (size_t g = 0; g < got.ngroups; g++) {
            assert_int_equal(got.groups[g].n, want.groups[g].n);
            assert_int_equal(got.members[got.groups[g].first].id,
                             want.members[want.groups[g].first].id);
            for (size_t i = 1; i < got.groups[g].n; i++) { /* best first there, by rank here */
                bool found = false;
                for (size_t k = 1; k < want.groups[g].n; k++)
                    found = found || want.members[want.groups[g].first + k].id ==
                                         got.members[got.groups[g].first + i].id;
                assert_true(found);
            }
        }
        eng_grouping_release(&got);
        eng_grouping_release(&want);
    }
    eng_dup_vectors_close(&vectors);
    fx_free(fx);
}

/* ---- what an older program left ---- */

static void forget_looks(const struct fx *fx)
{
    char path[400];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/library.db", fx->library);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE picture SET phash = NULL, mosaic = NULL", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
}

struct steps {
    uint64_t calls, hashing, total, stop_at;
};

static int on_step(void *ctx, eye_dup_phase phase, uint64_t done, uint64_t total)
{
    struct steps *s = ctx;
    s->calls++;
    if (phase == EYE_DUP_HASHING) {
        s->hashing++;
        s->total = total;
        assert_true(done <= total);
    }
    return s->stop_at && s->calls >= s->stop_at;
}

static void looks_come_later(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t;
    char name[64], away[600], back[600];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "%s/p%02d.bmp", i % 4 ? "here" : "there", i);
        scene(fx, name, (unsigned)i / 2 + 1, i % 2 ? 40 : 80, i % 2 ? 30 : 60, 0);
    }
    fx_index(fx, "");
    eye_dup_options o = of(EYE_DUP_NEAR);
    ask(fx, &o, &t);
    assert_int_equal(t.groups, 20);
    char before[8192];
    snprintf(before, sizeof before, "%s", t.text);
    forget_looks(fx);

    o.only_known = true; /* nothing is computed */
    eye_dup_totals totals = ask(fx, &o, &t);
    assert_true(t.groups == 0 && totals.unknown == 40);

    o.only_known = false; /* stopped after the first batch: what was done is kept */
    struct steps steps = {.stop_at = 2};
    o.progress = on_step;
    o.ctx = &steps;
    assert_int_equal(eye_duplicates(fx->lib, &o, NULL, NULL, &totals, &fx->err), EYE_ECANCELLED);
    assert_int_equal(steps.total, 40);
    o.only_known = true;
    o.progress = NULL;
    assert_true(ask(fx, &o, &t).unknown == 8);

    forget_looks(fx); /* a folder is away: the others are done, these stay unknown, and it ends */
    fx_path(fx, "there", away);
    fx_path(fx, "../elsewhere", back);
    assert_int_equal(rename(away, back), 0);
    o.only_known = false;
    totals = ask(fx, &o, &t);
    assert_true(totals.unknown == 10 && t.groups == 10);

    assert_int_equal(rename(back, away), 0); /* back again, but one is another file now */
    fx_picture(fx, "there/p00.bmp", 99);
    totals = ask(fx, &o, &t);
    assert_true(totals.unknown == 1 && t.groups == 19);
    fx_index(fx, "");
    assert_true(ask(fx, &o, &t).unknown == 0);

    scene(fx, "there/p00.bmp", 1, 80, 60, 0); /* all as it was */
    fx_index(fx, "");
    ask(fx, &o, &t);
    assert_int_equal(strlen(t.text), strlen(before));
    fx_free(fx);
}

/* A file that is as it was, but that no decoder takes any more, is tried once. */
static void what_cannot_be_decoded_is_not_tried_for_ever(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t;
    scene(fx, "a.bmp", 1, 80, 60, 0);
    scene(fx, "b.bmp", 1, 40, 30, 0);
    fx_index(fx, "");
    forget_looks(fx);
    eye_close(fx->lib);
    eye_options small = fx_options(fx);
    small.max_pixels = 2000; /* a has 4800 */
    fx->lib = eye_open(&small, &fx->err);
    assert_non_null(fx->lib);
    eye_dup_options o = of(EYE_DUP_NEAR);
    eye_dup_totals totals = ask(fx, &o, &t);
    assert_true(totals.unknown == 0 && t.groups == 0);
    fx_free(fx);
}

static void offline_files_count_and_are_marked(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t;
    char away[600], back[600];
    scene(fx, "disk/big.bmp", 1, 160, 120, 0);
    scene(fx, "here/small.bmp", 1, 80, 60, 0);
    copy_of(fx, "here/small.bmp", "disk/a-copy.bmp");
    fx_path(fx, "disk", away);
    fx_path(fx, "gone", back);
    fx_index(fx, "disk");
    fx_index(fx, "here");
    assert_int_equal(rename(away, back), 0);
    eye_dup_options o = of(EYE_DUP_NEAR);
    ask(fx, &o, &t);
    assert_string_equal(t.text, "disk/big.bmp! here/small.bmp ");
    o = of(EYE_DUP_SAME);
    ask(fx, &o, &t);
    assert_string_equal(t.text, "here/small.bmp disk/a-copy.bmp! ");
    fx_free(fx);
}

/* ---- kept groups, and threads of the library's own ---- */

static void groups_are_as_of_now_unless_old_ones_will_do(void **state)
{
    struct fx *fx = fx_new(state);
    scene(fx, "a.bmp", 1, 80, 60, 0);
    scene(fx, "a2.bmp", 1, 40, 30, 0);
    fx_index(fx, "");
    eye_dup_options o = of(EYE_DUP_NEAR), old = o;
    old.max_age = 1000;
    EXPECT(fx, &o, "a.bmp a2.bmp ");
    scene(fx, "b.bmp", 2, 80, 60, 0);
    scene(fx, "b2.bmp", 2, 40, 30, 0);
    fx_index(fx, "");
    EXPECT(fx, &old, "a.bmp a2.bmp ");
    EXPECT(fx, &o, "a.bmp a2.bmp | b.bmp b2.bmp ");
    EXPECT(fx, &old, "a.bmp a2.bmp | b.bmp b2.bmp ");
    fx_unlink(fx, "a2.bmp");
    fx_index(fx, "");
    EXPECT(fx, &old, "b.bmp b2.bmp "); /* what went is not told, whatever is kept */
    EXPECT(fx, &o, "b.bmp b2.bmp ");
    fx_free(fx);
}

static void a_thread_of_its_own_finds_them(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t = {.groups = 0};
    eye_dup_state s;
    char name[32];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "p%02d.bmp", i);
        scene(fx, name, (unsigned)i / 2 + 1, i % 2 ? 40 : 80, i % 2 ? 30 : 60, 0);
    }
    fx_index(fx, "");
    forget_looks(fx);
    fx_reopen(fx);
    eye_dup_options o = of(EYE_DUP_SAME);
    FX_OK(fx, eye_duplicates_prepare(fx->lib, &o, 0, &s, &fx->err));
    assert_true(s.ready);
    o = of(EYE_DUP_SIMILAR);
    o.only_known = true;
    o.cosine = 0.5f;
    FX_OK(fx, eye_duplicates_prepare(fx->lib, &o, 60000, &s, &fx->err));
    assert_true(s.ready);
    o = of(EYE_DUP_NEAR);
    o.only_known = true;
    eye_dup_totals totals = {0};
    for (int i = 0; i < 1000 && t.groups != 10; i++) { /* looks are made meanwhile */
        FX_OK(fx, eye_duplicates_prepare(fx->lib, &o, 60000, &s, &fx->err));
        assert_true(s.ready || totals.unknown > 0 || i < 100);
        totals = ask(fx, &o, &t);
        usleep(20000);
    }
    assert_true(t.groups == 10 && totals.unknown == 0);
    forget_looks(fx); /* closed while they are at it */
    FX_OK(fx, eye_duplicates_prepare(fx->lib, &o, 0, &s, &fx->err));
    fx_free(fx);
}

static void nonsense_is_refused(void **state)
{
    struct fx *fx = fx_new(state);
    eye_dup_state s;
    eye_dup_options bad[8];
    for (int i = 0; i < 8; i++)
        bad[i] = of(EYE_DUP_NEAR);
    bad[0].kind = (eye_dup_kind)7;
    bad[1].distance = 17;
    bad[2].distance = -2;
    bad[3].cosine = 0.2f;
    bad[4].cosine = 1.5f;
    bad[5].cosine = NAN;
    bad[6].path = "relative/folder";
    bad[7].after = -1;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(eye_duplicates(fx->lib, &bad[i], NULL, NULL, NULL, &fx->err), EYE_EINVAL);
        assert_int_equal(eye_duplicates_prepare(fx->lib, &bad[i], 0, &s, &fx->err), EYE_EINVAL);
    }
    eye_dup_options fine = of(EYE_DUP_NEAR); /* an empty library */
    EXPECT(fx, &fine, "");
    fine.kind = EYE_DUP_SIMILAR;
    EXPECT(fx, &fine, "");
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_are_one_group_of_files),
        cmocka_unit_test(near_ones_are_found_whatever_their_size),
        cmocka_unit_test(flat_pictures_are_near_nobody),
        cmocka_unit_test(indexing_in_another_order_changes_nothing),
        cmocka_unit_test(pages_and_folders),
        cmocka_unit_test(similar_ones_are_not_near_ones),
        cmocka_unit_test(similar_ones_are_those_of_the_rule),
        cmocka_unit_test(looks_come_later),
        cmocka_unit_test(what_cannot_be_decoded_is_not_tried_for_ever),
        cmocka_unit_test(offline_files_count_and_are_marked),
        cmocka_unit_test(groups_are_as_of_now_unless_old_ones_will_do),
        cmocka_unit_test(a_thread_of_its_own_finds_them),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
