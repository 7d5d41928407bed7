/* value.c - what stands behind a key, checked, as the eye_filter that asks it of one picture. */
#include "ask/ask.h"

#include <math.h>

enum { TEXT_MAX = 4096, PIXELS_MAX = 1000000, MEGAPIXELS_MAX = 100000 };

/* One condition while it is read. */
struct reader {
    eye_ask *ask;
    const struct ask_token *t;
    const char *value;
    int64_t now;
    struct ask_cond *out;
    eye_span *where;
    struct eye_err *err;
};

#define WRONG(r, ...) ask_wrong((r)->where, (r)->t->text, (r)->err, __VA_ARGS__)
#define SHOWN(s, len) ask_piece(s, len), s

/* A condition that compares must be of a key that can. */
static int only_is(const struct reader *r)
{
    const char *key = ask_key_name(r->t->key);
    if (r->t->op == ASK_IS)
        return 0;
    return ask_wrong(r->where, r->t->span, r->err,
                     "'%s' cannot be compared: write %s:%.*s; as words it needs quotes", key, key,
                     SHOWN(r->value, strlen(r->value)));
}

/* ---- texts and words ---- */

static int read_text(const struct reader *r, const char **out)
{
    size_t len = strlen(r->value);
    int rc = only_is(r);
    if (rc)
        return rc;
    if (len > TEXT_MAX)
        return WRONG(r, "this is longer than %d bytes", TEXT_MAX);
    if (r->value[ask_blank(r->value, len)] == '\0')
        return WRONG(r, "'%s' needs something to look for", ask_key_name(r->t->key));
    *out = r->value;
    return 0;
}

struct spelling {
    const char *said, *meant;
};

/* The value must be among `words` [n]; the condition's text becomes what is meant. NULL: said so. */
static const char *read_word(const struct reader *r, const struct spelling *words, size_t n,
                             const char *all)
{
    if (only_is(r))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (ask_is_word(r->value, strlen(r->value), words[i].said))
            return r->out->text = words[i].meant;
    WRONG(r, "'%s' is %s, not '%.*s'", ask_key_name(r->t->key), all,
          SHOWN(r->value, strlen(r->value)));
    return NULL;
}

static int read_format(const struct reader *r)
{
    static const struct spelling words[] = {{"jpeg", "jpeg"}, {"png", "png"},   {"webp", "webp"},
                                            {"gif", "gif"},   {"tiff", "tiff"}, {"bmp", "bmp"},
                                            {"heic", "heic"}, {"avif", "avif"}, {"jpg", "jpeg"},
                                            {"tif", "tiff"},  {"heif", "heic"}};
    r->out->filter.format = read_word(r, words, sizeof words / sizeof *words,
                                      "jpeg, png, webp, gif, tiff, bmp, heic or avif");
    return r->out->filter.format ? 0 : EYE_EINVAL;
}

static int read_orientation(const struct reader *r)
{
    static const struct spelling words[] = {
        {"landscape", "landscape"}, {"portrait", "portrait"}, {"square", "square"}};
    const char *word = read_word(r, words, 3, "landscape, portrait or square");
    r->out->filter.orientation = word ? word[0] : '\0';
    return word ? 0 : EYE_EINVAL;
}

/* has:gps and gps:yes are the same and are written as the first. */
static int read_gps(const struct reader *r)
{
    static const struct spelling has[] = {{"gps", "gps"}};
    static const struct spelling gps[] = {{"yes", "gps"}, {"no", "no"}};
    const char *word = r->t->key == ASK_HAS ? read_word(r, has, 1, "only has:gps")
                                            : read_word(r, gps, 2, "yes or no");
    if (!word)
        return EYE_EINVAL;
    r->out->key = word[0] == 'g' ? ASK_HAS : ASK_GPS;
    r->out->filter.gps = word[0] == 'g' ? 'y' : 'n';
    return 0;
}

static int read_root(const struct reader *r)
{
    int64_t id = 0;
    size_t n = 0;
    int rc = only_is(r);
    if (rc)
        return rc;
    for (; n < 16 && ask_is_digit(r->value[n]); n++)
        id = 10 * id + (r->value[n] - '0');
    if (r->value[n] || id < 1 || id > INT64_C(9007199254740991))
        return WRONG(r,
                     "'root' is the number of a folder, like root:2 (eyeshine status); "
                     "a part of the path is path:%.*s",
                     SHOWN(r->value, strlen(r->value)));
    r->out->filter.root = id;
    return 0;
}

/* ---- numbers ---- */

