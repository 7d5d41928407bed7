/* warm.c - everything a first search would otherwise wait for, in the order that keeps the workers small. */
#include "engine/search.h"

int eye_warm(eye_lib *lib, struct eye_err *err)
{
    struct decoder_pool *decoder;
    struct eng_session session;
    eye_query words = EYE_QUERY_INIT;
    words.words = "a photo";
    int rc = eng_decoder(lib, &decoder, err); /* forked before there is much to copy */
    if (rc < 0) {
        return rc;
    }
    rc = eng_session_open(lib, &session, err);
    if (rc ==
        0) { /* words make the text tower ready; pictures as queries are rarer, and their tower is the large one */
        size_t dim = (size_t)clip_info(session.model->clip)->dim;
        float *v = mem_calloc(dim, sizeof *v, err);
        rc = v ? eng_queries_encode(lib, session.model, NULL, 0, &words, 1, v, err) : EYE_ENOMEM;
        free(v);
    }
    eng_session_close(lib, &session);
    return rc;
}
