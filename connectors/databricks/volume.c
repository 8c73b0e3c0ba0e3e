#include "connectors/databricks/volume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/client_priv.h"
#include "connectors/databricks/show.h"
#include "towpath/rowtext.h"

#define VOLUME_ROOT     "/Volumes/"
#define VOLUME_FILES    "/api/2.0/fs/files"
#define VOLUME_FOLDERS  "/api/2.0/fs/directories"
#define VOLUME_FILE_MAX (INT64_C(5) << 30)
#define VOLUME_PAGE     1000
#define VOLUME_NAME_MAX 200 /* bytes of a volume's name in a message */

/* ---- paths ----------------------------------------------------------------------------------- */

static int volume_refuse(const char *path, const char *reason, struct tow_error *err)
{
    char shown[TOW_SHOW_MAX];

    return tow_error_set(err, TOW_E_CONFIG,
                         "\"%s\" is no path in a volume: %s; write "
                         "\"/Volumes/catalog/schema/volume/...\"",
                         tow_show(path, TOW_SHOW_MAX, shown), reason);
}

/* Segments of an absolute path; none may be empty or lead elsewhere. */
static int volume_check(const char *path, struct tow_error *err)
{
    int segments = 0;
    const char *p = path;

    if (strncmp(path, VOLUME_ROOT, sizeof VOLUME_ROOT - 1) != 0)
        return volume_refuse(path, "it does not begin with " VOLUME_ROOT, err);
    while (*p == '/') {
        size_t length = strcspn(++p, "/");

        if (length == 0)
            return volume_refuse(path, "a part of it is empty", err);
        if ((length == 1 && p[0] == '.') || (length == 2 && p[0] == '.' && p[1] == '.'))
            return volume_refuse(path, "\".\" and \"..\" have no place in it", err);
        segments++;
        p += length;
    }
    if (segments < 4)
        return volume_refuse(path, "catalog, schema or volume is missing", err);
    return TOW_OK;
}

/* "catalog.schema.volume" of a path that was checked. */
static void volume_name(const char *path, char *name, size_t size)
{
    size_t length = 0;
    int dots = 0;

    path += sizeof VOLUME_ROOT - 1;
    while (length < size - 1 && path[length] && !(path[length] == '/' && dots == 2)) {
        name[length] = path[length] == '/' ? '.' : path[length];
        dots += path[length++] == '/';
    }
    name[length] = '\0';
}

/* root and the encoded path, then query. */
static int volume_url(struct tow_buffer *url, const char *root, const char *path, const char *query,
                      struct tow_error *err)
{
    int code = volume_check(path, err);

    if (code == TOW_OK)
        code = tow_buffer_append(url, root, strlen(root), err);
    if (code == TOW_OK)
        code = tow_http_encode(url, path, strlen(path), 1, err);
    if (code == TOW_OK)
        code = tow_buffer_append(url, query, strlen(query) + 1, err);
    return code;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Puts behind the server's words what is missing; privilege is that of the call. */
static int volume_hint(const char *path, const char *privilege, int code,
                       const struct tow_http_response *response, struct tow_error *err)
{
    char name[VOLUME_NAME_MAX];

    if (response->status == 0)
        return code;
    volume_name(path, name, sizeof name);
    if (code == TOW_E_AUTH && response->status == 403)
        return tow_databricks_hint(err, code,
                                   "it needs USE CATALOG, USE SCHEMA and %s: GRANT %s ON VOLUME "
                                   "%s TO this login",
                                   privilege, privilege, name);
    if (response->status == 404)
        return tow_databricks_hint(err, code,
                                   "is there a volume %s, and may the login see it? CREATE "
                                   "VOLUME makes one",
                                   name);
    return code;
}

/* One exchange about a path. The response may be looked at after a failure; release it. */
static int volume_call(struct tow_databricks *databricks, struct tow_databricks_call *call,
                       const char *root, const char *path, struct tow_http_response *response,
                       struct tow_error *err)
{
    struct tow_buffer url = {0};
    char what[TOW_SHOW_MAX + 32], shown[TOW_SHOW_MAX];
    int code;

    *response = (struct tow_http_response){.status = 0};
    snprintf(what, sizeof what, "%s %s", call->what, tow_show(path, TOW_SHOW_MAX, shown));
    code = volume_url(&url, root, path, call->path, err);
    if (code == TOW_OK) {
        struct tow_databricks_call made = *call;

        made.what = what;
        made.path = url.data;
        code = tow_databricks_call(databricks, &made, response, err);
    }
    tow_buffer_release(&url);
    return code;
}

/* Only 204 says that the file is there: a page of a proxy comes with 200. */
static int volume_confirmed(const char *path, const struct tow_http_response *response,
                            struct tow_error *err)
{
    char shown[TOW_SHOW_MAX];

