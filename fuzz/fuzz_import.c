/* fuzz_import.c - the lines of an export: the first is the head, the others are read with it, or, when it is none, with one that is good. What
 * is taken must be fit for a library: paths that stay below their root, a vector of length 1. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "engine/export.h"

static const char good[] =
    "{\"eyeshine_export\":1,\"model\":{\"name\":\"m\",\"fingerprint\":"
    "\"5ac5d0599c1beab182a57a24ae0831951826d9b88c633f32fb41b4ee03ec41c7\",\"dim\":4},"
    "\"roots\":[{\"id\":1,\"path\":\"/a\",\"name\":\"a\"},{\"id\":7,\"path\":\"/\",\"name\":\"/"
    "\"}]}";

static void check_below(const char *rel)
{
    PROMISE(rel[0] != '/' && strcmp(rel, "..") != 0 && strncmp(rel, "../", 3) != 0);
    PROMISE(!strstr(rel, "/../") && !strstr(rel, "//"));
    size_t n = strlen(rel);
    PROMISE(n < 3 || strcmp(rel + n - 3, "/..") != 0);
    PROMISE(n == 0 || rel[n - 1] != '/');
}

static void check_line(const struct export_head *head, const struct export_line *line,
                       const uint16_t *vector)
{
    double length = 0;
    const struct store_picture *p = &line->picture;
    PROMISE(line->nfiles > 0 && p->width > 0 && p->height > 0 && p->format[0]);
    PROMISE(utf8_valid(p->camera, strlen(p->camera)));
    PROMISE(!p->has_gps || (fabs(p->lat) <= 90 && fabs(p->lon) <= 180));
    for (size_t i = 0; i < line->nfiles; i++) {
        PROMISE(line->files_of[i].root < head->nroots);
        check_below(line->files_of[i].rel);
    }
    if (line->embedded) {
        PROMISE(vector_row_length(vector, (size_t)head->dim, &length, NULL) == 0);
        PROMISE(fabs(length - 1) <= 1e-2);
    }
}

static void read_lines(const struct export_head *head, const char *text, size_t len)
{
    uint16_t *vector = calloc((size_t)head->dim, sizeof *vector);
    PROMISE(vector);
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        struct export_line line;
        struct eye_err err = {0, ""};
        int rc = export_line_read(head, text, n, &line, vector, &err);
        PROMISE(rc == 0 || (rc == err.code && rc < 0 && err.msg[0]));
        if (rc == 0 && !line.end)
            check_line(head, &line, vector);
        export_line_release(&line);
        len -= n + (end != NULL);
        text += n + (end != NULL);
    }
    free(vector);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    const char *end = memchr(text, '\n', len);
    size_t first = end ? (size_t)(end - text) : len;
    struct export_head head;
    struct eye_err err = {0, ""};
    if (export_head_read(text, first, &head, &err) == 0) {
        PROMISE(head.dim > 0 && head.dim <= EXPORT_DIM_MAX && head.model[0]);
        for (size_t i = 0; i < head.nroots; i++) {
            PROMISE(head.roots[i].path[0] == '/' && head.roots[i].name[0] && head.roots[i].id > 0);
            check_below(head.roots[i].path + 1);
        }
        read_lines(&head, text + first, len - first);
    } else {
        PROMISE(err.code < 0 && err.msg[0]);
        export_head_release(&head);
        PROMISE(export_head_read(good, sizeof good - 1, &head, &err) == 0);
        read_lines(&head, text, len);
    }
    export_head_release(&head);
    return 0;
}
