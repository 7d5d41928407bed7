/* keys.c - the keys of filters by name, and which of them a misspelt one may have meant. */
#include "ask/ask.h"

static const char *const names[ASK_NO_KEY] = {[ASK_PATH] = "path",
                                              [ASK_ROOT] = "root",
                                              [ASK_NAME] = "name",
                                              [ASK_FORMAT] = "format",
                                              [ASK_CAMERA] = "camera",
                                              [ASK_TAKEN] = "taken",
                                              [ASK_AFTER] = "after",
                                              [ASK_BEFORE] = "before",
                                              [ASK_MODIFIED] = "modified",
                                              [ASK_ADDED] = "added",
                                              [ASK_WIDTH] = "width",
                                              [ASK_HEIGHT] = "height",
                                              [ASK_MP] = "mp",
                                              [ASK_ORIENTATION] = "orientation",
                                              [ASK_HAS] = "has",
                                              [ASK_GPS] = "gps",
                                              [ASK_BOX] = "box",
                                              [ASK_SCORE] = "score"};

/* Words of other programs for the same: offered, not taken, so that one thing has one name. NULL: for what we do not have. */
static const struct {
    const char *said, *meant;
} others[] = {
    {"date", "taken"},     {"since", "after"},      {"until", "before"},    {"type", "format"},
    {"ext", "format"},     {"extension", "format"}, {"filetype", "format"}, {"dir", "path"},
    {"directory", "path"}, {"file", "name"},        {"filename", "name"},   {"megapixels", "mp"},
    {"make", "camera"},    {"model", "camera"},     {"indexed", "added"},   {"changed", "modified"},
    {"location", "box"},   {"is", "orientation"},   {"in", "box"},          {"place", "box"},
    {"mtime", "modified"}, {"tag", NULL},           {"tags", NULL},         {"album", NULL},
    {"keyword", NULL},     {"person", NULL},        {"people", NULL},       {"size", NULL},
    {"rating", NULL},      {"lens", NULL},          {"iso", NULL}};

enum ask_key ask_key_of(const char *s, size_t len)
{
    if (ask_is_word(s, len, "folder"))
        return ASK_ROOT;
    for (int i = 0; i < ASK_NO_KEY; i++)
        if (ask_is_word(s, len, names[i]))
            return (enum ask_key)i;
    return ASK_NO_KEY;
}

const char *ask_key_name(enum ask_key key)
{
    return names[key];
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum { NAME_MAX_LEN = 16 };

/* Letters to add, drop, change or swap with their neighbour. */
static size_t distance(const char *a, size_t n, const char *b)
{
    size_t d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1], m = strlen(b);
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            size_t same = ask_is_word(a + i - 1, 1, (const char[]){b[j - 1], '\0'}) ? 0 : 1;
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + same);
            if (i > 1 && j > 1 && (a[i - 1] | 0x20) == b[j - 2] && (a[i - 2] | 0x20) == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

bool ask_key_near(const char *s, size_t len, const char **meant)
{
    size_t most = len < 4 ? 0 : len < 6 ? 1 : 2; /* short words are near to everything */
    *meant = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ask_is_word(s, len, others[i].said)) {
            *meant = others[i].meant;
            return true;
        }
    if (len > NAME_MAX_LEN)
        return false;
    for (int i = 0; i < ASK_NO_KEY && most > 0; i++) {
        size_t d = distance(s, len, names[i]);
        if (d <= most) {
            *meant = names[i];
            most = d - 1;
        }
    }
    return *meant != NULL;
}
