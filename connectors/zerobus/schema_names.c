/*
 * Names of nested messages. In Protocol Buffers a message's fields and the messages nested in it
 * share one room of names, so a message that is named after its field may meet another of that
 * name: then it gets a number.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/zerobus/schema_priv.h"

/* The message nested beside field `index`, which may be renamed; NULL where there is none. A map's
 * pair has a fixed name, and its values' message lies beside it. */
static struct tow_zerobus_message *names_movable(const struct tow_zerobus_message *message,
                                                 size_t index)
{
    struct tow_zerobus_message *nested = message->fields[index].message;

    return nested && nested->is_map_entry ? nested->fields[1].message : nested;
}

static int names_is_taken(const struct tow_zerobus_message *message, size_t index, const char *name)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct tow_zerobus_message *pair = message->fields[i].message;
        const struct tow_zerobus_message *movable = names_movable(message, i);

        if (strcmp(message->fields[i].name, name) == 0)
            return 1;
        if (pair && pair->is_map_entry && strcmp(pair->name, name) == 0)
            return 1;
        if (i < index && movable && strcmp(movable->name, name) == 0)
            return 1;
    }
    return 0;
}

static int names_renumber(const struct tow_zerobus_message *message, size_t index,
                          struct tow_error *err)
{
    struct tow_zerobus_message *movable = names_movable(message, index);
    struct tow_buffer name = {0};
    int code = TOW_OK;

    for (unsigned number = 2; code == TOW_OK; number++) {
        name.size = 0;
        code = tow_buffer_printf(&name, err, "%s%u%c", movable->name, number, 0);
        if (code == TOW_OK && !names_is_taken(message, index, name.data))
            break;
    }
    if (code == TOW_OK) {
        free(movable->name);
        movable->name = name.data;
        return TOW_OK;
    }
    tow_buffer_release(&name);
    return code;
}

int tow_zerobus_schema_settle_names(const struct tow_zerobus_message *message,
                                    struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < message->count && code == TOW_OK; i++) {
        const struct tow_zerobus_message *movable = names_movable(message, i);

        if (!movable)
            continue;
        if (names_is_taken(message, i, movable->name))
            code = names_renumber(message, i, err);
        if (code == TOW_OK)
            code = tow_zerobus_schema_settle_names(movable, err);
    }
    return code;
}
