/* Expressions as a server reads them: here they are parsed and asked of rows, and what they let pass is compared with what the filter
 * does. Never too little; not too much either where they say so. */
#include "trees.h"

#include <errno.h>
#include <math.h>

#include "store/milvus_expr.h"
#include "store/milvus_text.h"

/* ---- a reader of expressions, as strict as both servers together ---- */

struct value {
    enum { INT, REAL, TEXT, IDS } kind;
    int64_t i;
    double d;
    char text[4096];
};

struct row {
    const struct known *k;
    const struct seen *s; /* NULL: of a picture */
};

struct reader {
    const char *at;
    const struct row *row;
    int depth;
};

static void blank(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static bool accept(struct reader *r, const char *token)
{
    blank(r);
    size_t n = strlen(token);
    if (strncmp(r->at, token, n) != 0)
        return false;
    r->at += n;
    return true;
}

static void as_text(char *out, size_t size, const char *bytes)
{
    struct buf b;
    struct eye_err err;
    buf_init(&b, 8192);
    assert_int_equal(milvus_text_put(&b, bytes, strlen(bytes), &err), 0);
    assert_true(b.len < size);
    memcpy(out, b.data, b.len + 1);
    buf_release(&b);
}

static void lowered(char *out, size_t size, const char *bytes)
{
    char low[256];
    size_t n = strlen(bytes);
    assert_true(n < sizeof low);
    for (size_t i = 0; i <= n; i++)
        low[i] = match_lower(bytes[i]);
    as_text(out, size, low);
}

static void number(struct value *v, int64_t i)
{
    v->kind = INT;
    v->i = i;
}

static bool picture_field(const struct known *k, const char *name, struct value *v)
{
    const struct store_picture *p = &k->p;
    v->kind = INT;
    if (!strcmp(name, "id"))
        v->i = k->id;
    else if (!strcmp(name, "width"))
        v->i = p->width;
    else if (!strcmp(name, "height"))
        v->i = p->height;
    else if (!strcmp(name, "pixels"))
        v->i = (int64_t)p->width * p->height;
    else if (!strcmp(name, "shape"))
        v->i = p->width > p->height ? 1 : p->width < p->height ? 2 : 3;
    else if (!strcmp(name, "taken_at"))
        v->i = p->taken_at;
    else if (!strcmp(name, "added_at"))
        v->i = p->added_at;
    else if (!strcmp(name, "has_gps"))
        v->i = p->has_gps;
    else if (!strcmp(name, "lat") || !strcmp(name, "lon"))
        *v = (struct value){.kind = REAL, .d = name[1] == 'a' ? p->lat : p->lon};
    else if (!strcmp(name, "format") || !strcmp(name, "camera_key")) {
        v->kind = TEXT;
        if (name[0] == 'f')
            as_text(v->text, sizeof v->text, p->format);
        else
            lowered(v->text, sizeof v->text, p->camera);
    } else
        return false;
    return true;
}

static bool file_field(const struct seen *s, const char *name, struct value *v)
{
    v->kind = TEXT;
    if (!strcmp(name, "kind"))
        number(v, 0);
    else if (!strcmp(name, "root"))
        number(v, s->root);
    else if (!strcmp(name, "mtime_ns"))
        number(v, s->mtime_ns);
    else if (!strcmp(name, "rel"))
        as_text(v->text, sizeof v->text, s->rel);
    else if (!strcmp(name, "name_key"))
        lowered(v->text, sizeof v->text, strrchr(s->path, '/') + 1);
    else
        return false;
    return true;
}

static void read_string(struct reader *r, struct value *v)
{
    size_t n = 0;
    v->kind = TEXT;
    for (r->at++; *r->at != '"'; r->at++) {
        assert_true(*r->at && *r->at != '\n' && *r->at != '\r');
        char c = *r->at;
        if (c == '\\') {
            c = *++r->at;
            assert_true(c && strchr("\"\\nrt", c));
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        v->text[n++] = c;
        assert_true(n < sizeof v->text);
    }
    v->text[n] = '\0';
    r->at++;
}

static void read_number(struct reader *r, struct value *v)
{
    size_t n = strspn(r->at, "-0123456789.e+");
    char text[64], *end;
    assert_true(n > 0 && n < sizeof text);
    memcpy(text, r->at, n);
    text[n] = '\0';
    r->at += n;
    if (strpbrk(text, ".e")) {
        *v = (struct value){.kind = REAL, .d = strtod(text, &end)};
    } else {
        v->kind = INT;
        errno = 0;
        v->i = strtoll(text, &end, 10);
        assert_true(errno == 0 && v->i > INT64_MIN);
    }
    assert_int_equal(*end, '\0');
}

static int order(const struct value *a, const struct value *b)
{
    assert_int_equal(a->kind, b->kind);
    if (a->kind == TEXT)
        return strcmp(a->text, b->text);
    if (a->kind == REAL)
        return (a->d > b->d) - (a->d < b->d);
    return (a->i > b->i) - (a->i < b->i);
}

static bool like(const struct value *a, const struct value *pattern)
{
    char part[4096];
    size_t n = strlen(pattern->text);
    assert_true(n > 2 && pattern->text[0] == '%' && pattern->text[n - 1] == '%');
    memcpy(part, pattern->text + 1, n - 2);
    part[n - 2] = '\0';
    assert_null(strpbrk(part, "%_\\"));
    return strstr(a->text, part) != NULL;
}

static bool in_ids(struct reader *r, const struct value *a)
{
    bool found = false;
    struct value b;
    assert_true(accept(r, "["));
    do {
        read_number(r, &b);
        found = found || b.i == a->i;
    } while (accept(r, ","));
    assert_true(accept(r, "]"));
    return found;
}

static bool comparison(struct reader *r)
{
    static struct value a, b;
    char name[32];
    size_t n = strspn(r->at, "abcdefghijklmnopqrstuvwxyz_");
    assert_true(n > 0 && n < sizeof name);
    memcpy(name, r->at, n);
    name[n] = '\0';
    r->at += n;
    assert_true(r->row->s ? file_field(r->row->s, name, &a) : picture_field(r->row->k, name, &a));
    if (accept(r, "in "))
        return in_ids(r, &a);
    static const char *const ops[] = {"==", "!=", ">=", "<=", "<", "like"};
    size_t op = 0;
    while (op < 6 && !accept(r, ops[op]))
        op++;
    assert_true(op < 6);
    blank(r);
    if (*r->at == '"')
        read_string(r, &b);
    else
        read_number(r, &b);
    switch (op) {
    case 0: return order(&a, &b) == 0;
    case 1: return order(&a, &b) != 0;
    case 2: return order(&a, &b) >= 0;
    case 3: return order(&a, &b) <= 0;
    case 4: return order(&a, &b) < 0;
    default: return like(&a, &b);
    }
}

static bool term(struct reader *r);

/* One kind of operator only between two parentheses. */
static bool chain(struct reader *r)
{
    bool value = term(r);
    if (accept(r, "&&")) {
        bool right = term(r);
        return value && right;
    }
    if (accept(r, "||")) {
        bool right = term(r);
        return value || right;
    }
    return value;
}

static bool term(struct reader *r)
{
    if (accept(r, "!")) {
        blank(r);
        assert_int_equal(*r->at, '('); /* of a comparison 2.3.5 refuses it */
        return !term(r);
    }
    if (!accept(r, "("))
        return comparison(r);
    assert_true(++r->depth < 64);
    bool value = chain(r);
    assert_true(accept(r, ")"));
    r->depth--;
    return value;
}

static bool lets_pass(const struct milvus_expr *e, const struct row *row)
{
    struct reader r = {.at = e->text.data, .row = row};
    if (e->says != MILVUS_SOME)
        return e->says == MILVUS_ALL;
    bool value = chain(&r);
    blank(&r);
    assert_int_equal(*r.at, '\0');
    return value;
}

/* ---- trees of pictures ---- */

static struct known all[N];
static const int64_t ids[ROOTS] = {7001, 7002, 7003, 7004};

static void fill(uint64_t from)
{
    seed = from;
    memset(all, 0, sizeof all);
    for (int i = 0; i < N; i++) {
        make_picture(&all[i], i);
        all[i].id = (int64_t)any(INT64_C(1) << 53) + 1;
        for (uint64_t n = 1 + any(FILES); n; n--)
            make_file(&all[i], ids, i);
    }
}

struct leaves {
    struct milvus_leaf v[NODES];
    size_t n;
};

/* Of each IS that asks for files: known or not. */
static void find_leaves(const struct store_where *w, struct leaves *l, unsigned known_percent)
{
    for (size_t i = 0; i < w->nparts; i++)
        find_leaves(w->parts[i], l, known_percent);
    if (w->kind != STORE_IS || !match_asks_files(w->filter))
        return;
    struct milvus_leaf *leaf = &l->v[l->n++];
    struct eye_err err;
    *leaf = (struct milvus_leaf){.node = w, .known = any(100) < known_percent};
    for (int i = 0; i < N; i++) {
        bool pass = false;
        for (size_t k = 0; k < all[i].nfiles; k++)
            pass = pass || file_passes(w->filter, &all[i].files[k]);
        if (pass)
            assert_int_equal(store_ids_add(&leaf->ids, all[i].id, &err), 0);
    }
    assert_int_equal(store_ids_settle(&leaf->ids, &err), 0);
}

struct tally {
    size_t trees, exact, passed, too_many;
};

static void check_where(const struct store_where *w, unsigned known_percent, bool with_like,
                        struct tally *tally)
{
    struct leaves l = {.n = 0};
    struct milvus_expr e;
    struct eye_err err = {0};
    milvus_expr_init(&e);
    find_leaves(w, &l, known_percent);
    assert_int_equal(milvus_expr_where(w, l.v, l.n, with_like, &e, &err), 0);
    for (int i = 0; i < N; i++) {
        const struct row row = {.k = &all[i]};
        bool wanted = where_passes(w, &all[i]), got = lets_pass(&e, &row);
        if (wanted && !got)
            print_message("too little: %s\n", e.text.data);
        assert_true(got || !wanted);
        if (e.exact && got != wanted)
            print_message("not exact: %s\n", e.text.data);
        assert_true(got == wanted || !e.exact);
        tally->passed += wanted;
        tally->too_many += got && !wanted;
    }
    tally->trees++;
    tally->exact += e.exact;
    for (size_t i = 0; i < l.n; i++)
        store_ids_free(&l.v[i].ids);
    milvus_expr_release(&e);
}

static void trees(unsigned known_percent, bool with_like, struct tally *tally)
{
    for (uint64_t lib = 1; lib <= 3; lib++) {
        fill(lib * 10 + known_percent);
        for (int i = 0; i < 200; i++) {
            static struct tree t;
            t.n = t.nparts = 0;
            check_where(grow(&t, (int)any(5), ids), known_percent, with_like, tally);
        }
    }
    assert_true(tally->passed > 1000);
}

static void all_of_it_is_said_when_files_are_known(void **state)
{
    (void)state;
    struct tally t = {0};
    trees(100, true, &t);
    assert_true(t.exact > t.trees * 9 / 10); /* "100%_cam" has parts with wildcards */
}

static void what_is_not_known_lets_pass_too_much(void **state)
{
    (void)state;
    struct tally t = {0};
    trees(50, true, &t);
    assert_true(t.exact > t.trees / 4 && t.too_many > 0);
    t = (struct tally){0};
    trees(0, false, &t);
    assert_true(t.exact > t.trees / 8 && t.exact < t.trees);
}

/* ---- files ---- */

static void check_files(const struct store_filter *f, bool with_like, struct tally *tally)
{
    struct eye_err err = {0};
    struct milvus_expr e;
    struct match_files *m = match_files_new(f, &err);
    assert_non_null(m);
    for (size_t r = 0; r < ROOTS; r++)
        if ((!f->root || f->root == ids[r]) && (r == 0 || roots != one_root))
            assert_int_equal(match_files_root(m, ids[r], roots[r], &err), 0);
    milvus_expr_init(&e);
    assert_int_equal(milvus_expr_files(m, with_like, &e, &err), 0);
    for (int i = 0; i < N; i++)
        for (size_t k = 0; k < all[i].nfiles; k++) {
            const struct row row = {.k = &all[i], .s = &all[i].files[k]};
            bool wanted = file_passes(f, row.s), got = lets_pass(&e, &row);
            if ((wanted && !got) || (e.exact && wanted != got))
                print_message("%s: %s: %s\n", f->path ? f->path : "", row.s->path, e.text.data);
            assert_true(got || !wanted);
            assert_true(got == wanted || !e.exact);
            /* what is left to C is left to the right hands */
            assert_int_equal(match_file(m, row.s->root, row.s->rel, strlen(row.s->rel)) &&
                                 match_date(m, row.s->mtime_ns),
                             wanted);
            tally->passed += wanted;
            tally->too_many += got && !wanted;
        }
    tally->trees++;
    tally->exact += e.exact;
    milvus_expr_release(&e);
    match_files_free(m);
}

static void each_path(struct tally *t)
{
    int64_t one[ROOTS];
    fill(5);
    for (size_t r = 0; r < ROOTS; r++)
        one[r] = roots == one_root ? ids[0] : ids[r];
    for (int i = 0; i < N && roots == one_root; i++)
        for (size_t k = 0; k < all[i].nfiles; k++)
            all[i].files[k].root = one[0];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int how = 0; how < 24; how++) {
            struct store_filter f = STORE_FILTER_INIT;
            f.path = paths[i];
            f.root = how % 3 == 1 ? one[0] : how % 3 == 2 ? one[ROOTS - 1] : 0;
            f.name = how / 3 % 2 ? "1" : NULL;
            f.modified_from = how / 6 % 2 ? 100 : INT64_MIN;
            check_files(&f, how / 12, t);
        }
}

static void paths_as_ranges_and_parts(void **state)
{
    (void)state;
    struct tally t = {0};
    each_path(&t);
    assert_true(t.passed > 1000 && t.exact > t.trees / 4);
    roots = one_root;
    each_path(&t);
    roots = some_roots;
}

static void conditions_of_files(void **state)
{
    (void)state;
    struct tally t = {0};
    fill(6);
    for (int i = 0; i < 3000; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        for (uint64_t n = 1 + any(6); n; n--)
            random_condition(&f, ids);
        check_files(&f, any(2), &t);
    }
    assert_true(t.passed > 1000 && t.exact > t.trees / 4 && t.too_many > 0);
}

static void words_are_left_to_c_only_where_they_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool like, exact;
        const char *text;
    } cases[] = {
        {"img", true, true, "(kind == 0 && name_key like \"%img%\")"},
        {"img", false, false, "kind == 0"},
        {"IMG 1", true, true, "(kind == 0 && (name_key like \"%img%\" && name_key like \"%1%\"))"},
        {"a_bcd", true, false, "(kind == 0 && name_key like \"%bcd%\")"},
        {"%", true, false, "kind == 0"},
        {"\xc3", true, false, "kind == 0"},
        {"\"", true, true, "(kind == 0 && name_key like \"%\\\"%\")"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        struct eye_err err;
        struct milvus_expr e;
        f.name = cases[i].name;
        struct match_files *m = match_files_new(&f, &err);
        assert_non_null(m);
        milvus_expr_init(&e);
        assert_int_equal(milvus_expr_files(m, cases[i].like, &e, &err), 0);
        assert_string_equal(e.text.data, cases[i].text);
        assert_int_equal(e.exact, cases[i].exact);
        milvus_expr_release(&e);
        match_files_free(m);
    }
}

