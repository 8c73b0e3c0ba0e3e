#include "connectors/databricks/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/address.h"
#include "connectors/databricks/ini.h"
#include "connectors/databricks/secret.h"
#include "connectors/databricks/show.h"
#include "connectors/http/http.h"
#include "connectors/machine/copy.h"

#define CONFIG_NAMED    400 /* room for a key and where its value came from */
#define CONFIG_FILE     ".databrickscfg"
#define CONFIG_DEFAULT  "DEFAULT"
#define CONFIG_SETTINGS "__settings__"

enum config_key {
    CONFIG_HOST,
    CONFIG_TOKEN,
    CONFIG_CLIENT_ID,
    CONFIG_CLIENT_SECRET,
    CONFIG_WAREHOUSE_ID,
    CONFIG_WORKSPACE_ID,
    CONFIG_AUTH_TYPE,
    CONFIG_KEYS
};

static const struct {
    const char *name, *variable;
} config_keys[CONFIG_KEYS] = {
    [CONFIG_HOST] = {"host", "DATABRICKS_HOST"},
    [CONFIG_TOKEN] = {"token", "DATABRICKS_TOKEN"},
    [CONFIG_CLIENT_ID] = {"client_id", "DATABRICKS_CLIENT_ID"},
    [CONFIG_CLIENT_SECRET] = {"client_secret", "DATABRICKS_CLIENT_SECRET"},
    [CONFIG_WAREHOUSE_ID] = {"warehouse_id", "DATABRICKS_WAREHOUSE_ID"},
    [CONFIG_WORKSPACE_ID] = {"workspace_id", "DATABRICKS_WORKSPACE_ID"},
    [CONFIG_AUTH_TYPE] = {"auth_type", "DATABRICKS_AUTH_TYPE"},
};

/* Where a value came from; the earlier ones win. */
enum config_origin { CONFIG_NOWHERE, CONFIG_SETTING, CONFIG_VARIABLE, CONFIG_PROFILE };

struct config_found {
    char *values[CONFIG_KEYS];
    enum config_origin origins[CONFIG_KEYS];
    char *file;    /* that was, or would be, read */
    char *profile; /* that was named; NULL: none was */
};

/* ---- finding -------------------------------------------------------------------------------- */

static int config_put(struct config_found *found, enum config_key key, const char *value,
                      enum config_origin origin, struct tow_error *err)
{
    if (!value || !*value || found->values[key])
        return TOW_OK;
    found->values[key] = strdup(value);
    found->origins[key] = origin;
    return found->values[key] ? TOW_OK : tow_error_nomem(err);
}

/* The warehouse as the settings name it, by id or by http path. */
static int config_take_warehouse(struct config_found *found,
                                 const struct tow_databricks_settings *settings,
                                 struct tow_error *err)
{
    const char *path = settings->http_path, *id = settings->warehouse_id;
    char *warehouse = NULL, *workspace = NULL, shown[TOW_SHOW_MAX];
    int code;

    if (!path || !*path)
        return config_put(found, CONFIG_WAREHOUSE_ID, id, CONFIG_SETTING, err);
    code = tow_databricks_http_path(path, &warehouse, &workspace, err);
    if (code == TOW_OK && id && *id && strcmp(id, warehouse) != 0)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "http_path names warehouse %s and warehouse_id %s: write one of them",
                             warehouse, tow_show(id, TOW_SHOW_MAX, shown));
    if (code == TOW_OK)
        code = config_put(found, CONFIG_WAREHOUSE_ID, warehouse, CONFIG_SETTING, err);
    if (code == TOW_OK)
        code = config_put(found, CONFIG_WORKSPACE_ID, workspace, CONFIG_SETTING, err);
    free(warehouse);
    free(workspace);
    return code;
}

static int config_take_settings(struct config_found *found,
                                const struct tow_databricks_settings *settings,
                                struct tow_error *err)
{
    const struct {
        enum config_key key;
        const char *value;
    } given[] = {
        {CONFIG_HOST, settings->host},
        {CONFIG_TOKEN, settings->token},
        {CONFIG_CLIENT_ID, settings->client_id},
        {CONFIG_CLIENT_SECRET, settings->client_secret},
    };
    int code = config_take_warehouse(found, settings, err);

