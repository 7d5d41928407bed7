/* remote_duplicates.c - `duplicates --server`: page by page, and patient while the server is still comparing. */
#include <ctype.h>
#include <unistd.h>

#include "cli/duplicates.h"
#include "cli/remote.h"

enum { PAGE = 200, URL_MAX = 16384, MEMBERS_MAX = 1000000 };

static int put_escaped(struct buf *b, const char *text)
{
    int rc = 0;
    for (const char *c = text; *c && !rc; c++)
        rc = isalnum((unsigned char)*c) || strchr("-._~/", *c)
                 ? buf_putc(b, *c, NULL)
                 : buf_printf(b, NULL, "%%%02X", (unsigned)(unsigned char)*c);
    return rc;
}

static int write_path(struct buf *b, const struct dup_args *a, eye_dup_kind kind, int64_t after,
                      int64_t limit)
{
    buf_clear(b);
    int rc = buf_printf(b, NULL, "/duplicates?kind=%s&after=%lld&limit=%lld", dup_kind_name(kind),
                        (long long)after, (long long)limit);
    if (!rc && a->distance >= 0)
        rc = buf_printf(b, NULL, "&distance=%lld", (long long)a->distance);
    if (!rc && a->cosine > 0)
        rc = buf_printf(b, NULL, "&cosine=%.6g", a->cosine);
    if (!rc && a->path)
        rc = buf_puts(b, "&path=", NULL);
    if (!rc && a->path)
        rc = put_escaped(b, a->path);
    if (rc)
        cli_say("the path is too long");
    return rc ? CLI_USAGE : 0;
}

static eye_dup_member member_of(const struct json *m)
{
    return (eye_dup_member){.id = json_get_int(m, "id", 0),
                            .path = json_get_str(m, "path", ""),
                            .offline = json_get_bool(m, "offline", false),
                            .size = (uint64_t)json_get_int(m, "size", 0),
                            .width = (int)json_get_int(m, "width", 0),
                            .height = (int)json_get_int(m, "height", 0),
                            .format = json_get_str(m, "format", ""),
                            .hash = json_get_str(m, "hash", ""),
                            .distance = (int)json_get_int(m, "distance", -1),
                            .cosine = (float)json_get_num(m, "cosine", 0)};
}

static int put_group(struct dup_printer *p, eye_dup_kind kind, const struct json *group)
{
    const struct json *list = json_get(group, "members");
    size_t n = json_size(list);
    eye_dup_member *members = n && n < MEMBERS_MAX ? calloc(n, sizeof *members) : NULL;
    if (!members) {
        cli_say("the server's answer is not a list of duplicates");
        return CLI_FAILED;
    }
    for (size_t i = 0; i < n; i++)
        members[i] = member_of(json_at(list, i));
    const eye_dup_group g = {kind, members, n};
    int code = dup_put(p, &g);
    free(members);
    return code;
}

/* One answer that is whole: the groups are there. Its JSON in *out. */
static int ask_until_found(const struct remote *r, const char *path, struct json **out)
{
    struct remote_call call = {.method = "GET", .path = path};
    for (;;) {
        int code = remote_ask(r, &call, out, NULL);
        const struct json *progress = json_get(*out, "progress");
        if (code || !progress)
            return code;
        dup_show_progress(r->quiet, "the server is comparing pictures",
                          (uint64_t)json_get_int(progress, "done", 0),
                          (uint64_t)json_get_int(progress, "total", 0));
        json_free(*out);
        *out = NULL;
        if (cli_stopped())
            return CLI_FAILED;
        sleep(1);
    }
}

static int one_kind(const struct remote *r, eye_dup_kind kind, struct dup_printer *p,
                    uint64_t *unknown)
{
    int64_t after = 0, left = p->args->limit ? p->args->limit : INT64_MAX;
    struct buf path;
    int code = 0;
    buf_init(&path, URL_MAX);
    do {
        struct json *answer = NULL;
        code = write_path(&path, p->args, kind, after, left < PAGE ? left : PAGE);
        code = code ? code : ask_until_found(r, path.data, &answer);
        const struct json *groups = json_get(answer, "groups");
        for (size_t i = 0; !code && i < json_size(groups) && left > 0; i++, left--)
            code = put_group(p, kind, json_at(groups, i));
        uint64_t more = (uint64_t)json_get_int(answer, "unknown", 0);
        *unknown = more > *unknown ? more : *unknown;
        after = json_get_int(answer, "next", 0);
        json_free(answer);
    } while (!code && after && left > 0);
    dup_show_progress(r->quiet, NULL, 0, 0);
    buf_release(&path);
    return code;
}

int dup_remote(struct cli_ctx *ctx, const struct dup_args *args, struct dup_printer *p,
               uint64_t *unknown)
{
    struct remote r;
    int code = remote_open(ctx, &r);
    if (code)
        return code;
    cli_catch_signals();
    if (args->same)
        code = one_kind(&r, EYE_DUP_SAME, p, unknown);
    if (!code && args->near)
        code = one_kind(&r, EYE_DUP_NEAR, p, unknown);
    if (!code && args->similar)
        code = one_kind(&r, EYE_DUP_SIMILAR, p, unknown);
    remote_close(&r);
    return code;
}
