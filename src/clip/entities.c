/* entities.c - HTML character references, in two dialects: Python's html.unescape (HTML5, so "&amp" and "&notit;"
 * are references too) and the cautious one of ftfy that wants the semicolon. The names are sorted, found by bisection. */
#include "clip/clean.h"

struct entity {
    const char *name;
    uint32_t cps[3]; /* 0 after the last */
};
struct charref_map {
    uint32_t from, to;
};

#include "clip/tables/entities.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
enum { NAME_MAX_HTML = 32, NAME_MAX_STRICT = 24 };

static const struct entity *find(const struct entity *table, size_t n, const char *name)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(name, table[mid].name);
        if (order == 0)
            return &table[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static void push_entity(struct cps *out, const struct entity *e)
{
    for (size_t i = 0; i < COUNT(e->cps) && e->cps[i]; i++)
        cps_push(out, e->cps[i]);
}

static int digit_value(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (int)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (int)(c - 'A') + 10;
    return 16;
}

static void push_number(struct cps *out, uint32_t number)
{
    for (size_t i = 0; i < COUNT(CHARREF_MAP); i++) {
        if (CHARREF_MAP[i].from == number) {
            cps_push(out, CHARREF_MAP[i].to);
            return;
        }
    }
    if ((number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF)
        cps_push(out, CP_REPLACEMENT);
    else if (!cp_in(CHARREF_NOTHING, COUNT(CHARREF_NOTHING), number))
        cps_push(out, number);
}

/* "#65;", "#x41" at v [n], which starts with '#': pushes the character, returns how many were read, 0 if no number. */
static size_t numeric(const uint32_t *v, size_t n, struct cps *out)
{
    size_t i = 1;
    int base = 10;
    if (i < n && (v[i] == 'x' || v[i] == 'X')) {
        base = 16;
        i++;
    }
    size_t first = i;
    uint32_t number = 0;
    for (; i < n && digit_value(v[i]) < base; i++)
        if (number <= 0x10FFFF) /* past it, it stays past it */
            number = number * (uint32_t)base + (uint32_t)digit_value(v[i]);
    if (i == first)
        return 0;
    push_number(out, number);
    return i < n && v[i] == ';' ? i + 1 : i;
}

/* A name at v [n]: pushes what it or its longest known beginning stands for; returns how many were read, 0 if none. */
static size_t named(const uint32_t *v, size_t n, struct cps *out)
{
    char name[NAME_MAX_HTML + 2];
    size_t len = 0;
    bool ascii = true;
    while (len < n && len < NAME_MAX_HTML && v[len] &&
           !strchr("\t\n\f <&#;", v[len] < 128 ? (int)v[len] : 'x')) {
        ascii = ascii && v[len] < 128;
        name[len] = ascii ? (char)v[len] : '\x01'; /* no name has it */
        len++;
    }
    if (len == 0)
        return 0;
    if (len < n && v[len] == ';')
        name[len++] = ';';
    for (; len >= 2; len--) {
        name[len] = '\0';
        const struct entity *e = find(HTML5, COUNT(HTML5), name);
        if (e) {
            push_entity(out, e);
            return len;
        }
    }
    return 0;
}

void clean_unescape(struct cps *t)
{
    struct cps out;
    cps_init(&out);
    for (size_t i = 0; i < t->n;) {
        size_t used = 0;
        if (t->v[i] == '&' && i + 1 < t->n) {
            const uint32_t *v = t->v + i + 1;
            size_t n = t->n - i - 1;
            used = v[0] == '#' ? numeric(v, n, &out) : named(v, n, &out);
        }
        if (!used)
            cps_push(&out, t->v[i]);
        i += used ? used + 1 : 1;
    }
    cps_replace(t, &out);
}

static bool ascii_alnum(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "name;" or "#65;" at v [n]: as named(), but whole and with its semicolon. */
static size_t strict(const uint32_t *v, size_t n, struct cps *out)
{
    char name[NAME_MAX_STRICT + 2];
    size_t start = n && v[0] == '#' ? 1 : 0, len = 0;
    for (; start + len < n && len < NAME_MAX_STRICT && ascii_alnum(v[start + len]); len++)
        name[len] = (char)v[start + len];
    if (len == 0 || start + len >= n || v[start + len] != ';')
        return 0;
    if (start) {
        struct cps number; /* "&#12ab;" is none, nor is one that gives a semicolon */
        cps_init(&number);
        size_t used = numeric(v, n, &number);
        bool good = used == len + 2 && !(number.n && number.v[0] == ';');
        if (good)
            cps_append(out, number.v, number.n);
        cps_release(&number);
        return good ? used : 0;
    }
    name[len] = ';';
    name[len + 1] = '\0';
    const struct entity *e = find(HTML5, COUNT(HTML5), name);
    if (!e)
        e = find(HTML_UPPER, COUNT(HTML_UPPER), name);
    if (!e)
        return 0;
    push_entity(out, e);
    return len + 1;
}

void clean_unescape_strict(struct cps *t)
{
    struct cps out;
    cps_init(&out);
    for (size_t i = 0; i < t->n;) {
        size_t used = t->v[i] == '&' ? strict(t->v + i + 1, t->n - i - 1, &out) : 0;
        if (!used)
            cps_push(&out, t->v[i]);
        i += used ? used + 1 : 1;
    }
    cps_replace(t, &out);
}
