/* What users write and paste: a host, an http path, a file of profiles. */
#include <ctype.h>
#include <stdint.h>

#include "connectors/databricks/address.h"
#include "connectors/databricks/config.h"
#include "connectors/databricks/ini.h"
#include "fuzz_demand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand_digits(const char *text)
{
    for (; text && *text; text++)
        demand(isdigit((unsigned char)*text), "a workspace id of digits");
}

static void try_http_path(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *warehouse, *workspace;

    if (tow_databricks_http_path(text, &warehouse, &workspace, &err) == TOW_OK) {
        demand(*warehouse != '\0', "an id");
        for (const char *p = warehouse; *p; p++)
            demand(isalnum((unsigned char)*p) || *p == '-' || *p == '_', "an id fit for a URL");
        demand_digits(workspace);
    } else {
        demand_message(&err);
        demand(err.code == TOW_E_CONFIG && !warehouse && !workspace, "a refusal");
    }
    free(warehouse);
    free(workspace);
}

static void try_address(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *url, *workspace;

    if (tow_databricks_address(text, &url, &workspace, &err) == TOW_OK) {
        demand(strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0, "a scheme");
        demand(!strpbrk(strstr(url, "://") + 3, "/?#@ "), "nothing behind the host");
        demand_digits(workspace);
    } else {
        demand_message(&err);
        demand(err.code == TOW_E_CONFIG && !url && !workspace, "a refusal");
    }
    free(url);
    free(workspace);
}

static void try_ini(const char *bytes, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    char list[64], *value;
    struct tow_ini ini;

    if (tow_ini_parse(&ini, "file", bytes, size, &err) == TOW_OK) {
        tow_ini_sections(&ini, list, sizeof list);
        demand(strlen(list) < sizeof list, "a list within its bounds");
        if (tow_ini_get(&ini, "DEFAULT", "token", &value, &err) != TOW_OK)
            demand_message(&err);
        else if (value)
            demand(*value && !strpbrk(value, "\n"), "a value of one line");
        if (!tow_ini_has(&ini, "DEFAULT"))
            demand(!value, "no value without a section");
        free(value);
    }
    tow_ini_release(&ini);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        exit(99);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    try_http_path(text);
    try_address(text);
    try_ini((const char *)data, size);
    free(text);
    return 0;
}