    for (size_t i = 0; i < sizeof given / sizeof *given && code == TOW_OK; i++)
        code = config_put(found, given[i].key, given[i].value, CONFIG_SETTING, err);
    return code;
}

static int config_take_environment(struct config_found *found, struct tow_error *err)
{
    int code = TOW_OK;

    for (int key = 0; key < CONFIG_KEYS && code == TOW_OK; key++)
        code = config_put(found, (enum config_key)key, getenv(config_keys[key].variable),
                          CONFIG_VARIABLE, err);
    return code;
}

/* The setting, else the variable; NULL where both are absent or empty. */
static const char *config_setting(const char *setting, const char *variable)
{
    if (!setting || !*setting)
        setting = getenv(variable);
    return setting && *setting ? setting : NULL;
}

static char *config_file_path(const char *named)
{
    const char *home = getenv("HOME");
    char *path;
    int length;

    if (named && strncmp(named, "~/", 2) != 0)
        return strdup(named);
    length = asprintf(&path, "%s/%s", home ? home : "", named ? named + 2 : CONFIG_FILE);
    return length < 0 ? NULL : path;
}

/* ---- the profile file ----------------------------------------------------------------------- */

static int config_take_profile(struct config_found *found, const struct tow_ini *ini,
                               const char *profile, struct tow_error *err)
{
    int code = TOW_OK;

    for (int key = 0; key < CONFIG_KEYS && code == TOW_OK; key++) {
        char *value = NULL;

        code = tow_ini_get(ini, profile, config_keys[key].name, &value, err);
        if (code == TOW_OK)
            code = config_put(found, (enum config_key)key, value, CONFIG_PROFILE, err);
        tow_secret_free(value);
    }
    return code;
}

/* Takes what the named profile has, else the file's default one, if there is such. */
static int config_take_ini(struct config_found *found, const struct tow_ini *ini,
                           struct tow_error *err)
{
    char list[512], shown[TOW_SHOW_MAX];
    int code = TOW_OK;

    if (!found->profile)
        code = tow_ini_get(ini, CONFIG_SETTINGS, "default_profile", &found->profile, err);
    if (code != TOW_OK)
        return code;
    if (!found->profile && !tow_ini_has(ini, CONFIG_DEFAULT))
        return TOW_OK;
    if (!found->profile && !(found->profile = strdup(CONFIG_DEFAULT)))
        return tow_error_nomem(err);
    if (tow_ini_has(ini, found->profile))
        return config_take_profile(found, ini, found->profile, err);
    tow_ini_sections(ini, list, sizeof list);
    return tow_error_set(err, TOW_E_CONFIG, "%s has no profile \"%s\"; it has %s", found->file,
                         tow_show(found->profile, TOW_SHOW_MAX, shown), *list ? list : "none");
}

static int config_take_file(struct config_found *found,
                            const struct tow_databricks_settings *settings, struct tow_error *err)
{
    const char *named = config_setting(settings->config_file, "DATABRICKS_CONFIG_FILE");
    const char *profile = config_setting(settings->profile, "DATABRICKS_CONFIG_PROFILE");
    char shown[TOW_SHOW_MAX];
    struct tow_ini ini;
    int code;

    found->file = config_file_path(named);
    if (profile)
        found->profile = strdup(profile);
    if (!found->file || (profile && !found->profile))
        return tow_error_nomem(err);
    if (!profile && (found->values[CONFIG_HOST] || found->values[CONFIG_TOKEN] ||
                     found->values[CONFIG_CLIENT_ID] || found->values[CONFIG_CLIENT_SECRET]))
        return TOW_OK;
    code = tow_ini_load(&ini, found->file, err);
    if (code == TOW_END && profile)
        return tow_error_set(err, TOW_E_CONFIG, "profile \"%s\" is named, but there is no file %s",
                             tow_show(profile, TOW_SHOW_MAX, shown), found->file);
    if (code == TOW_END && named)
        return tow_error_set(err, TOW_E_CONFIG, "there is no file %s", found->file);
    if (code == TOW_END)
        return TOW_OK;
    if (code == TOW_OK)
        code = config_take_ini(found, &ini, err);
    tow_ini_release(&ini);
    return code;
}

