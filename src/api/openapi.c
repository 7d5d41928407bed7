/* openapi.c - docs/openapi.yaml, carried in the program: the server hands out the contract that it keeps.
 * The assembler reads the file itself (see clip/bpe_data.c); the path counts from the project's root. */
#include "api/internal.h"

#include "base/hash.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        "openapi_yaml:\n"
        ".incbin \"docs/openapi.yaml\"\n"
        "openapi_yaml_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char openapi_yaml[] __attribute__((visibility("hidden")));
extern const char openapi_yaml_end[] __attribute__((visibility("hidden")));

void handle_openapi(struct http_request *rq, void *ctx)
{
    struct hash h;
    char etag[HASH_HEX_LEN + 1];
    size_t len = (size_t)((uintptr_t)openapi_yaml_end - (uintptr_t)openapi_yaml);
    (void)ctx;
    if (!api_no_query(rq))
        return;
    hash_bytes(openapi_yaml, len, &h);
    hash_to_hex(&h, etag);
    etag[32] = '\0';
    http_set(rq, "Cache-Control", "no-cache");
    if (http_not_modified(rq, etag))
        return;
    http_reply_static(rq, 200, "application/yaml", openapi_yaml, len);
}