/* "a..b", "a..", "..b": the two ends; one value is both. False: nothing at either end. */
static bool ends_of(const char *value, eye_span *lo, eye_span *hi)
{
    const char *dots = strstr(value, "..");
    size_t len = strlen(value), at = dots ? (size_t)(dots - value) : len;
    *lo = (eye_span){0, at};
    *hi = dots ? (eye_span){at + 2, len - at - 2} : *lo;
    return lo->len || hi->len;
}

/* All of value[span] is a number from 0 to `most`. */
static bool number_in(const char *value, eye_span span, double most, double *out)
{
    return span.len && ask_number(value + span.at, span.len, out) == span.len && *out <= most;
}

/* The ends that the condition names; *has_lo, *has_hi: it does. */
struct ends {
    bool has_lo, has_hi;
    double lo, hi;
};

static int read_ends(const struct reader *r, double most, const char *example, struct ends *e)
{
    const char *key = ask_key_name(r->t->key);
    eye_span lo, hi;
    bool any = ends_of(r->value, &lo, &hi), range = hi.at != lo.at;
    *e = (struct ends){0};
    if (!any || (range && r->t->op != ASK_IS) ||
        (lo.len && !number_in(r->value, lo, most, &e->lo)) ||
        (hi.len && !number_in(r->value, hi, most, &e->hi)))
        return WRONG(r, "'%s' is compared with a number up to %.0f, like %s", key, most, example);
    e->has_lo = lo.len && r->t->op != ASK_LT && r->t->op != ASK_LE;
    e->has_hi = hi.len && r->t->op != ASK_GT && r->t->op != ASK_GE;
    if (e->has_lo && e->has_hi && e->lo > e->hi)
        return WRONG(r, "this range runs backwards: the smaller number comes first");
    return 0;
}

static int read_pixels(const struct reader *r, int *min, int *max)
{
    bool wide = r->t->key == ASK_WIDTH;
    struct ends e;
    int rc =
        read_ends(r, PIXELS_MAX,
                  wide ? "width>2000 or width:1000..2000" : "height>2000 or height:1000..2000", &e);
    if (rc)
        return rc;
    if (e.lo != floor(e.lo) || e.hi != floor(e.hi))
        return WRONG(r, "pixels come whole");
    if (e.has_lo)
        *min = (int)e.lo + (r->t->op == ASK_GT);
    if (e.has_hi)
        *max = (int)e.hi - (r->t->op == ASK_LT);
    return e.has_hi && *max < 1 ? WRONG(r, "no picture is that small: sizes begin at 1") : 0;
}

/* Half of the last place that is written: mp:12 is what rounds to 12. */
static double half_place(const char *number)
{
    const char *dot = strchr(number, '.');
    double half = 0.5;
    for (size_t i = dot ? strlen(dot + 1) : 0; i > 0 && half > 1e-9; i--)
        half /= 10;
    return half;
}

static int read_megapixels(const struct reader *r)
{
    eye_filter *f = &r->out->filter;
    struct ends e;
    int rc = read_ends(r, MEGAPIXELS_MAX, "mp>8 or mp:8..12", &e);
    if (rc)
        return rc;
    if (r->t->op == ASK_IS && !strstr(r->value, "..")) {
        e.hi = nextafter(e.lo + half_place(r->value), 0);
        e.lo = fmax(0, e.lo - half_place(r->value));
    }
    if (e.has_lo)
        f->min_megapixels = r->t->op == ASK_GT ? nextafter(e.lo, INFINITY) : e.lo;
    if (e.has_hi)
        f->max_megapixels = r->t->op == ASK_LT ? nextafter(e.hi, -1) : e.hi;
    return e.has_hi && f->max_megapixels <= 0 ? WRONG(r, "no picture is that small") : 0;
}

/* "-12.5" at *s, which moves on. */
static bool signed_number(const char **s, double *out)
{
    bool minus = **s == '-';
    *s += minus;
    size_t n = ask_number(*s, strlen(*s), out);
    *s += n;
    *out = minus ? -*out : *out;
    return n > 0;
}

static int read_box(const struct reader *r)
{
    eye_filter *f = &r->out->filter;
    double v[4] = {0};
    const char *s = r->value;
    int n = 0, rc = only_is(r);
    if (rc)
        return rc;
    while (n < 4 && (n == 0 || *s++ == ',') && signed_number(&s, &v[n]))
        n++;
    if (n < 4 || *s)
        return WRONG(r, "'box' is south,west,north,east in degrees, like box:47.2,5.9,55.1,15.0");
    if (fabs(v[0]) > 90 || fabs(v[2]) > 90 || fabs(v[1]) > 180 || fabs(v[3]) > 180)
        return WRONG(r, "degrees of latitude end at 90, of longitude at 180");
    if (v[0] > v[2])
        return WRONG(r, "the box's south lies north of its north: south,west,north,east");
    f->boxed = true;
    f->south = v[0];
    f->west = v[1];
    f->north = v[2];
    f->east = v[3];
    return 0;
}

