/* Links to chunks, as answers have them (Databricks REST API reference, Statement Execution,
 * EXTERNAL_LINKS). */
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/fetch_priv.h"
#include "connectors/databricks/secret.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define LINK_MARGIN_MS 60000

static char *link_copy(const char *text, struct tow_error *err)
{
    char *copy = strdup(text);

    if (!copy)
        tow_error_nomem(err);
    return copy;
}

static int link_header(struct tow_fetch_link *link, const char *name, const char *value,
                       struct tow_error *err)
{
    struct tow_http_header *header = &link->headers[link->header_count];

    if (!value || link->header_count == TOW_FETCH_LINK_HEADERS)
        return tow_error_set(err, TOW_E_ENV, "a link's http_headers are no list of up to %d texts",
                             TOW_FETCH_LINK_HEADERS);
    header->name = link_copy(name, err);
    header->value = header->name ? link_copy(value, err) : NULL;
    if (header->value) {
        link->header_count++;
        return TOW_OK;
    }
    free((void *)header->name);
    header->name = NULL;
    return TOW_E_NOMEM;
}

static int64_t link_expiration(const json_t *entry)
{
    const char *text = json_string_value(json_object_get(entry, "expiration"));
    int64_t microseconds;
    int zone;

    if (!text || tow_parse_timestamp(text, strlen(text), &microseconds, &zone) != TOW_PARSE_OK)
        return INT64_MAX;
    return microseconds / 1000;
}

static int link_fill(struct tow_fetch_link *link, json_t *entry, struct tow_error *err)
{
    const char *url = json_string_value(json_object_get(entry, "external_link")), *name;
    json_t *headers = json_object_get(entry, "http_headers"), *value;
    int code = TOW_OK;

    if (!url || !*url)
        return tow_error_set(err, TOW_E_ENV, "the answer has an empty link");
    link->rows = tow_databricks_json_int(entry, "row_count", -1);
    link->expires_ms = link_expiration(entry);
    link->url = link_copy(url, err);
    if (!link->url)
        return TOW_E_NOMEM;
    json_object_foreach(headers, name, value)
    {
        code = link_header(link, name, json_string_value(value), err);
        if (code != TOW_OK)
            return code;
    }
    return TOW_OK;
}

int tow_fetch_link_read(struct tow_fetch_link *link, const json_t *result, int64_t chunk,
                        struct tow_error *err)
{
    const json_t *links = json_object_get(result, "external_links");
    json_t *entry;
    size_t i;

    *link = (struct tow_fetch_link){.url = NULL};
    json_array_foreach(links, i, entry)
    {
        int code;

        if (tow_databricks_json_int(entry, "chunk_index", 0) != chunk)
            continue;
        code = link_fill(link, entry, err);
        if (code != TOW_OK)
            tow_fetch_link_release(link);
        return code;
    }
    return tow_error_set(err, TOW_E_ENV, "the answer has no link to it");
}

void tow_fetch_link_release(struct tow_fetch_link *link)
{
    for (size_t i = 0; i < link->header_count; i++) {
        free((void *)link->headers[i].name);
        tow_secret_free((char *)link->headers[i].value);
    }
    tow_secret_free(link->url);
    *link = (struct tow_fetch_link){.url = NULL};
}

int tow_fetch_link_lasts(const struct tow_fetch_link *link)
{
    return link->url && link->expires_ms - LINK_MARGIN_MS > tow_now_us() / 1000;
}
