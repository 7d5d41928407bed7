/* fuzz_answer.c - what a decoder worker that a file has taken over could tell the program. */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "image/decoder_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct decoder_answer answer;
    struct image_meta meta;
    struct eye_err err = {0, ""};
    PROMISE(!wire_webp_ok(data, len, 64) || len > 30); /* the other thing a worker may send */
    memset(&answer, 0, sizeof(answer));
    memcpy(&answer, data, len < sizeof(answer) ? len : sizeof(answer));
    if (wire_unpack(&answer, &image_limits_default, &meta, &err) != 0) {
        PROMISE(err.code == EYE_EREMOTE);
        return 0;
    }
    size_t camera = strnlen(meta.camera, sizeof(meta.camera));
    PROMISE(camera < sizeof(meta.camera) && utf8_valid(meta.camera, camera));
    PROMISE(meta.width > 0 && meta.height > 0 && meta.orientation >= 1 && meta.orientation <= 8);
    PROMISE(image_format_name(meta.format) != NULL);
    return 0;
}
