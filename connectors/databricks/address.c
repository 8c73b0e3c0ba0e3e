#include "connectors/databricks/address.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/databricks/show.h"
#include "connectors/http/http.h"

#define ADDRESS_WORKSPACE_ID 32 /* digits of a workspace's id at most */
#define ADDRESS_PORT_MAX     65535

#define ADDRESS_EXAMPLE "write it as in \"adb-123.4.azuredatabricks.net\""

int tow_databricks_query_workspace(const char *query, char **workspace_id, struct tow_error *err)
{
    char shown[TOW_SHOW_MAX];
    size_t digits;

    *workspace_id = NULL;
    while (strncmp(query, "o=", 2) != 0) {
        query += strcspn(query, "&#");
        if (*query != '&')
            return TOW_OK;
        query++;
    }
    query += 2;
    digits = strspn(query, "0123456789");
    if (digits == 0 || digits > ADDRESS_WORKSPACE_ID || !strchr("&#", query[digits]))
        return tow_error_set(err, TOW_E_CONFIG, "\"?o=%s\" is no workspace id: digits belong there",
                             tow_show(query, ADDRESS_WORKSPACE_ID, shown));
    *workspace_id = strndup(query, digits);
    return *workspace_id ? TOW_OK : tow_error_nomem(err);
}

/* Bytes of a name or IPv4 address, or of an IPv6 one in brackets; 0 where it is none. */
static size_t address_name_length(const char *text)
{
    size_t length = 0;

    if (text[0] == '[') {
        length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return text[length] == ']' && length > 1 ? length + 1 : 0;
    }
    if (text[0] == '.' || text[0] == '-')
        return 0;
    while (text[length] && (isalnum((unsigned char)text[length]) || strchr("-._", text[length])))
        length++;
    return length;
}

/* The length of "host[:port]" at the start of text; 0 where it is none. */
static size_t address_host_length(const char *text)
{
    size_t length = strcspn(text, "/?#"), name = address_name_length(text), port = 0;

    if (name == 0)
        return 0;
    if (name == length)
        return length;
    if (text[name] != ':' || name + 1 == length || length - name > 6)
        return 0;
    for (size_t i = name + 1; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return 0;
        port = port * 10 + (size_t)(text[i] - '0');
    }
    return port >= 1 && port <= ADDRESS_PORT_MAX ? length : 0;
}

/* Steps over the scheme; *scheme is "https" where none stands there. */
static int address_scheme(const char **host, const char **scheme, struct tow_error *err)
{
    const char *mark = strstr(*host, "://");

    *scheme = "https";
    if (strncasecmp(*host, "jdbc:", 5) == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "host is a JDBC URL; " ADDRESS_EXAMPLE
                             ", and what its httpPath says as http_path");
    if (!mark)
        return TOW_OK;
    if (strncasecmp(*host, "http://", 7) == 0)
        *scheme = "http";
    else if (strncasecmp(*host, "https://", 8) != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "host is a URL of another kind than https; " ADDRESS_EXAMPLE);
    *host = mark + 3;
    return TOW_OK;
}

int tow_databricks_address(const char *host, char **url, char **workspace_id, struct tow_error *err)
{
    char shown[TOW_SHOW_MAX];
    const char *scheme, *query;
    size_t length;
    int code;

    *url = *workspace_id = NULL;
    code = address_scheme(&host, &scheme, err);
    if (code != TOW_OK)
        return code;
    length = strcspn(host, "/?#");
    if (memchr(host, '@', length))
        return tow_error_set(err, TOW_E_CONFIG,
                             "host holds a user name or password; " ADDRESS_EXAMPLE
                             ", and the login as token or client_id and client_secret");
    length = address_host_length(host);
    if (length == 0)
        return tow_error_set(err, TOW_E_CONFIG, "host \"%s\" is no host; " ADDRESS_EXAMPLE,
                             tow_show(host, TOW_SHOW_MAX, shown));
    if (strncasecmp(host, "accounts.", 9) == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "host \"%.*s\" is the account console; write the workspace's host, as "
                             "its address shows it in the browser",
                             (int)length, host);
    query = strchr(host, '?');
    code = query ? tow_databricks_query_workspace(query + 1, workspace_id, err) : TOW_OK;
    if (code == TOW_OK && asprintf(url, "%s://%.*s", scheme, (int)length, host) < 0) {
        *url = NULL;
        code = tow_error_nomem(err);
    }
    if (code == TOW_OK)
        code = tow_http_check_url(*url, err);
    if (code == TOW_OK)
        return TOW_OK;
    free(*url);
    free(*workspace_id);
    *url = *workspace_id = NULL;
    return code;
}