/* ---- judging -------------------------------------------------------------------------------- */

/* "token (from DATABRICKS_TOKEN)": the key, and where its value came from. */
static const char *config_named(const struct config_found *found, enum config_key key,
                                char text[CONFIG_NAMED])
{
    char shown[TOW_SHOW_MAX];

    if (found->origins[key] == CONFIG_VARIABLE)
        snprintf(text, CONFIG_NAMED, "%s (from %s)", config_keys[key].name,
                 config_keys[key].variable);
    else if (found->origins[key] == CONFIG_PROFILE)
        snprintf(text, CONFIG_NAMED, "%s (from profile \"%s\")", config_keys[key].name,
                 tow_show(found->profile, 64, shown));
    else
        snprintf(text, CONFIG_NAMED, "%s", config_keys[key].name);
    return text;
}

/* Values that go into headers: printable ASCII without spaces. */
static int config_check_bytes(const struct config_found *found, enum config_key key,
                              struct tow_error *err)
{
    char named[CONFIG_NAMED];

    for (const char *p = found->values[key] ? found->values[key] : ""; *p; p++)
        if (*p <= ' ' || *p > '~')
            return tow_error_set(err, TOW_E_CONFIG,
                                 "%s holds byte 0x%02x, which belongs to none: look for a line end "
                                 "or space that was copied along",
                                 config_named(found, key, named), (unsigned char)*p);
    return TOW_OK;
}

static int config_no_login(const struct config_found *found, struct tow_error *err)
{
    char named[CONFIG_NAMED], shown[TOW_SHOW_MAX];

    if (found->values[CONFIG_AUTH_TYPE])
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s is \"%s\"; towpath logs in by \"pat\" (token) and \"oauth-m2m\" "
                             "(client_id and client_secret of a service principal)",
                             config_named(found, CONFIG_AUTH_TYPE, named),
                             tow_show(found->values[CONFIG_AUTH_TYPE], 32, shown));
    return tow_error_set(err, TOW_E_CONFIG,
                         "no login to Databricks: write token (a personal access token) or "
                         "client_id and client_secret (a service principal), set DATABRICKS_TOKEN "
                         "or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or put them into a "
                         "profile of %s",
                         found->file);
}

/* 1 where the pinned method is that one, or none is pinned. */
static int config_allows(const struct config_found *found, const char *method)
{
    return !found->values[CONFIG_AUTH_TYPE] || strcmp(found->values[CONFIG_AUTH_TYPE], method) == 0;
}

/* 1 where a method that towpath lacks is pinned, by something at least as direct as `key`. */
static int config_pins_other(const struct config_found *found, enum config_key key)
{
    return !config_allows(found, "pat") && !config_allows(found, "oauth-m2m") &&
           found->origins[CONFIG_AUTH_TYPE] <= found->origins[key];
}

static int config_choose_client(struct config_found *found, struct tow_databricks_config *config,
                                struct tow_error *err)
{
    char named[CONFIG_NAMED];
    enum config_key has = found->values[CONFIG_CLIENT_ID] ? CONFIG_CLIENT_ID : CONFIG_CLIENT_SECRET;
    enum config_key lacks = has == CONFIG_CLIENT_ID ? CONFIG_CLIENT_SECRET : CONFIG_CLIENT_ID;
    int code;

    if (!found->values[lacks])
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s is given, but no %s: a service principal needs "
                             "both, or set %s",
                             config_named(found, has, named), config_keys[lacks].name,
                             config_keys[lacks].variable);
    code = config_check_bytes(found, CONFIG_CLIENT_ID, err);
    if (code == TOW_OK)
        code = config_check_bytes(found, CONFIG_CLIENT_SECRET, err);
    config->login = TOW_DATABRICKS_CLIENT;
    return code;
}

