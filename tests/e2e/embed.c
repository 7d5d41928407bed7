/* embed.c - a stranger's program: strict C11, only the public header, pkg-config. `embed LIBRARY FOLDER WORDS`. */
#include <eyeshine.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct eye_err err = {0};
    if (argc != 4)
        return 2;
    eye_options options = {.library = argv[1], .create = true};
    eye_lib *lib = eye_open(&options, &err);
    const char *paths[] = {argv[2]};
    eye_index_options index = {0};
    eye_index_progress done = {0};
    eye_query query = EYE_QUERY_INIT;
    eye_search_options search = {.limit = 1, .min_score = -2};
    eye_results *results = NULL;
    query.words = argv[3];
    int code = lib ? eye_index(lib, paths, 1, &index, &done, &err) : err.code;
    if (!code)
        code = eye_search(lib, &query, 1, &search, &results, &err);
    if (code)
        fprintf(stderr, "%s: %s\n", eye_err_name(code), err.msg);
    else if (eye_results_count(results))
        printf("%s\n", eye_results_at(results, 0)->path);
    eye_results_free(results);
    eye_close(lib);
    return code ? 1 : 0;
}
