/* replay_main.c - a fuzz target as a plain program: feeds it each file named, or each file in a folder named.
 * Any compiler builds it, so that what fuzzing once found is tested with every `make test`. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_BYTES = 4 << 20 };

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    uint8_t *room = malloc(MAX_BYTES), *data = NULL;
    size_t len = room ? fread(room, 1, MAX_BYTES, f) : 0;
    /* A block of just this size, so that AddressSanitizer sees one byte too far. */
    if (room)
        data = realloc(room, len ? len : 1);
    fclose(f);
    if (!data) {
        free(room);
        return -1;
    }
    LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 1;
}

/* Files fed, or -1. */
static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char below[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
        int more = replay(below);
        if (more < 0) {
            closedir(dir);
            return -1;
        }
        n += more;
    }
    if (dir)
        closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int n = replay(argv[i]);
        if (n < 0)
            return 1;
        total += n;
    }
    if (total == 0) {
        fprintf(stderr, "usage: %s FILE|FOLDER... (no input was found)\n", argv[0]);
        return 2;
    }
    printf("ok - %d inputs\n", total);
    return 0;
}