static int config_choose_login(struct config_found *found, struct tow_databricks_config *config,
                               struct tow_error *err)
{
    char named[2][CONFIG_NAMED];
    enum config_key client =
        found->values[CONFIG_CLIENT_ID] ? CONFIG_CLIENT_ID : CONFIG_CLIENT_SECRET;
    int has_token = found->values[CONFIG_TOKEN] != NULL;
    int has_client = found->values[client] != NULL;

    if ((!has_token || config_pins_other(found, CONFIG_TOKEN)) &&
        (!has_client || config_pins_other(found, client)))
        return config_no_login(found, err);
    if (has_token && has_client && config_allows(found, "pat") == config_allows(found, "oauth-m2m"))
        return tow_error_set(err, TOW_E_CONFIG,
                             "two ways to log in: %s and %s; leave one out, or set "
                             "DATABRICKS_AUTH_TYPE to \"pat\" or \"oauth-m2m\"",
                             config_named(found, CONFIG_TOKEN, named[0]),
                             config_named(found, client, named[1]));
    if (has_token && (!has_client || config_allows(found, "pat"))) {
        config->login = TOW_DATABRICKS_TOKEN;
        return config_check_bytes(found, CONFIG_TOKEN, err);
    }
    return config_choose_client(found, config, err);
}

static int config_choose_host(struct config_found *found, struct tow_databricks_config *config,
                              struct tow_error *err)
{
    char named[CONFIG_NAMED];
    char *workspace = NULL;
    int code;

    if (!found->values[CONFIG_HOST])
        return tow_error_set(err, TOW_E_CONFIG,
                             "no Databricks host: write host = \"adb-123.4.azuredatabricks.net\", "
                             "set DATABRICKS_HOST, or put it into a profile of %s",
                             found->file);
    code = tow_databricks_address(found->values[CONFIG_HOST], &config->url, &workspace, err);
    if (code != TOW_OK) {
        if (found->origins[CONFIG_HOST] != CONFIG_SETTING && code == TOW_E_CONFIG)
            tow_error_prefix(err, "%s", config_named(found, CONFIG_HOST, named));
        return code;
    }
    if (!found->values[CONFIG_WORKSPACE_ID]) {
        found->values[CONFIG_WORKSPACE_ID] = workspace;
        return TOW_OK;
    }
    free(workspace);
    return config_check_bytes(found, CONFIG_WORKSPACE_ID, err);
}

static int config_choose_warehouse(struct config_found *found, int needs_warehouse,
                                   struct tow_error *err)
{
    char named[CONFIG_NAMED];
    char *id = NULL, *workspace = NULL;
    int code;

    if (!found->values[CONFIG_WAREHOUSE_ID])
        return !needs_warehouse
                   ? TOW_OK
                   : tow_error_set(err, TOW_E_CONFIG,
                                   "no SQL warehouse: write http_path = "
                                   "\"/sql/1.0/warehouses/<id>\", as its connection details show "
                                   "it, or warehouse_id, or set DATABRICKS_WAREHOUSE_ID");
    /* People write the path here as well. */
    code = tow_databricks_http_path(found->values[CONFIG_WAREHOUSE_ID], &id, &workspace, err);
    if (code == TOW_E_CONFIG)
        tow_error_prefix(err, "%s", config_named(found, CONFIG_WAREHOUSE_ID, named));
    if (code != TOW_OK)
        return code;
    free(found->values[CONFIG_WAREHOUSE_ID]);
    found->values[CONFIG_WAREHOUSE_ID] = id;
    if (!found->values[CONFIG_WORKSPACE_ID])
        found->values[CONFIG_WORKSPACE_ID] = workspace;
    else
        free(workspace);
    return TOW_OK;
}

static void config_found_release(struct config_found *found)
{
    for (int key = 0; key < CONFIG_KEYS; key++)
        tow_secret_free(found->values[key]);
    free(found->file);
    free(found->profile);
}

