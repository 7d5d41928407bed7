/* caret.c - a line with a mark below the place that is meant.
 *
 * A terminal gives some characters two columns and some none, so the mark is moved by columns. Tables of Unicode's width are
 * thousands of ranges; these few blocks are what people write, and one column off still shows the word. */
#include "base/utf8.h"
#include "cli/queries.h"

enum { BEFORE = 60, AFTER = 20 }; /* characters that are shown around the place */

static int columns_of(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        int columns;
    } blocks[] = {{0x300, 0x36f, 0},     {0x591, 0x5bd, 0},     {0x610, 0x61a, 0},
                  {0x64b, 0x65f, 0},     {0x200b, 0x200f, 0},   {0x20d0, 0x20ff, 0},
                  {0xfe00, 0xfe0f, 0},   {0x1100, 0x115f, 2},   {0x2e80, 0xa4cf, 2},
                  {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe30, 0xfe6f, 2},
                  {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2},
                  {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (c >= blocks[i].from && c <= blocks[i].to)
            return blocks[i].columns;
    return 1;
}

/* The character at s, bytes of it; *columns it takes when put by put_character. */
static size_t character(const char *s, size_t left, uint32_t *c, int *columns)
{
    size_t n = utf8_step(s, left, c);
    if (n == 0)
        *c = '?'; /* no UTF-8 */
    else if (*c < 0x20 || (*c >= 0x7f && *c < 0xa0) || (*c >= 0x2028 && *c <= 0x202e) ||
             (*c >= 0x2066 && *c <= 0x2069))
        *c = ' '; /* nothing that drives the terminal or the text's direction */
    *columns = columns_of(*c);
    return n ? n : 1;
}

static void put_character(FILE *out, const char *s, size_t n, uint32_t c)
{
    if (c == ' ' || c == '?')
        fputc((int)c, out);
    else
        fwrite(s, 1, n, out);
}

/* The place `n` characters before `at`. */
static size_t back(const char *line, size_t at, int n)
{
    while (at > 0 && n > 0) {
        at--;
        n -= ((unsigned char)line[at] & 0xc0) != 0x80;
    }
    return at;
}

void cli_put_caret(FILE *out, const char *line, eye_span where)
{
    size_t len = strlen(line), end = where.at + where.len;
    size_t at = back(line, where.at, BEFORE);
    int indent = 2, marks = 0, shown = 0, columns = 0;
    uint32_t c = 0;
    fputs("  ", out);
    if (at > 0) {
        fputs("... ", out);
        indent += 4;
    }
    for (size_t n; at < len && (shown < AFTER || (at < end && shown < BEFORE)); at += n) {
        n = character(line + at, len - at, &c, &columns);
        put_character(out, line + at, n, c);
        indent += at < where.at ? columns : 0;
        marks += at >= where.at && at < end ? columns : 0;
        shown += at >= where.at;
    }
    fprintf(out, "%s\n%*s", at < len ? " ..." : "", indent, "");
    for (int i = 0; i < (marks > 1 ? marks : 1); i++)
        fputc('^', out);
    fputc('\n', out);
}