static int read_score(const struct reader *r)
{
    double v = 0;
    const char *s = r->value;
    if (r->t->op != ASK_GT && r->t->op != ASK_GE)
        return ask_wrong(r->where, r->t->span, r->err, "a score has a least value only: score>0.2");
    if (!signed_number(&s, &v) || *s || v < -1 || v > 1)
        return WRONG(r, "a score is a number from -1 to 1, like score>0.2");
    r->out->score = r->t->op == ASK_GT && v < 1 ? nextafterf((float)v, 2) : (float)v;
    return 0;
}

/* ---- dates ---- */

static int no_date(const struct reader *r)
{
    return WRONG(r,
                 "'%.*s' is no date: write 2024, 2024-05, 2024-05-31, today, yesterday, "
                 "or how long ago: 7d, 3w, 2m, 1y",
                 SHOWN(r->value, strlen(r->value)));
}

/* after:D is from the beginning of D, before:D up to it; both of the date taken. */
static int read_side(const struct reader *r)
{
    struct ask_period p;
    int rc = only_is(r);
    if (rc)
        return rc;
    if (!ask_date(r->value, strlen(r->value), r->now, &p))
        return no_date(r);
    *(r->t->key == ASK_AFTER ? &r->out->filter.taken_from : &r->out->filter.taken_to) = p.from;
    return 0;
}

static int read_range(const struct reader *r, int64_t *from, int64_t *to)
{
    eye_span lo, hi;
    struct ask_period a = {0}, b = {0};
    if (!ends_of(r->value, &lo, &hi) || r->t->op != ASK_IS ||
        (lo.len && !ask_date(r->value + lo.at, lo.len, r->now, &a)) ||
        (hi.len && !ask_date(r->value + hi.at, hi.len, r->now, &b)))
        return no_date(r);
    if (lo.len && hi.len && a.from >= b.to)
        return WRONG(r, "this range runs backwards: the earlier date comes first");
    *from = lo.len ? a.from : EYE_TIME_UNKNOWN;
    *to = hi.len ? b.to : EYE_TIME_UNKNOWN;
    return 0;
}

static int read_time(const struct reader *r, int64_t *from, int64_t *to)
{
    struct ask_period p;
    if (strstr(r->value, ".."))
        return read_range(r, from, to);
    if (!ask_date(r->value, strlen(r->value), r->now, &p))
        return no_date(r);
    switch (r->t->op) {
    case ASK_IS: /* "7d": within the last seven days */
        *from = p.from;
        *to = p.ago ? EYE_TIME_UNKNOWN : p.to;
        break;
    case ASK_GT: *from = p.to; break;
    case ASK_GE: *from = p.from; break;
    case ASK_LT: *to = p.from; break;
    case ASK_LE: *to = p.to; break;
    }
    return 0;
}

int ask_value(eye_ask *ask, const struct ask_token *t, const char *value, int64_t now,
              struct ask_cond *out, eye_span *where, struct eye_err *err)
{
    static const eye_filter none = EYE_FILTER_INIT;
    const struct reader r = {ask, t, value, now, out, where, err};
    eye_filter *f = &out->filter;
    out->key = t->key;
    out->op = t->op;
    out->text = value;
    *f = none;
    switch (t->key) {
    case ASK_PATH: return read_text(&r, &f->path);
    case ASK_NAME: return read_text(&r, &f->name);
    case ASK_CAMERA: return read_text(&r, &f->camera);
    case ASK_ROOT: return read_root(&r);
    case ASK_FORMAT: return read_format(&r);
    case ASK_TAKEN: return read_time(&r, &f->taken_from, &f->taken_to);
    case ASK_MODIFIED: return read_time(&r, &f->modified_from, &f->modified_to);
    case ASK_ADDED: return read_time(&r, &f->added_from, &f->added_to);
    case ASK_AFTER:
    case ASK_BEFORE: return read_side(&r);
    case ASK_WIDTH: return read_pixels(&r, &f->min_width, &f->max_width);
    case ASK_HEIGHT: return read_pixels(&r, &f->min_height, &f->max_height);
    case ASK_MP: return read_megapixels(&r);
    case ASK_ORIENTATION: return read_orientation(&r);
    case ASK_HAS:
    case ASK_GPS: return read_gps(&r);
    case ASK_BOX: return read_box(&r);
    case ASK_SCORE: return read_score(&r);
    case ASK_NO_KEY: break;
    }
    return eye_fail(err, EYE_EINTERNAL, "a filter without a key");
}
