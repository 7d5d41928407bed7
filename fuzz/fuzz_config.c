/* fuzz_config.c - the configuration of a model folder. First byte even: open_clip's, odd: Hugging Face's. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "clip/config.h"

static char folder[] = "/tmp/eyeshine-fuzz-XXXXXX";

static void remove_folder(void)
{
    char path[128];
    static const char *const names[] = {"open_clip_config.json", "config.json",
                                        "model.safetensors"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void put(const char *name, const void *data, size_t len)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    PROMISE(f && fwrite(data, 1, len, f) == len);
    fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static int made;
    if (!made) {
        PROMISE(mkdtemp(folder) != NULL);
        atexit(remove_folder);
        put("model.safetensors", "", 0);
        made = 1;
    }
    if (len == 0)
        return 0;
    char path[128];
    const char *names[2] = {"open_clip_config.json", "config.json"};
    snprintf(path, sizeof(path), "%s/%s", folder, names[1 - data[0] % 2]);
    unlink(path);
    put(names[data[0] % 2], data + 1, len - 1);
    struct config config = {0};
    struct eye_err err = {0, ""};
    int code = config_load(folder, &config, &err);
    PROMISE(code == 0 || (code < 0 && err.msg[0] != '\0'));
    if (code == 0) {
        PROMISE(config.dim > 0 && config.image.width > 0 && config.text.context >= 2);
        PROMISE(config.prep.width > 0 && config.prep.height > 0);
        config_release(&config);
    }
    return 0;
}
