/* fuzz_exif.c - EXIF blocks as codecs hand them over. */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "image/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct image_meta meta = {.orientation = 1, .taken_at = INT64_MIN};
    image_exif_read(data, len, &meta);
    PROMISE(meta.orientation >= 1 && meta.orientation <= 8);
    size_t camera = strnlen(meta.camera, sizeof(meta.camera));
    PROMISE(camera < sizeof(meta.camera) && utf8_valid(meta.camera, camera));
    if (meta.has_gps)
        PROMISE(meta.lat >= -90 && meta.lat <= 90 && meta.lon >= -180 && meta.lon <= 180);
    return 0;
}
