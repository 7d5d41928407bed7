/* page.c - the page's files, carried in the program.
 *
 * Compressed forms were made at build time, so nothing is compressed here. index.html knows no base path when it is
 * built; it is written in on the way out, as <base href>, and every address in the page is relative to that. */
#include "api/internal.h"

static const struct asset *find_asset(const char *path)
{
    size_t lo = 0, hi = web_nassets;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(path, web_assets[mid].path);
        if (c == 0)
            return &web_assets[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* ---- an asset as it is ---- */

static void reply_asset(struct http_request *rq, const struct asset *a)
{
    static const char *const codings[] = {
        [CODING_RAW] = NULL, [CODING_GZIP] = "gzip", [CODING_BROTLI] = "br"};
    enum api_coding coding =
        api_accept_coding(http_header(rq, "Accept-Encoding"), a->gzip != NULL, a->brotli != NULL);
    char etag[96];
    snprintf(etag, sizeof etag, "%s%s%s", a->etag, codings[coding] ? "-" : "",
             codings[coding] ? codings[coding] : "");
    http_set(rq, "Vary", "Accept-Encoding");
    http_set(rq, "Cache-Control",
             a->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (http_not_modified(rq, etag))
        return;
    if (codings[coding])
        http_set(rq, "Content-Encoding", codings[coding]);
    if (coding == CODING_BROTLI)
        http_reply_static(rq, 200, a->type, a->brotli, a->brotli_len);
    else if (coding == CODING_GZIP)
        http_reply_static(rq, 200, a->type, a->gzip, a->gzip_len);
    else
        http_reply_static(rq, 200, a->type, a->raw, a->raw_len);
}

/* ---- index.html below a base path ---- */

static int put_attribute(struct buf *out, const char *text, struct eye_err *err)
{
    int rc = 0;
    for (; *text && !rc; text++) {
        switch (*text) {
        case '&': rc = buf_puts(out, "&amp;", err); break;
        case '<': rc = buf_puts(out, "&lt;", err); break;
        case '>': rc = buf_puts(out, "&gt;", err); break;
        case '"': rc = buf_puts(out, "&quot;", err); break;
        default: rc = buf_putc(out, *text, err);
        }
    }
    return rc;
}

int api_page_rebase(struct buf *out, const char *html, size_t len, const char *base,
                    struct eye_err *err)
{
    static const char mark[] = "<base href=\"/";
    const char *at = memmem(html, len, mark, sizeof mark - 1);
    if (!at)
        return buf_append(out, html, len, err);
    size_t before = (size_t)(at - html) + sizeof mark - 2; /* without the slash */
    int rc = buf_append(out, html, before, err);
    rc = rc ? rc : put_attribute(out, base, err);
    return rc ? rc : buf_append(out, html + before, len - before, err);
}

static void reply_index(struct http_request *rq, const struct asset *a)
{
    struct eye_err err;
    struct buf out;
    const char *base = http_base(rq);
    char etag[96];
    if (!*base) {
        reply_asset(rq, a);
        return;
    }
    /* the base path is as long as the program runs: no hash of it is needed */
    snprintf(etag, sizeof etag, "%s-%zu", a->etag, strlen(base));
    http_set(rq, "Cache-Control", "no-cache");
    if (http_not_modified(rq, etag))
        return;
    buf_init(&out, a->raw_len + 8192);
    if (api_page_rebase(&out, (const char *)a->raw, a->raw_len, base, &err) != 0) {
        buf_release(&out);
        api_problem_err(rq, &err);
        return;
    }
    http_reply(rq, 200, a->type, &out);
}

/* ---- */

static bool begins(const char *path, const char *with)
{
    return strncmp(path, with, strlen(with)) == 0;
}

void handle_page(struct http_request *rq, void *ctx)
{
    const char *path = http_path(rq);
    const struct asset *index = find_asset("/index.html");
    (void)ctx;
    if (strcmp(path, "/") == 0 || strcmp(path, "/index.html") == 0) {
        if (index)
            reply_index(rq, index);
        else
            api_problem(rq, 404, eye_err_name(EYE_ENOTFOUND), "this build has no page");
        return;
    }
    const struct asset *a = find_asset(path);
    if (a) {
        reply_asset(rq, a);
        return;
    }
    /* the page's own addresses, made by its router: not those of machines, and not of files that should be here */
    bool page = index && !begins(path, "/api/") && strcmp(path, "/api") != 0 &&
                !begins(path, "/assets/") && api_accepts_html(http_header(rq, "Accept"));
    if (page)
        reply_index(rq, index);
    else
        api_problem(rq, 404, eye_err_name(EYE_ENOTFOUND), "there is nothing at this address");
}