/* ---- constants, numbers ---- */

static void is(const struct store_filter *f, int says, const char *text)
{
    const struct store_where w = {.kind = STORE_IS, .filter = f};
    struct milvus_expr e;
    struct eye_err err;
    milvus_expr_init(&e);
    assert_int_equal(milvus_expr_where(&w, NULL, 0, true, &e, &err), 0);
    assert_int_equal(e.says, says);
    assert_true(e.exact);
    if (text)
        assert_string_equal(e.text.data, text);
    milvus_expr_release(&e);
}

static void numbers_at_their_ends(void **state)
{
    (void)state;
    struct store_filter f = STORE_FILTER_INIT;
    is(&f, MILVUS_ALL, NULL);
    f.taken_to = INT64_MAX;
    is(&f, MILVUS_SOME, "(taken_at >= -9223372036854775807 && taken_at < 9223372036854775807)");
    f.taken_from = INT64_MAX;
    is(&f, MILVUS_NOTHING, NULL);
    f = (struct store_filter)STORE_FILTER_INIT;
    f.min_megapixels = 1e300;
    is(&f, MILVUS_NOTHING, NULL);
    f.min_megapixels = 0;
    f.max_megapixels = 1e300;
    is(&f, MILVUS_ALL, NULL);
    f.max_megapixels = 0.0000015;
    is(&f, MILVUS_SOME, "pixels <= 1");
    f = (struct store_filter)STORE_FILTER_INIT;
    f.format = "a\"b\\";
    is(&f, MILVUS_SOME, "format == \"a\\\"b\\\\\"");
    f = (struct store_filter){.boxed = true,
                              .south = -1e-5,
                              .north = INFINITY,
                              .west = 170,
                              .east = -170.5,
                              .taken_from = INT64_MIN,
                              .taken_to = INT64_MIN,
                              .added_from = INT64_MIN,
                              .added_to = INT64_MIN,
                              .modified_from = INT64_MIN,
                              .modified_to = INT64_MIN};
    is(&f, MILVUS_SOME,
       "(has_gps == 1 && (lat >= -1.0000000000000001e-05 && (lon >= 170.0 || lon <= -170.5)))");
    f.south = NAN;
    is(&f, MILVUS_NOTHING, NULL);
}

