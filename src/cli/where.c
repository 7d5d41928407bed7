/* where.c - where the library lies: a folder of this machine, or a server that many machines share (--store).
 *
 * A store's address may hold a password. It is hidden wherever the program shows the address, and in the program's own arguments, which
 * everybody on the machine can read (ps). Better places for it are EYESHINE_STORE_PASSWORD, EYESHINE_STORE_TOKEN and their _FILE forms. */
#include "cli/cli.h"

bool cli_is_server(const char *store)
{
    return strncmp(store, "milvus://", 9) == 0 || strncmp(store, "milvus+tls://", 13) == 0;
}

/* What stands between "://" and the last '@' before the next slash: a login. NULL: none. */
static const char *login_of(const char *store, size_t *len)
{
    const char *from = strstr(store, "://");
    if (!from)
        return NULL;
    from += 3;
    size_t host = strcspn(from, "/?#");
    const char *at = memrchr(from, '@', host);
    *len = at ? (size_t)(at - from) : 0;
    return at ? from : NULL;
}

/* The secret part of it: what follows the colon. */
static const char *secret_of(const char *store, size_t *len)
{
    const char *login = login_of(store, len);
    const char *colon = login ? memchr(login, ':', *len) : NULL;
    if (colon) {
        *len -= (size_t)(colon + 1 - login);
        return colon + 1;
    }
    return NULL;
}

char *cli_store_shown(const char *store)
{
    size_t len = 0;
    char *out = NULL;
    const char *secret = secret_of(store, &len);
    if (!secret)
        return strdup(store);
    int n = asprintf(&out, "%.*s***%s", (int)(secret - store), store, secret + len);
    return n < 0 ? NULL : out;
}

void cli_store_hide(char *arg)
{
    size_t len = 0;
    const char *secret = secret_of(arg, &len);
    if (secret && len)
        memset(arg + (secret - arg), '*', len);
}

/* 0, or CLI_USAGE after saying why. */
static int use_folder(const char *store, eye_options *o)
{
    bool named = strncmp(store, "library:", 8) == 0;
    if (!named && strstr(store, "://")) {
        cli_say("--store: there is no such kind of store: it is milvus://HOST[:PORT]/COLLECTION, "
                "milvus+tls://..., or the folder of a library");
        return CLI_USAGE;
    }
    const char *folder = named ? store + 8 : store;
    if (*folder) /* "library:" alone: the settings' own, whatever the environment says of a store */
        o->library = folder;
    return 0;
}

int cli_store_options(const struct cli_settings *s, eye_options *o)
{
    const struct cli_setting *all = s->all;
    uint64_t timeout = 0;
    const char *store = all[SET_STORE].value;
    if (!cli_setting_number(&all[SET_MILVUS_TIMEOUT], 86400, &timeout))
        return CLI_USAGE;
    if (!store || !cli_is_server(store))
        return store ? use_folder(store, o) : 0;
    o->store = store;
    o->milvus = (eye_milvus){.index = all[SET_MILVUS_INDEX].value,
                             .index_params = all[SET_MILVUS_INDEX_PARAMS].value,
                             .search_params = all[SET_MILVUS_SEARCH_PARAMS].value,
                             .consistency = all[SET_MILVUS_CONSISTENCY].value,
                             .timeout = (int)timeout};
    if (all[SET_LIBRARY].origin == CLI_FROM_DEFAULT)
        o->library = NULL; /* a folder for this server */
    return 0;
}

char *cli_where(const struct cli_ctx *ctx)
{
    const eye_options *o = &ctx->options;
    return o->store ? cli_store_shown(o->store) : strdup(o->library ? o->library : "nothing");
}