    if (response->status == 204)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "uploading %s: HTTP %d where 204 confirms an upload: a proxy or log-in "
                         "page seems to stand between; check host and proxy settings",
                         tow_show(path, TOW_SHOW_MAX, shown), response->status);
}

/*
 * Something between may have made the upload shorter, and its length with it: the server was
 * content, and the load would fail later, when nobody has these rows any more. Where the server
 * does not tell the length, or this login may not look, that is as good as can be had. What else
 * comes instead may be due to the rest of such an upload, and is no confirmation.
 */
static int volume_check_length(struct tow_databricks *databricks, const char *path, int64_t length,
                               struct tow_error *err)
{
    struct tow_databricks_call call = {.what = "looking at", .method = "HEAD", .path = ""};
    struct tow_http_response response;
    char shown[TOW_SHOW_MAX];
    struct tow_error local = TOW_ERROR_INIT;
    int code = volume_call(databricks, &call, VOLUME_FILES, path, &response, &local);
    const int64_t there = code == TOW_OK ? response.content_length : -1;
    const int may_not_look = response.status == 401 || response.status == 403 ||
                             response.status == 405 || response.status == 501;

    tow_http_response_release(&response);
    if (code == TOW_E_CANCELLED || code == TOW_E_NOMEM)
        return tow_error_set(err, code, "%s", local.message);
    if (may_not_look || (code == TOW_OK && (there < 0 || there == length)))
        return TOW_OK;
    tow_show(path, TOW_SHOW_MAX, shown);
    if (code != TOW_OK) {
        code = tow_error_set(err, TOW_E_TRANSIENT,
                             "uploading %s: whether all of it is there is not known: %s", shown,
                             local.message);
        if (err)
            err->retry_after_ms = local.retry_after_ms;
        return code;
    }
    return tow_error_set(err, TOW_E_TRANSIENT,
                         "uploading %s: %" PRId64 " bytes were sent to %s, %" PRId64 " are there",
                         shown, length, tow_databricks_config_of(databricks)->url, there);
}

int tow_volume_put(struct tow_databricks *databricks, const char *path, int fd, int64_t length,
                   struct tow_error *err)
{
    struct tow_databricks_call call = {.what = "uploading",
                                       .method = "PUT",
                                       .path = "?overwrite=true",
                                       .body_fd = fd,
                                       .body_length = length};
    struct tow_http_response response;
    char shown[TOW_SHOW_MAX];
    int code;

    if (length > VOLUME_FILE_MAX)
        return tow_error_set(err, TOW_E_CONFIG,
                             "uploading %s: the file has %" PRId64 " bytes, %" PRId64
                             " are allowed: make smaller parts",
                             tow_show(path, TOW_SHOW_MAX, shown), length, VOLUME_FILE_MAX);
    code = volume_call(databricks, &call, VOLUME_FILES, path, &response, err);
    if (code != TOW_OK)
        code = volume_hint(path, "WRITE VOLUME", code, &response, err);
    else
        code = volume_confirmed(path, &response, err);
    tow_http_response_release(&response);
    return code == TOW_OK ? volume_check_length(databricks, path, length, err) : code;
}

int tow_volume_remove(struct tow_databricks *databricks, const char *path, struct tow_error *err)
{
    struct tow_databricks_call call = {.what = "removing", .method = "DELETE", .path = ""};
    struct tow_http_response response;
    int code = volume_call(databricks, &call, VOLUME_FILES, path, &response, err);

    if (response.status == 404)
        code = tow_error_set(err, TOW_OK, "%s", "");
    if (code != TOW_OK)
        code = volume_hint(path, "WRITE VOLUME", code, &response, err);
    tow_http_response_release(&response);
    return code;
}

int tow_volume_remove_folder(struct tow_databricks *databricks, const char *path,
                             struct tow_error *err)
{
    struct tow_databricks_call call = {.what = "removing folder", .method = "DELETE", .path = ""};
    struct tow_http_response response;
    struct tow_http_problem problem = {.is_html = 0};
    int code = volume_call(databricks, &call, VOLUME_FOLDERS, path, &response, err);

