/* routes.c - the table of the API: one line a route. docs/openapi.yaml says the same to people; a test compares them. */
#include "api/internal.h"

#define NONE HTTP_BODY_NONE, 0
#define JSON HTTP_BODY_SMALL, API_JSON_MAX
#define READ EYE_SCOPE_READ
#define WRITE EYE_SCOPE_WRITE
#define ADMIN EYE_SCOPE_ADMIN

/* clang-format off */
const struct http_route api_routes[] = {
    {HTTP_GET,    API_PREFIX "/search",                NONE, handle_search_get,     READ},
    {HTTP_POST,   API_PREFIX "/search",                HTTP_BODY_FILES, API_SEARCH_MAX, handle_search_post, READ},
    {HTTP_GET,    API_PREFIX "/query",                 NONE, handle_query,          READ},
    {HTTP_GET,    API_PREFIX "/images",                NONE, handle_images,         READ},
    {HTTP_POST,   API_PREFIX "/images",                HTTP_BODY_FILES, API_UPLOAD_MAX, handle_upload, WRITE},
    {HTTP_POST,   API_PREFIX "/images/zip",            JSON, handle_zip,            READ},
    {HTTP_GET,    API_PREFIX "/images/{id}",           NONE, handle_image,          READ},
    {HTTP_DELETE, API_PREFIX "/images/{id}",           NONE, handle_image_delete,   WRITE},
    {HTTP_GET,    API_PREFIX "/images/{id}/thumbnail", NONE, handle_thumbnail,      READ},
    {HTTP_GET,    API_PREFIX "/images/{id}/original",  NONE, handle_original,       READ},
    {HTTP_GET,    API_PREFIX "/jobs",                  NONE, handle_jobs,           READ},
    {HTTP_POST,   API_PREFIX "/jobs",                  JSON, handle_job_new,        WRITE},
    {HTTP_GET,    API_PREFIX "/jobs/{id}",             NONE, handle_job,            READ},
    {HTTP_DELETE, API_PREFIX "/jobs/{id}",             NONE, handle_job_cancel,     WRITE},
    {HTTP_POST,   API_PREFIX "/jobs/{id}/close",       NONE, handle_job_close,      WRITE},
    {HTTP_GET,    API_PREFIX "/jobs/{id}/items",       NONE, handle_job_items,      READ},
    {HTTP_GET,    API_PREFIX "/events",                NONE, handle_events,         READ},
    {HTTP_GET,    API_PREFIX "/roots",                 NONE, handle_roots,          READ},
    {HTTP_POST,   API_PREFIX "/roots",                 JSON, handle_root_add,       ADMIN},
    {HTTP_DELETE, API_PREFIX "/roots/{id}",            NONE, handle_root_delete,    ADMIN},
    {HTTP_POST,   API_PREFIX "/roots/{id}/scan",       NONE, handle_root_scan,      WRITE},
    {HTTP_GET,    API_PREFIX "/duplicates",            NONE, handle_duplicates,     READ},
    {HTTP_GET,    API_PREFIX "/failures",              NONE, handle_failures,       READ},
    {HTTP_POST,   API_PREFIX "/failures/retry",        NONE, handle_failures_retry, WRITE},
    {HTTP_GET,    API_PREFIX "/models",                NONE, handle_models,         READ},
    {HTTP_PUT,    API_PREFIX "/models",                JSON, handle_model_use,      ADMIN},
    {HTTP_GET,    API_PREFIX "/status",                NONE, handle_status,         READ},
    {HTTP_POST,   API_PREFIX "/samples",               NONE, handle_samples,        WRITE},
    {HTTP_GET,    API_PREFIX "/keys",                  NONE, handle_keys,           ADMIN},
    {HTTP_POST,   API_PREFIX "/keys",                  JSON, handle_key_new,        ADMIN},
    {HTTP_DELETE, API_PREFIX "/keys/{id}",             NONE, handle_key_delete,     ADMIN},
    {HTTP_GET,    API_PREFIX "/session",               NONE, handle_session,        API_OPEN},
    {HTTP_POST,   API_PREFIX "/session",               JSON, handle_session_open,   API_OPEN},
    {HTTP_DELETE, API_PREFIX "/session",               NONE, handle_session_close,  API_OPEN},
    {HTTP_GET,    API_PREFIX "/openapi.yaml",          NONE, handle_openapi,        API_OPEN},
    {HTTP_GET,    "/healthz",                          NONE, handle_healthz,        API_OPEN},
    {HTTP_GET,    "/readyz",                           NONE, handle_readyz,         API_OPEN},
    {HTTP_GET,    "/metrics",                          NONE, handle_metrics,        READ},
};
/* clang-format on */
const size_t api_nroutes = sizeof api_routes / sizeof api_routes[0];
