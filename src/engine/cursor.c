/* cursor.c - a place in the order of results, as text that goes through a URL.
 *
 * 21 bytes, base64 without padding (RFC 4648 section 5): order, version, score as its bits, id, how many results came up to it, and the
 * first bytes of a SHA-256 over these. The sum keeps out what is mistyped or cut off; it is no secret, for a cursor gives no
 * right to anything. Numbers are big-endian. The score is the scan's own, before it is clamped for
 * people, so that the next page begins exactly behind it. On a server ids do not grow with time; there the time of adding takes the place
 * of score and depth, so that the next page begins right even if the last picture of this one is gone. */
#include <math.h>

#include "engine/search.h"

enum { PAYLOAD = 17, CHECK = 4, BYTES = PAYLOAD + CHECK, VERSION = 2, DEPTH_MAX = 0xffffff };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put(uint8_t *to, uint64_t value, int n)
{
    for (int i = n - 1; i >= 0; i--, value >>= 8) {
        to[i] = (uint8_t)value;
    }
}

static uint64_t get(const uint8_t *from, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++) {
        value = value << 8 | from[i];
    }
    return value;
}

static void seal(const uint8_t *payload, uint8_t *check)
{
    struct hash h;
    hash_bytes(payload, PAYLOAD, &h);
    memcpy(check, h.bytes, CHECK);
}

void eng_cursor_write(enum eng_order order, const struct eng_place *place, char *text)
{
    uint8_t b[BYTES];
    uint32_t bits;
    memcpy(&bits, &place->hit.score, sizeof bits);
    put(b, (uint64_t)order, 1);
    put(b + 1, VERSION, 1);
    put(b + 6, (uint64_t)place->hit.id, 8);
    if (order == ENG_BY_TIME) { /* 56 bits of seconds */
        put(b + 2, (uint64_t)place->added_at >> 24, 4);
        put(b + 14, (uint64_t)place->added_at, 3);
    } else {
        put(b + 2, bits, 4);
        put(b + 14, place->depth < DEPTH_MAX ? place->depth : DEPTH_MAX, 3);
    }
    seal(b, b + PAYLOAD);
    for (int i = 0; i < BYTES / 3; i++) {
        uint64_t three = get(b + 3 * i, 3);
        for (int k = 3; k >= 0; k--, three >>= 6) {
            text[4 * i + k] = digits[three & 63];
        }
    }
    text[ENG_CURSOR_LEN] = '\0';
}

static bool decode(const char *text, uint8_t *b)
{
    if (strlen(text) != ENG_CURSOR_LEN) {
        return false;
    }
    for (int i = 0; i < BYTES / 3; i++) {
        uint64_t three = 0;
        for (int k = 0; k < 4; k++) {
            const char *d = strchr(digits, text[4 * i + k]);
            if (!d) {
                return false;
            }
            three = three << 6 | (uint64_t)(d - digits);
        }
        put(b + 3 * i, three, 3);
    }
    return true;
}

int eng_cursor_read(const char *text, enum eng_order order, struct eng_place *place,
                    struct eye_err *err)
{
    uint8_t b[BYTES], check[CHECK];
    bool ok = decode(text, b);
    if (ok) {
        uint32_t bits = b[0] == ENG_BY_TIME ? 0 : (uint32_t)get(b + 2, 4);
        memcpy(&place->hit.score, &bits, sizeof bits);
        place->hit.id = (int64_t)get(b + 6, 8);
        place->depth = b[0] == ENG_BY_TIME ? 0 : (size_t)get(b + 14, 3);
        /* the sign comes back from the highest of 56 bits */
        uint64_t at = get(b + 2, 4) << 24 | get(b + 14, 3);
        place->added_at = (int64_t)(at << 8) >> 8;
        seal(b, check);
        ok = !memcmp(check, b + PAYLOAD, CHECK) && b[1] == VERSION && isfinite(place->hit.score);
    }
    if (!ok) {
        return eye_fail(err, EYE_EINVAL,
                        "the cursor is not one that a page of results came with: begin again "
                        "without it");
    }
    if (b[0] != order) {
        return eye_fail(err, EYE_EINVAL,
                        "the cursor is of another kind of search (%s): begin again without it",
                        b[0] == ENG_BY_SCORE    ? "with terms"
                        : order == ENG_BY_SCORE ? "without terms"
                                                : "of another store");
    }
    return 0;
}
