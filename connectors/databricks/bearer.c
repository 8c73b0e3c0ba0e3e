#include "connectors/databricks/bearer.h"

#include "connectors/databricks/secret.h"

int tow_bearer_make(struct tow_json_part string, char **bearer, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int code = tow_buffer_reserve(&text, sizeof TOW_BEARER + string.length, err);

    if (code == TOW_OK)
        code = tow_buffer_append(&text, TOW_BEARER, sizeof TOW_BEARER - 1, err);
    if (code == TOW_OK)
        code = tow_json_unescape(&text, string, NULL);
    if (code == TOW_OK && text.size == sizeof TOW_BEARER - 1)
        code = TOW_E_DATA;
    for (size_t i = sizeof TOW_BEARER - 1; code == TOW_OK && i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            code = TOW_E_DATA;
    if (code == TOW_OK) {
        text.data[text.size] = '\0'; /* falls into the buffer's slack */
        *bearer = text.data;
        return TOW_OK;
    }
    tow_secret_buffer_release(&text);
    return code == TOW_E_NOMEM ? tow_error_nomem(err) : code;
}
