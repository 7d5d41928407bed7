/* where.c - the tree of conditions as the engine takes it, and the conditions one by one, as chips want them. */
#include "ask/ask.h"

/* *out: what of the node the engine must check; NULL: nothing, as of a score, which is an option of the search. */
static int where_of(eye_ask *ask, const struct ask_node *n, const eye_where **out,
                    struct eye_err *err);

static int parts_of(eye_ask *ask, const struct ask_node *n, eye_where *w, struct eye_err *err)
{
    size_t parts = 0, bytes = 0;
    int rc = 0;
    for (const struct ask_node *p = n->first; p; p = p->next)
        parts++;
    if (!size_mul(parts, sizeof(const eye_where *), &bytes))
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    const eye_where **list = ask_keep(ask, bytes, err);
    w->parts = list;
    if (!list)
        return EYE_ENOMEM;
    for (const struct ask_node *p = n->first; p && rc == 0; p = p->next) {
        rc = where_of(ask, p, &list[w->nparts], err);
        w->nparts += list[w->nparts] != NULL;
    }
    return rc;
}

static int where_of(eye_ask *ask, const struct ask_node *n, const eye_where **out,
                    struct eye_err *err)
{
    bool score = n->shape == ASK_ONE && n->cond->key == ASK_SCORE;
    eye_where *w = score ? NULL : ask_keep(ask, sizeof *w, err);
    *out = w;
    if (!w)
        return score ? 0 : EYE_ENOMEM;
    w->kind = n->shape == ASK_ONE ? EYE_IS : n->shape == ASK_ALL ? EYE_ALL_OF : EYE_ANY_OF;
    if (n->shape == ASK_ONE)
        w->filter = &n->cond->filter;
    else if (parts_of(ask, n, w, err))
        return EYE_ENOMEM;
    if (n->negated) {
        eye_where *turned = ask_keep(ask, sizeof *turned, err);
        const eye_where **of = ask_keep(ask, sizeof(const eye_where *), err);
        if (!turned || !of)
            return EYE_ENOMEM;
        *of = w;
        *turned = (eye_where){.kind = EYE_NOT, .parts = of, .nparts = 1};
        *out = turned;
    }
    return 0;
}

static int list_conds(eye_ask *ask, const struct ask_node *n, bool negated, bool alone,
                      struct eye_err *err)
{
    int rc = 0;
    negated ^= n->negated;
    for (const struct ask_node *p = n->first; p && rc == 0; p = p->next)
        rc = list_conds(ask, p, negated, n == ask->root, err);
    if (n->shape != ASK_ONE || rc)
        return rc;
    struct buf text;
    buf_init(&text, 3 * EYE_ASK_BYTES);
    rc = ask_print_cond(&text, n->cond, n->negated, err);
    char *kept = rc ? NULL : ask_keep_text(ask, text.data, text.len, err);
    buf_release(&text);
    ask->filters[ask->nfilters++] = (eye_ask_filter){.span = alone ? n->cond->cut : n->cond->span,
                                                     .text = kept,
                                                     .negated = negated,
                                                     .alone = alone};
    if (n->cond->key == ASK_SCORE && n->cond->score > ask->min_score)
        ask->min_score = n->cond->score;
    return kept ? 0 : EYE_ENOMEM;
}

int ask_where(eye_ask *ask, struct eye_err *err)
{
    const eye_where *w = NULL;
    int rc = list_conds(ask, ask->root, false, false, err);
    rc = rc ? rc : where_of(ask, ask->root, &w, err);
    if (rc == 0 && w && w->nparts)
        ask->where = w->nparts == 1 ? w->parts[0] : w;
    return rc;
}
