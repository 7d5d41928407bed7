/* assets.h - the page's built files inside the program: made by web/embed.mjs into build/web/. */
#ifndef API_ASSETS_H
#define API_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *path;                         /* "/index.html", "/assets/index-3f2a.js"; sorted */
    const char *type;                         /* content type */
    const char *etag;                         /* hex, no quotes */
    bool immutable;                           /* its name has a hash of its content */
    const unsigned char *raw, *gzip, *brotli; /* gzip, brotli NULL when not smaller */
    size_t raw_len, gzip_len, brotli_len;
};
extern const struct asset web_assets[];
extern const size_t web_nassets;

#endif