static void long_trees_are_balanced_and_deep_ones_cut(void **state)
{
    (void)state;
    enum { LONG = 1000, DEPTH = 30 };
    static struct store_filter f[LONG];
    static struct store_where nodes[LONG];
    static const struct store_where *parts[LONG];
    struct milvus_expr e;
    struct eye_err err;
    for (int i = 0; i < LONG; i++) {
        f[i] = (struct store_filter)STORE_FILTER_INIT;
        f[i].min_width = i + 1;
        nodes[i] = (struct store_where){.kind = STORE_IS, .filter = &f[i]};
        parts[i] = &nodes[i];
    }
    const struct store_where any_of = {.kind = STORE_ANY_OF, .parts = parts, .nparts = LONG};
    milvus_expr_init(&e);
    assert_int_equal(milvus_expr_where(&any_of, NULL, 0, true, &e, &err), 0);
    assert_true(e.exact);
    int depth = 0, deepest = 0;
    for (const char *c = e.text.data; *c; c++) {
        depth += (*c == '(') - (*c == ')');
        deepest = depth > deepest ? depth : deepest;
    }
    assert_int_equal(deepest, 10);
    const struct store_where *one[DEPTH];
    static struct store_where deep[DEPTH];
    one[0] = &nodes[0];
    for (int i = 0; i < DEPTH - 1; i++) {
        deep[i] = (struct store_where){.kind = STORE_NOT, .parts = &one[i], .nparts = 1};
        one[i + 1] = &deep[i];
    }
    assert_int_equal(milvus_expr_where(one[DEPTH - 1], NULL, 0, true, &e, &err), 0);
    assert_false(e.exact);
    assert_int_equal(e.says, MILVUS_ALL);
    milvus_expr_release(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_said_when_files_are_known),
        cmocka_unit_test(what_is_not_known_lets_pass_too_much),
        cmocka_unit_test(paths_as_ranges_and_parts),
        cmocka_unit_test(conditions_of_files),
        cmocka_unit_test(words_are_left_to_c_only_where_they_must_be),
        cmocka_unit_test(numbers_at_their_ends),
        cmocka_unit_test(long_trees_are_balanced_and_deep_ones_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
