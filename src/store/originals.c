/* originals.c - between paths as they are stored and as this machine has them.
 *
 * The alternative, a number for the place beside each root, would have changed both stores' schemas and every path that is put together in
 * them. A scheme before the path is enough: nothing else that is stored begins with anything but a slash. */
#include "store/originals.h"

#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

enum { SCHEME = sizeof STORE_ORIGINALS - 1 };

bool store_is_original(const char *stored)
{
    return strncmp(stored, STORE_ORIGINALS, SCHEME) == 0;
}

int store_originals(struct store *s, const char *place, struct eye_err *err)
{
    size_t n = place ? strlen(place) : 0;
    char *copy = place ? mem_strdup(place, err) : NULL;
    if (place && !copy)
        return EYE_ENOMEM;
    if (n == 1 && copy[0] == '/') /* all below "/": paths are put together with a slash */
        copy[0] = '\0';
    free(s->originals);
    s->originals = copy;
    return 0;
}

/* "" or "/a/b", no part of it empty, "." or "..". */
static bool is_plain(const char *rest)
{
    for (; *rest == '/'; rest += 1 + strcspn(rest + 1, "/")) {
        size_t n = strcspn(rest + 1, "/");
        if (n == 0 || (n == 1 && rest[1] == '.') || (n == 2 && rest[1] == '.' && rest[2] == '.'))
            return false;
    }
    return *rest == '\0';
}

static char *joined(const char *a, const char *b, struct eye_err *err)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    int rc = buf_puts(&out, a, err);
    rc = rc ? rc : buf_puts(&out, b, err);
    char *text = rc ? NULL : buf_detach(&out, NULL);
    buf_release(&out);
    return text;
}

char *store_root_shown(const struct store *s, const char *stored, struct eye_err *err)
{
    if (!s->originals || !store_is_original(stored) || !is_plain(stored + SCHEME))
        return mem_strdup(stored, err);
    const char *rest = stored + SCHEME;
    return joined(*s->originals || *rest ? s->originals : "/", rest, err);
}

char *store_root_kept(const struct store *s, const char *path, struct eye_err *err)
{
    size_t n = s->originals ? strlen(s->originals) : 0;
    if (!s->originals || strncmp(path, s->originals, n) != 0 || (path[n] && path[n] != '/'))
        return mem_strdup(path, err);
    return joined(STORE_ORIGINALS, n == 0 && !path[1] ? "" : path + n, err);
}

/* *text is replaced; kept if there is no memory. */
static int show(const struct store *s, char **text, struct eye_err *err)
{
    if (!s->originals || !store_is_original(*text))
        return 0;
    char *shown = store_root_shown(s, *text, err);
    if (!shown)
        return EYE_ENOMEM;
    free(*text);
    *text = shown;
    return 0;
}

int store_roots_show(const struct store *s, struct store_root *roots, size_t n, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = show(s, &roots[i].path, err);
    return rc;
}

int store_paths_show(const struct store *s, char **paths, size_t n, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = show(s, &paths[i], err);
    return rc;
}

int store_places_show(const struct store *s, struct store_place *places, size_t n,
                      struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = show(s, &places[i].root, err);
    return rc;
}
