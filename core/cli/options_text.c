#include "cli/options_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "towpath/value.h"

/* All return TOW_OK or TOW_E_NOMEM; NUL stands behind the text, outside its size. */
static int text_end(struct tow_buffer *out)
{
    int rc = tow_buffer_reserve(out, 1, NULL);

    if (!rc)
        out->data[out->size] = '\0';
    return rc;
}

int tow_quote(struct tow_buffer *out, const char *text)
{
    int rc = tow_buffer_append(out, "\"", 1, NULL);

    for (; !rc && *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            rc = tow_buffer_printf(out, NULL, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            rc = byte == '\n'   ? tow_buffer_append(out, "\\n", 2, NULL)
                 : byte == '\t' ? tow_buffer_append(out, "\\t", 2, NULL)
                                : tow_buffer_printf(out, NULL, "\\x%02x", byte);
        else if (byte == '$' && text[1] == '{')
            rc = tow_buffer_append(out, "$$", 2, NULL);
        else
            rc = tow_buffer_append(out, text, 1, NULL);
    }
    return rc ? rc : tow_buffer_append(out, "\"", 1, NULL);
}

static int text_setting(struct tow_buffer *out, const struct tow_setting *setting)
{
    char number[TOW_DOUBLE_TEXT_MAX + 1];
    int rc = TOW_OK;

    switch (setting->kind) {
    case TOW_SETTING_STRING:
        return tow_quote(out, setting->text);
    case TOW_SETTING_INT:
        return tow_buffer_printf(out, NULL, "%" PRId64, setting->integer);
    case TOW_SETTING_DOUBLE:
        *tow_put_double(number, setting->number) = '\0';
        return tow_buffer_printf(out, NULL, "%s", number);
    case TOW_SETTING_BOOL:
        return tow_buffer_printf(out, NULL, "%s", setting->integer ? "true" : "false");
    case TOW_SETTING_LIST:
    case TOW_SETTING_GROUP:
        rc = tow_buffer_append(out, "(", 1, NULL);
        for (size_t i = 0; !rc && i < setting->count; i++) {
            rc = tow_buffer_append(out, ", ", i ? 2 : 0, NULL);
            if (!rc)
                rc = text_setting(out, &setting->items[i]);
        }
        return rc ? rc : tow_buffer_append(out, ")", 1, NULL);
    }
    return rc;
}

/* 1 where a job file writes values of this type in quotes. */
static int text_is_quoted(int32_t type)
{
    return type != TOW_OPTION_INT && type != TOW_OPTION_DOUBLE && type != TOW_OPTION_BOOL;
}

int tow_option_default_text(struct tow_buffer *out, const struct tow_option *option)
{
    int rc = text_is_quoted(option->type)
                 ? tow_quote(out, option->fallback)
                 : tow_buffer_append(out, option->fallback, strlen(option->fallback), NULL);

    return rc ? rc : text_end(out);
}

static int text_path(struct tow_buffer *out, const char *path, const char *dir)
{
    char *resolved = NULL;
    int rc = tow_path_resolve(path, dir, &resolved, NULL);

    rc = tow_quote(out, rc ? path : resolved);
    free(resolved);
    return rc;
}

int tow_option_value_text(struct tow_buffer *out, const struct tow_option *option,
                          const struct tow_setting *section, const char *dir, int *is_default)
{
    const struct tow_setting *setting = tow_setting_get(section, option->name);
    int rc;

    out->size = 0;
    *is_default = !setting;
    if (!setting && !option->fallback)
        return 0;
    if (option->flags & TOW_OPTION_SECRET)
        rc = tow_buffer_append(out, "***", 3, NULL);
    else if (option->type == TOW_OPTION_PATH && setting && setting->kind == TOW_SETTING_STRING)
        rc = text_path(out, setting->text, dir);
    else
        rc = setting ? text_setting(out, setting) : tow_option_default_text(out, option);
    return !rc && !text_end(out);
}

void tow_options_table(struct tow_table *table, const struct tow_plugin *plugin,
                       const struct tow_setting *section, const char *dir)
{
    const struct tow_option *option;
    struct tow_buffer text = {0};
    int is_default;

    for (size_t i = 0; (option = tow_option_at(plugin, i)) != NULL; i++)
        if (tow_option_value_text(&text, option, section, dir, &is_default)) {
            tow_table_add(table, "%s", option->name);
            tow_table_add(table, "%s", text.data);
            tow_table_add(table, "%s", is_default ? "(default)" : "");
        }
    tow_buffer_release(&text);
}

void tow_options_doc(struct tow_doc *doc, const char *key, const struct tow_plugin *plugin,
                     const struct tow_setting *section, const char *dir)
{
    const struct tow_option *option;
    struct tow_buffer text = {0};
    int is_default;

    tow_doc_open(doc, key, '[');
    for (size_t i = 0; (option = tow_option_at(plugin, i)) != NULL; i++)
        if (tow_option_value_text(&text, option, section, dir, &is_default)) {
            tow_doc_open(doc, NULL, '{');
            tow_doc_text(doc, "name", option->name);
            tow_doc_text(doc, "value", text.data);
            tow_doc_bool(doc, "default", is_default);
            tow_doc_bool(doc, "secret", (option->flags & TOW_OPTION_SECRET) != 0);
            tow_doc_close(doc, '}');
        }
    tow_doc_close(doc, ']');
    tow_buffer_release(&text);
}

/* ---- the tables themselves ------------------------------------------------------------------ */

struct tow_table *tow_option_table_new(void)
{
    static const struct tow_table_column columns[] = {
        {"OPTION", 0, 0}, {"TYPE", 0, 0}, {"DEFAULT", 0, 0}, {"BOUNDS", 0, 0}, {"HELP", 0, 0},
    };

    return tow_table_new(columns, sizeof columns / sizeof columns[0]);
}

void tow_option_row(struct tow_table *table, const struct tow_option *option)
{
    const char *secret = option->flags & TOW_OPTION_SECRET ? ", secret" : "";
    struct tow_buffer fallback = {0};
    char text[512];

    tow_table_add(table, "%s", option->name);
    tow_option_type_text(option, text, sizeof text);
    tow_table_add(table, "%s%s", text, secret);
    if (option->flags & TOW_OPTION_REQUIRED)
        tow_table_add(table, "required");
    else if (!option->fallback || tow_option_default_text(&fallback, option))
        tow_table_add(table, "-");
    else
        tow_table_add(table, "%s", fallback.data);
    tow_option_bounds_text(option, text, sizeof text);
    tow_table_add(table, "%s", text);
    tow_table_add(table, "%s", option->help ? option->help : "");
    tow_buffer_release(&fallback);
}

void tow_option_doc(struct tow_doc *doc, const struct tow_option *option)
{
    char text[512];

    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "name", option->name);
    tow_option_type_text(option, text, sizeof text);
    tow_doc_text(doc, "type", text);
    tow_doc_bool(doc, "required", (option->flags & TOW_OPTION_REQUIRED) != 0);
    tow_doc_bool(doc, "secret", (option->flags & TOW_OPTION_SECRET) != 0);
    tow_doc_text(doc, "default", option->fallback);
    tow_option_bounds_text(option, text, sizeof text);
    tow_doc_text(doc, "bounds", *text ? text : NULL);
    tow_doc_text(doc, "help", option->help);
    tow_doc_close(doc, '}');
}