/* Moves the values over. */
static void config_move(struct tow_databricks_config *config, struct config_found *found)
{
    config->warehouse_id = found->values[CONFIG_WAREHOUSE_ID];
    config->workspace_id = found->values[CONFIG_WORKSPACE_ID];
    found->values[CONFIG_WAREHOUSE_ID] = found->values[CONFIG_WORKSPACE_ID] = NULL;
    if (config->login == TOW_DATABRICKS_TOKEN) {
        config->token = found->values[CONFIG_TOKEN];
        found->values[CONFIG_TOKEN] = NULL;
        return;
    }
    config->client_id = found->values[CONFIG_CLIENT_ID];
    config->client_secret = found->values[CONFIG_CLIENT_SECRET];
    found->values[CONFIG_CLIENT_ID] = found->values[CONFIG_CLIENT_SECRET] = NULL;
}

int tow_databricks_config_init(struct tow_databricks_config *config,
                               const struct tow_databricks_settings *settings, int needs_warehouse,
                               struct tow_error *err)
{
    const struct tow_http_settings way = {
        .ca_file = settings->ca_file, .identity = settings->identity, .proxy = settings->proxy};
    struct config_found found = {.file = NULL};
    int code;

    *config = (struct tow_databricks_config){.url = NULL};
    code = tow_http_check(&way, err);
    if (code == TOW_OK)
        code = config_take_settings(&found, settings, err);
    if (code == TOW_OK)
        code = config_take_environment(&found, err);
    if (code == TOW_OK)
        code = config_take_file(&found, settings, err);
    if (code == TOW_OK)
        code = config_choose_host(&found, config, err);
    if (code == TOW_OK)
        code = config_choose_login(&found, config, err);
    if (code == TOW_OK)
        code = config_choose_warehouse(&found, needs_warehouse, err);
    if (code == TOW_OK)
        code =
            tow_copy_text(&config->ca_file,
                          settings->ca_file && *settings->ca_file ? settings->ca_file : NULL, err);
    if (code == TOW_OK)
        code = tow_identity_copy(&config->identity, &settings->identity, err);
    if (code == TOW_OK)
        code = tow_copy_text(&config->proxy, settings->proxy, err);
    config->connect_timeout_ms = settings->connect_timeout_ms;
    config->stall_timeout_ms = settings->stall_timeout_ms;
    if (code == TOW_OK)
        config_move(config, &found);
    else
        tow_databricks_config_release(config);
    config_found_release(&found);
    return code;
}

int tow_databricks_config_copy(struct tow_databricks_config *to,
                               const struct tow_databricks_config *from, struct tow_error *err)
{
    const char *const texts[] = {from->url,     from->warehouse_id, from->workspace_id,
                                 from->token,   from->client_id,    from->client_secret,
                                 from->ca_file, from->proxy};
    char **const copies[] = {&to->url,       &to->warehouse_id,  &to->workspace_id, &to->token,
                             &to->client_id, &to->client_secret, &to->ca_file,      &to->proxy};
    int code = TOW_OK;

    *to = (struct tow_databricks_config){.login = from->login,
                                         .connect_timeout_ms = from->connect_timeout_ms,
                                         .stall_timeout_ms = from->stall_timeout_ms};
    for (size_t i = 0; i < sizeof texts / sizeof *texts && code == TOW_OK; i++)
        code = tow_copy_text(copies[i], texts[i], err);
    return code == TOW_OK ? tow_identity_copy(&to->identity, &from->identity, err) : code;
}

void tow_databricks_config_release(struct tow_databricks_config *config)
{
    tow_secret_free(config->token);
    tow_secret_free(config->client_secret);
    tow_secret_free(config->proxy); /* may hold a password */
    free(config->url);
    free(config->warehouse_id);
    free(config->workspace_id);
    free(config->client_id);
    free(config->ca_file);
    tow_identity_release(&config->identity);
    *config = (struct tow_databricks_config){.url = NULL};
}
