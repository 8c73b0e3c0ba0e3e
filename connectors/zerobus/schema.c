#include "connectors/zerobus/schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void schema_field_release(struct tow_zerobus_field *field)
{
    free(field->name);
    free(field->sql);
    if (field->message)
        tow_zerobus_schema_release(field->message);
    free(field->message);
}

void tow_zerobus_schema_release(struct tow_zerobus_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        schema_field_release(&message->fields[i]);
    free(message->fields);
    free(message->name);
    *message = (struct tow_zerobus_message){0};
}

int tow_zerobus_schema_init(struct tow_zerobus_message *message, const char *name,
                            struct tow_error *err)
{
    *message = (struct tow_zerobus_message){.name = strdup(name)};
    return message->name ? TOW_OK : tow_error_nomem(err);
}

struct tow_zerobus_field *tow_zerobus_schema_add(struct tow_zerobus_message *message,
                                                 const char *name, enum tow_zerobus_kind kind,
                                                 struct tow_error *err)
{
    struct tow_zerobus_field *fields =
        reallocarray(message->fields, message->count + 1, sizeof *fields);
    char *copy = strdup(name);

    if (fields)
        message->fields = fields;
    if (!fields || !copy) {
        free(copy);
        tow_error_nomem(err);
        return NULL;
    }
    fields += message->count++;
    *fields = (struct tow_zerobus_field){.name = copy, .number = (int)message->count, .kind = kind};
    return fields;
}

const struct tow_zerobus_field *tow_zerobus_schema_find(const struct tow_zerobus_message *message,
                                                        const char *name)
{
    for (size_t i = 0; i < message->count; i++)
        if (strcmp(message->fields[i].name, name) == 0)
            return &message->fields[i];
    return NULL;
}

/* Words of a name with a capital letter each, without what is no letter or digit. */
static int schema_put_words(struct tow_buffer *out, const char *name, struct tow_error *err)
{
    int begins = 1, code = TOW_OK;

    for (; *name && code == TOW_OK; name++) {
        char letter = *name;

        if (!isascii((unsigned char)letter) || !isalnum((unsigned char)letter)) {
            begins = 1;
            continue;
        }
        if (begins)
            letter = (char)toupper((unsigned char)letter);
        begins = 0;
        code = tow_buffer_append(out, &letter, 1, err);
    }
    return code;
}

/* A message's name begins with a letter. */
int tow_zerobus_message_name(struct tow_buffer *out, const char *schema, const char *table,
                             struct tow_error *err)
{
    struct tow_buffer words = {0};
    int code = schema_put_words(&words, schema, err);

    if (code == TOW_OK)
        code = schema_put_words(&words, table, err);
    if (code == TOW_OK && (words.size == 0 || !isalpha((unsigned char)words.data[0])))
        code = tow_buffer_append(out, "M", 1, err);
    if (code == TOW_OK)
        code = tow_buffer_append(out, words.data, words.size, err);
    tow_buffer_release(&words);
    return code;
}
