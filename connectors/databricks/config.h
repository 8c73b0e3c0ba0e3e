/*
 * Where a Databricks workspace is and how to log in: from settings as users know them, the
 * environment and ~/.databrickscfg, in the order that Databricks' own tools have (unified
 * authentication: explicit settings, then DATABRICKS_* variables, then the profile; the file is
 * read only where a profile is named or nothing else was given).
 */
#ifndef CONNECTORS_DATABRICKS_CONFIG_H
#define CONNECTORS_DATABRICKS_CONFIG_H

#include <stdint.h>

#include "connectors/http/identity.h"
#include "towpath/error.h"

/* What the user wrote; NULL where nothing. */
struct tow_databricks_settings {
    const char *host;      /* "adb-1.2.azuredatabricks.net" or with https:// */
    const char *http_path; /* "/sql/1.0/warehouses/<id>", also endpoints/<id> and ?o=<workspace> */
    const char *warehouse_id;              /* instead of http_path */
    const char *token;                     /* personal access token */
    const char *client_id, *client_secret; /* service principal: OAuth machine to machine */
    const char *profile;                   /* section of the file */
    const char *config_file;               /* NULL: DATABRICKS_CONFIG_FILE or ~/.databrickscfg */
    const char *ca_file, *proxy;           /* http.h */
    int64_t connect_timeout_ms;            /* http.h; 0: its own */
    int64_t stall_timeout_ms;              /* http.h's idle_timeout_ms; 0: its own */
    struct tow_identity identity;          /* for the workspace */
};

enum tow_databricks_login { TOW_DATABRICKS_TOKEN, TOW_DATABRICKS_CLIENT };

/* Owned texts; secrets among them are wiped by release. */
struct tow_databricks_config {
    char *url;          /* "https://host[:port]", nothing behind */
    char *warehouse_id; /* NULL where only files are used */
    char *workspace_id; /* of "?o=", for the selector header; NULL: none */
    enum tow_databricks_login login;
    char *token;
    char *client_id, *client_secret;
    char *ca_file, *proxy;
    int64_t connect_timeout_ms, stall_timeout_ms;
    struct tow_identity identity;
};

/*
 * Puts it together. Touches the environment and the file, no network. TOW_E_CONFIG says what is
 * missing or in conflict (two ways to log in, a cluster's http path, a host that is no host) and
 * what to write instead. needs_warehouse: 1 where statements are to be run.
 */
int tow_databricks_config_init(struct tow_databricks_config *config,
                               const struct tow_databricks_settings *settings, int needs_warehouse,
                               struct tow_error *err);
/* A copy of its own. It is released also where this fails. */
int tow_databricks_config_copy(struct tow_databricks_config *to,
                               const struct tow_databricks_config *from, struct tow_error *err);
void tow_databricks_config_release(struct tow_databricks_config *config);

/* The warehouse's id of an http path; *workspace_id, where there is "?o=<id>". New texts. */
int tow_databricks_http_path(const char *path, char **warehouse_id, char **workspace_id,
                             struct tow_error *err);

#endif
