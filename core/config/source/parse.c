#include "config/source/parse.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "config/source/syntax.h"
#include "towpath/value.h"

#define PARSE_ROOM          (64u << 10)
#define PARSE_ROOM_PER_BYTE 32u /* a setting takes about 100 bytes, and four bytes of text */

struct parse {
    const struct tow_source *source;
    struct tow_diags *diags;
};

static int parse_setting(const struct parse *parse, struct tow_setting *to,
                         const config_setting_t *from);

static int parse_items(const struct parse *parse, struct tow_setting *to,
                       const config_setting_t *from)
{
    int count = config_setting_length(from);

    if (count == 0)
        return 0;
    to->items = calloc((size_t)count, sizeof *to->items);
    if (!to->items)
        return -1;
    for (int i = 0; i < count; i++) {
        const config_setting_t *item = config_setting_get_elem(from, (unsigned)i);

        to->count = (size_t)i + 1;
        if (parse_setting(parse, &to->items[i], item))
            return -1;
    }
    return 0;
}

static int parse_string(const struct parse *parse, struct tow_setting *to,
                        const config_setting_t *from)
{
    const char *text = config_setting_get_string(from);

    to->kind = TOW_SETTING_STRING;
    to->text = strdup(text ? text : "");
    if (!to->text)
        return -1;
    if (!tow_utf8_valid(to->text, strlen(to->text)))
        tow_diags_add(parse->diags, TOW_DIAG_ERROR, to->file, to->line,
                      "%s%sthe string is not UTF-8", to->name ? to->name : "",
                      to->name ? ": " : "");
    return 0;
}

/* Fills `to`, which is zeroed. 0, or -1 where memory ran out. */
static int parse_setting(const struct parse *parse, struct tow_setting *to,
                         const config_setting_t *from)
{
    struct tow_place place = tow_source_place(parse->source, (int)config_setting_source_line(from));
    const char *name = config_setting_name(from);

    to->file = place.file;
    to->line = place.line;
    if (name && !(to->name = strdup(name)))
        return -1;
    switch (config_setting_type(from)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        to->kind = TOW_SETTING_INT;
        to->integer = config_setting_get_int64(from);
        return 0;
    case CONFIG_TYPE_FLOAT:
        to->kind = TOW_SETTING_DOUBLE;
        to->number = config_setting_get_float(from);
        return 0;
    case CONFIG_TYPE_BOOL:
        to->kind = TOW_SETTING_BOOL;
        to->integer = config_setting_get_bool(from);
        return 0;
    case CONFIG_TYPE_STRING:
        return parse_string(parse, to, from);
    case CONFIG_TYPE_GROUP:
        to->kind = TOW_SETTING_GROUP;
        return parse_items(parse, to, from);
    default:
        to->kind = TOW_SETTING_LIST;
        return parse_items(parse, to, from);
    }
}

/* libconfig frees its strings as they are. */
static void parse_wipe(config_setting_t *setting)
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING && setting->value.sval)
        explicit_bzero(setting->value.sval, strlen(setting->value.sval));
    if (config_setting_is_aggregate(setting))
        for (int i = 0; i < config_setting_length(setting); i++)
            parse_wipe(config_setting_get_elem(setting, (unsigned)i));
}

/* libconfig does not look whether it gets the memory that it asks for. So much as it may need must
 * be there before it begins. */
static int parse_has_room(const struct tow_source *source)
{
    void *volatile room = malloc(PARSE_ROOM + source->text.length * PARSE_ROOM_PER_BYTE);
    int has_room = room != NULL;

    free(room);
    return has_room;
}

int tow_parse(const struct tow_source *source, struct tow_setting *root, struct tow_diags *diags,
              struct tow_error *err)
{
    struct parse parse = {source, diags};
    config_t config;
    int failed = 0;

    *root = (struct tow_setting){.kind = TOW_SETTING_GROUP};
    if (source->text.length == 0 || !tow_syntax_check(source, diags))
        return TOW_OK;
    if (!parse_has_room(source))
        return tow_error_nomem(err);
    config_init(&config);
    if (config_read_string(&config, source->text.bytes) == CONFIG_TRUE)
        failed = parse_items(&parse, root, config_root_setting(&config));
    else
        tow_syntax_explain(source, config_error_line(&config), config_error_text(&config), diags);
    parse_wipe(config_root_setting(&config));
    config_destroy(&config);
    return failed ? tow_error_nomem(err) : TOW_OK;
}
