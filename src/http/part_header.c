/* part_header.c - the headers of one part of a form: Content-Disposition and Content-Type.
 *
 * Names of files come as browsers send them: UTF-8 bytes in quotes, where the HTML standard writes a quotation mark
 * as %22 and older clients write \". Only these two are undone (and "\\"); any other backslash is part of the name,
 * as a "%" is. `filename*=` is not for forms (RFC 7578) and ignored. */
#include "http/multipart.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* A quoted string from its opening quotation mark on, undone into `out` (NULL: only measured). Returns what follows it; NULL: it does not end. */
static const char *read_quoted(const char *p, char *out)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\0' || is_control(*p))
            return NULL;
        char c = *p;
        if (c == '\\' && (p[1] == '"' || p[1] == '\\'))
            c = *++p;
        else if (strncmp(p, "%22", 3) == 0) {
            c = '"';
            p += 2;
        }
        if (out)
            *out++ = c;
    }
    if (out)
        *out = '\0';
    return p + 1;
}

/* One parameter's value; p at its first byte. Returns what follows it. */
static const char *read_value(const char *p, char *out)
{
    if (*p == '"')
        return read_quoted(p, out);
    size_t n = strcspn(p, "; \t\"");
    if (n == 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (is_control(p[i]))
            return NULL;
    if (out) {
        memcpy(out, p, n);
        out[n] = '\0';
    }
    return p + n;
}

char *http_header_parameter(const char *value, const char *name, bool *bad)
{
    char *found = NULL;
    size_t name_len = strlen(name);
    *bad = true;
    const char *p = value + strcspn(value, ";");
    while (*p == ';') {
        p = skip_blanks(p + 1);
        if (*p == '\0') /* "a=b;" */
            break;
        size_t n = strcspn(p, "=; \t");
        if (n == 0 || p[n] != '=')
            goto malformed;
        bool wanted = n == name_len && strncasecmp(p, name, n) == 0;
        if (wanted && found) /* twice: which one counts? */
            goto malformed;
        p += n + 1;
        if (wanted)
            found = mem_calloc(strlen(p) + 1, 1, NULL);
        if (wanted && !found)
            goto malformed;
        p = read_value(p, wanted ? found : NULL);
        if (!p)
            goto malformed;
        p = skip_blanks(p);
    }
    if (*p)
        goto malformed;
    *bad = false;
    return found;
malformed:
    free(found);
    return NULL;
}

void http_part_header_release(struct http_part_header *h)
{
    free(h->field);
    free(h->filename);
    free(h->type);
    *h = (struct http_part_header){0};
}

static const char *read_disposition(const char *value, struct http_part_header *h)
{
    bool bad, bad_name;
    size_t n = strcspn(value, "; \t");
    if (n != 9 || strncasecmp(value, "form-data", n) != 0 || h->field)
        return "a part of the form has no valid Content-Disposition";
    h->field = http_header_parameter(value, "name", &bad);
    h->filename = http_header_parameter(value, "filename", &bad_name);
    if (bad || bad_name || !h->field)
        return "the name of a part of the form is malformed or missing";
    return NULL;
}

static const char *read_line(const char *line, struct http_part_header *h)
{
    size_t n = strcspn(line, ":");
    if (n == 0 || line[n] != ':' || strcspn(line, " \t") < n)
        return "a header of a part of the form is malformed";
    const char *value = skip_blanks(line + n + 1);
    if (n == 19 && strncasecmp(line, "Content-Disposition", n) == 0)
        return read_disposition(value, h);
    if (n == 12 && strncasecmp(line, "Content-Type", n) == 0) {
        if (h->type)
            return "a part of the form has two Content-Types";
        h->type = mem_strdup(value, NULL);
        return h->type ? NULL : "out of memory";
    }
    if (n == 25 && strncasecmp(line, "Content-Transfer-Encoding", n) == 0 &&
        strcasecmp(value, "binary") != 0 && strcasecmp(value, "8bit") != 0 &&
        strcasecmp(value, "7bit") != 0)
        return "a part of the form has a Content-Transfer-Encoding, which forms may not";
    return NULL;
}

/* Cuts `text` into lines and reads each. */
static const char *read_block(char *text, struct http_part_header *h)
{
    for (char *line = text; line;) {
        char *end = strstr(line, "\r\n"), *next = end ? end + 2 : NULL;
        if (end)
            *end = '\0';
        for (const char *p = line; *p; p++)
            if (is_control(*p) && *p != '\t')
                return "a header of a part of the form holds a control character";
        const char *wrong = read_line(line, h);
        if (wrong)
            return wrong;
        line = next;
    }
    return NULL;
}

int http_part_header_parse(const char *block, size_t len, struct http_part_header *out,
                           const char **detail)
{
    *out = (struct http_part_header){0};
    *detail = "a header of a part of the form holds a control character";
    if (memchr(block, '\0', len))
        return 400;
    char *text = mem_calloc(len + 1, 1, NULL);
    *detail = "out of memory";
    if (!text)
        return 503;
    memcpy(text, block, len);
    *detail = read_block(text, out);
    free(text);
    if (!*detail && !out->field)
        *detail = "a part of the form has no Content-Disposition";
    if (!*detail && !out->type && !(out->type = mem_strdup("", NULL)))
        *detail = "out of memory";
    if (!*detail)
        return 0;
    http_part_header_release(out);
    return 400;
}