    if (response.status / 100 == 4)
        tow_http_problem(&response, &problem);
    if (response.status == 404 || strcasestr(problem.code, "NOT_EMPTY") ||
        strcasestr(problem.message, "not empty"))
        code = tow_error_set(err, TOW_OK, "%s", "");
    if (code != TOW_OK)
        code = volume_hint(path, "WRITE VOLUME", code, &response, err);
    tow_http_response_release(&response);
    return code;
}

/* ---- listing --------------------------------------------------------------------------------- */

struct volume_listing {
    struct tow_databricks *databricks;
    const char *path;
    int (*visit)(void *context, const struct tow_volume_entry *entry, struct tow_error *err);
    void *context;
};

/* Names may come as such, or as the end of the path. */
static const char *volume_entry_name(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *path = json_string_value(json_object_get(entry, "path")), *slash;

    if (name && *name)
        return name;
    slash = path ? strrchr(path, '/') : NULL;
    return slash && slash[1] ? slash + 1 : path;
}

static int volume_visit(const struct volume_listing *listing, const json_t *page,
                        struct tow_error *err)
{
    const json_t *contents = json_object_get(page, "contents"), *from;
    char shown[TOW_SHOW_MAX];
    int code = TOW_OK;
    size_t i;

    json_array_foreach(contents, i, from)
    {
        const struct tow_volume_entry entry = {
            .name = volume_entry_name(from),
            .is_folder = json_is_true(json_object_get(from, "is_directory")),
            .size = tow_databricks_json_int(from, "file_size", 0),
            .modified_ms = tow_databricks_json_int(from, "last_modified", 0),
        };

        if (!entry.name || !*entry.name || strchr(entry.name, '/'))
            return tow_error_set(err, TOW_E_ENV, "listing %s: entry %zu of the answer has no name",
                                 tow_show(listing->path, TOW_SHOW_MAX, shown), i);
        code = listing->visit(listing->context, &entry, err);
        if (code != TOW_OK)
            return code;
    }
    return TOW_OK;
}

/* The page behind `token`; TOW_END where there is no such folder. */
static int volume_page(const struct volume_listing *listing, const char *token, json_t **page,
                       struct tow_error *err)
{
    struct tow_databricks_call call = {.what = "listing", .method = "GET"};
    struct tow_http_response response = {.status = 0};
    struct tow_buffer query = {0};
    int code =
        tow_buffer_printf(&query, err, "?page_size=%d%s", VOLUME_PAGE, token ? "&page_token=" : "");

    *page = NULL;
    if (code == TOW_OK && token)
        code = tow_http_encode(&query, token, strlen(token), 0, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&query, "", 1, err);
    if (code == TOW_OK) {
        call.path = query.data;
        code =
            volume_call(listing->databricks, &call, VOLUME_FOLDERS, listing->path, &response, err);
    }
    if (code == TOW_OK)
        code = tow_databricks_parse(listing->databricks, &call, &response, page, err);
    else if (response.status == 404)
        code = TOW_END;
    else
        code = volume_hint(listing->path, "READ VOLUME", code, &response, err);
    tow_http_response_release(&response);
    tow_buffer_release(&query);
    return code;
}

/* The token of the page behind this one, in new memory; NULL where it is the last. */
static int volume_next_token(const json_t *page, char **token, struct tow_error *err)
{
    const char *next = json_string_value(json_object_get(page, "next_page_token"));
    char *before = *token;
    int code = TOW_OK;

    *token = NULL;
    if (next && *next && before && strcmp(next, before) == 0)
        code = tow_error_set(err, TOW_E_ENV, "listing a folder: a page leads to itself");
    else if (next && *next && !(*token = strdup(next)))
        code = tow_error_nomem(err);
    free(before);
    return code;
}

int tow_volume_each(struct tow_databricks *databricks, const char *path,
                    int (*visit)(void *context, const struct tow_volume_entry *entry,
                                 struct tow_error *err),
                    void *context, struct tow_error *err)
{
    const struct volume_listing listing = {databricks, path, visit, context};
    char *token = NULL;
    int code;

    do {
        json_t *page;

        code = volume_page(&listing, token, &page, err);
        if (code == TOW_OK)
            code = volume_visit(&listing, page, err);
        if (code == TOW_OK)
            code = volume_next_token(page, &token, err);
        json_decref(page);
    } while (code == TOW_OK && token);
    free(token);
    return code == TOW_END ? tow_error_set(err, TOW_OK, "%s", "") : code;
}
