/* Texts that are wiped before their memory goes. */
#ifndef CONNECTORS_DATABRICKS_SECRET_H
#define CONNECTORS_DATABRICKS_SECRET_H

#include <stdlib.h>
#include <string.h>

#include "towpath/rowtext.h"

static inline void tow_secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* A buffer that grew in between has left copies behind: reserve the room before the secret. */
static inline void tow_secret_buffer_release(struct tow_buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    tow_buffer_release(buffer);
}

#endif
