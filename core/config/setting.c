#include "config/setting.h"

#include <stdlib.h>
#include <string.h>

const struct tow_setting *tow_setting_get(const struct tow_setting *group, const char *name)
{
    if (group->kind != TOW_SETTING_GROUP)
        return NULL;
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(group->items[i].name, name) == 0)
            return &group->items[i];
    return NULL;
}

int tow_setting_take(struct tow_setting *group, const char *name, struct tow_setting *out)
{
    const struct tow_setting *member = tow_setting_get(group, name);

    if (!member)
        return 0;
    size_t index = (size_t)(member - group->items);
    *out = *member;
    group->count--;
    memmove(&group->items[index], &group->items[index + 1],
            (group->count - index) * sizeof *group->items);
    return 1;
}

const char *tow_setting_kind_name(enum tow_setting_kind kind)
{
    switch (kind) {
    case TOW_SETTING_STRING:
        return "string";
    case TOW_SETTING_INT:
        return "integer";
    case TOW_SETTING_DOUBLE:
        return "decimal number";
    case TOW_SETTING_BOOL:
        return "boolean";
    case TOW_SETTING_LIST:
        return "list";
    default:
        return "group";
    }
}

static int setting_copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -1 : 0;
}

int tow_setting_copy(struct tow_setting *to, const struct tow_setting *from)
{
    int rc;

    *to = *from;
    to->items = NULL;
    to->count = 0;
    to->text = NULL;
    rc = setting_copy_text(&to->name, from->name);
    if (!rc)
        rc = setting_copy_text(&to->text, from->text);
    if (!rc && from->count) {
        to->items = calloc(from->count, sizeof *to->items);
        rc = to->items ? 0 : -1;
    }
    for (size_t i = 0; !rc && i < from->count; i++) {
        rc = tow_setting_copy(&to->items[i], &from->items[i]);
        to->count = i + 1;
    }
    if (rc)
        tow_setting_release(to);
    return rc;
}

void tow_setting_release(struct tow_setting *setting)
{
    for (size_t i = 0; i < setting->count; i++)
        tow_setting_release(&setting->items[i]);
    free(setting->items);
    if (setting->text)
        explicit_bzero(setting->text, strlen(setting->text));
    free(setting->text);
    free(setting->name);
    setting->items = NULL;
    setting->count = 0;
    setting->text = setting->name = NULL;
}
