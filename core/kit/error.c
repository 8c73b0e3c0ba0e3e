#include "towpath/error.h"

#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

/* Names and answers out of other hands may hold anything; a message is one line of UTF-8. A
 * character that the end of the room cuts is left out. */
static void error_make_line(struct tow_error *err)
{
    char *text = err->message;
    size_t length = strlen(text), at = 0;
    int is_cut = length == sizeof err->message - 1;

    while ((at += tow_utf8_prefix(text + at, length - at)) < length) {
        if (is_cut && length - at < 4 && (text[at] & 0xc0) == 0xc0)
            text[length = at] = '\0';
        else
            text[at++] = '?';
    }
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

int tow_error_vset(struct tow_error *err, int code, const char *format, va_list args)
{
    if (!err)
        return code;
    err->code = code;
    err->retry_after_ms = -1;
    vsnprintf(err->message, sizeof err->message, format, args);
    error_make_line(err);
    return code;
}

int tow_error_set(struct tow_error *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tow_error_vset(err, code, format, args);
    va_end(args);
    return code;
}

static void error_append(struct tow_error *err, const char *text)
{
    size_t used = strlen(err->message);

    snprintf(err->message + used, sizeof err->message - used, "%s", text);
}

int tow_error_errno(struct tow_error *err, int code, int errnum, const char *format, ...)
{
    char reason[128];
    va_list args;

    if (!err)
        return code;
    va_start(args, format);
    tow_error_vset(err, code, format, args);
    va_end(args);
    error_append(err, ": ");
    error_append(err, strerror_r(errnum, reason, sizeof reason));
    return code;
}

int tow_error_prefix(struct tow_error *err, const char *format, ...)
{
    char message[sizeof err->message];
    va_list args;

    if (!err)
        return TOW_E_BUG;
    memcpy(message, err->message, sizeof message);
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    error_append(err, ": ");
    error_append(err, message);
    error_make_line(err);
    return err->code;
}

int tow_error_nomem(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_NOMEM, "out of memory");
}

const char *tow_error_name(int code)
{
    switch (code) {
    case TOW_OK:
        return "ok";
    case TOW_END:
        return "end";
    case TOW_E_TRANSIENT:
        return "transient";
    case TOW_E_RATE:
        return "rate";
    case TOW_E_AUTH:
        return "auth";
    case TOW_E_CONFIG:
        return "config";
    case TOW_E_UNSUPPORTED:
        return "unsupported";
    case TOW_E_DATA:
        return "data";
    case TOW_E_CANCELLED:
        return "cancelled";
    case TOW_E_NOMEM:
        return "nomem";
    case TOW_E_BUG:
        return "bug";
    case TOW_E_ENV:
        return "env";
    default:
        return "unknown";
    }
}
