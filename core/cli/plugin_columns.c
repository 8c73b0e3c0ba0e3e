#include "cli/plugin_columns.h"

#include <stdio.h>
#include <string.h>

#include "config/option/options.h"
#include "console/table.h"
#include "plugin/loader.h"

/* A choice that must be made, and was not: the columns depend on it. */
static const struct tow_option *columns_open_choice(const struct tow_plugin *plugin,
                                                    const struct tow_texts *given)
{
    const struct tow_option *option;

    for (size_t i = 0; (option = tow_option_at(plugin, i)); i++) {
        int is_given = 0;

        if (option->type != TOW_OPTION_CHOICE || !(option->flags & TOW_OPTION_REQUIRED))
            continue;
        for (size_t g = 0; g + 1 < given->count; g += 2)
            is_given |= strlen(option->name) == strcspn(given->items[g], "=") &&
                        strncmp(option->name, given->items[g], strlen(option->name)) == 0;
        if (!is_given)
            return option;
    }
    return NULL;
}

static int columns_visit(const struct tow_plugin *plugin, const struct tow_texts *given,
                         tow_column_visit *visit, void *context, struct tow_error *err)
{
    struct tow_instance instance;
    int rc = tow_instance_init_texts(&instance, plugin, given->items, given->count, err);

    if (!rc && visit)
        rc = tow_sink_columns(plugin)(instance.self, visit, context, err);
    tow_instance_release(&instance);
    return rc;
}

int tow_plugin_columns_check(const struct tow_plugin *plugin, const struct tow_texts *given,
                             struct tow_error *err)
{
    if (given->count == 0)
        return TOW_OK;
    if (!tow_sink_columns(plugin))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s takes whatever columns there are: no option says more of "
                             "them",
                             plugin->name);
    return columns_visit(plugin, given, NULL, NULL, err);
}

static int columns_row(void *context, const struct tow_sink_column *column)
{
    struct tow_table *table = context;

    tow_table_add(table, "%s", column->name);
    tow_table_add(table, "%s%s%s", column->type, *column->shape ? ": " : "", column->shape);
    tow_table_add(table, "%s", column->is_required ? "yes" : "-");
    tow_table_add(table, "%s", column->place);
    return TOW_OK;
}

int tow_plugin_columns_text(const struct tow_plugin *plugin, const struct tow_texts *given,
                            struct tow_error *err)
{
    static const struct tow_table_column heads[] = {
        {"COLUMN", 0, 0}, {"TYPE", 0, 0}, {"REQUIRED", 0, 0}, {"PLACE", 0, 0}};
    const struct tow_option *choice = columns_open_choice(plugin, given);
    struct tow_table *table;
    int rc, printed;

    if (!tow_sink_columns(plugin))
        return TOW_OK;
    if (choice) {
        printf("\nIts columns depend on %s: `towpath plugins show %s --%s %.*s` shows them.\n",
               choice->name, plugin->name, choice->name, (int)strcspn(choice->choices, "|"),
               choice->choices);
        return TOW_OK;
    }
    putchar('\n');
    table = tow_table_new(heads, sizeof heads / sizeof *heads);
    rc = columns_visit(plugin, given, columns_row, table, err);
    printed = tow_table_print(table, 0, stdout, rc ? NULL : err);
    return rc ? rc : printed;
}

static int columns_doc(void *context, const struct tow_sink_column *column)
{
    struct tow_doc *doc = context;

    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "name", column->name);
    tow_doc_text(doc, "type", column->type);
    tow_doc_text(doc, "shape", *column->shape ? column->shape : NULL);
    tow_doc_bool(doc, "required", column->is_required != 0);
    tow_doc_text(doc, "place", column->place);
    tow_doc_close(doc, '}');
    return TOW_OK;
}

int tow_plugin_columns_doc(const struct tow_plugin *plugin, const struct tow_texts *given,
                           struct tow_doc *doc, struct tow_error *err)
{
    int rc;

    if (!tow_sink_columns(plugin))
        return TOW_OK;
    if (columns_open_choice(plugin, given)) {
        tow_doc_text(doc, "columns", NULL);
        return TOW_OK;
    }
    tow_doc_open(doc, "columns", '[');
    rc = columns_visit(plugin, given, columns_doc, doc, err);
    tow_doc_close(doc, ']');
    return rc;
}
