/* The body that submits a statement. It is written as text: a tree of a statement of 16 MiB would
 * be built to be written once. */
#include <string.h>

#include "connectors/databricks/statement_priv.h"
#include "towpath/value.h"

/* Not longer: until the answer comes the statement has no id, so it cannot be cancelled. */
#define BODY_WAIT_S       10
#define BODY_WAIT_LEAST_S 5

static int body_text(struct tow_buffer *body, const char *text, struct tow_error *err)
{
    return tow_buffer_json_string(body, text, strlen(text), err);
}

/* No longer than the statement may wait and run. */
int tow_statement_wait_s(const struct tow_statement_request *request)
{
    int64_t least = (int64_t)BODY_WAIT_S * 1000;

    if (request->run_budget_ms > 0 && request->run_budget_ms < least)
        least = request->run_budget_ms;
    if (request->start_budget_ms > 0 && request->start_budget_ms < least)
        least = request->start_budget_ms;
    return least < (int64_t)BODY_WAIT_LEAST_S * 1000 ? 0 : (int)(least / 1000);
}

/* ,"name":"value"; nothing where value is NULL. */
static int body_member(struct tow_buffer *body, const char *name, const char *value,
                       struct tow_error *err)
{
    int code;

    if (!value)
        return TOW_OK;
    code = tow_buffer_printf(body, err, ",\"%s\":", name);
    return code == TOW_OK ? body_text(body, value, err) : code;
}

static int body_parameter(struct tow_buffer *body, const struct tow_statement_parameter *parameter,
                          struct tow_error *err)
{
    int code = tow_buffer_append(body, "{\"name\":", 8, err);

    if (parameter->value && !tow_utf8_valid(parameter->value, strlen(parameter->value)))
        return tow_error_set(err, TOW_E_DATA, "parameter :%s is not UTF-8", parameter->name);
    if (code == TOW_OK)
        code = body_text(body, parameter->name, err);
    if (code == TOW_OK)
        code = body_member(body, "type", parameter->type, err);
    if (code == TOW_OK)
        code = body_member(body, "value", parameter->value, err);
    return code == TOW_OK ? tow_buffer_append(body, "}", 1, err) : code;
}

static int body_parameters(struct tow_buffer *body, const struct tow_statement_request *request,
                           struct tow_error *err)
{
    int code = TOW_OK;

    if (request->parameter_count == 0)
        return TOW_OK;
    for (size_t i = 0; i < request->parameter_count && code == TOW_OK; i++) {
        code = tow_buffer_printf(body, err, "%s", i ? "," : ",\"parameters\":[");
        if (code == TOW_OK)
            code = body_parameter(body, &request->parameters[i], err);
    }
    return code == TOW_OK ? tow_buffer_append(body, "]", 1, err) : code;
}

static int body_result(struct tow_buffer *body, const struct tow_databricks *databricks,
                       const struct tow_statement_request *request, struct tow_error *err)
{
    if (request->result == TOW_STATEMENT_INLINE)
        return tow_buffer_printf(body, err,
                                 ",\"disposition\":\"INLINE\",\"format\":\"JSON_ARRAY\"");
    return tow_buffer_printf(
        body, err, ",\"disposition\":\"EXTERNAL_LINKS\",\"format\":\"ARROW_STREAM\"%s",
        databricks->uncompressed ? "" : ",\"result_compression\":\"LZ4_FRAME\"");
}

int tow_statement_body(struct tow_buffer *body, const struct tow_databricks *databricks,
                       const struct tow_statement_request *request, struct tow_error *err)
{
    size_t length = strlen(request->text);
    int code;

    if (length > TOW_STATEMENT_TEXT_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "%s: the statement has %zu bytes, %u are allowed",
                             request->what, length, TOW_STATEMENT_TEXT_MAX);
    if (!tow_utf8_valid(request->text, length))
        return tow_error_set(err, TOW_E_DATA, "%s: the statement is not UTF-8 from byte %zu on",
                             request->what, tow_utf8_prefix(request->text, length));
    code =
        tow_buffer_printf(body, err, "{\"wait_timeout\":\"%ds\",\"on_wait_timeout\":\"CONTINUE\"",
                          tow_statement_wait_s(request));
    if (code == TOW_OK)
        code = body_member(body, "warehouse_id", databricks->config.warehouse_id, err);
    if (code == TOW_OK)
        code = body_member(body, "catalog", request->catalog, err);
    if (code == TOW_OK)
        code = body_member(body, "schema", request->schema, err);
    if (code == TOW_OK)
        code = body_result(body, databricks, request, err);
    if (code == TOW_OK)
        code = body_parameters(body, request, err);
    if (code == TOW_OK)
        code = body_member(body, "statement", request->text, err);
    return code == TOW_OK ? tow_buffer_append(body, "}", 1, err) : code;
}
