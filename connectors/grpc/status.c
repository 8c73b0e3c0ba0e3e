#include "connectors/grpc/status.h"

#include <string.h>

#include "towpath/value.h"

static const struct {
    const char *name;
    int class;
} status_codes[] = {
    {"OK", TOW_OK},
    {"CANCELLED", TOW_E_TRANSIENT},
    {"UNKNOWN", TOW_E_TRANSIENT},
    {"INVALID_ARGUMENT", TOW_E_CONFIG},
    {"DEADLINE_EXCEEDED", TOW_E_TRANSIENT},
    {"NOT_FOUND", TOW_E_CONFIG},
    {"ALREADY_EXISTS", TOW_E_TRANSIENT},
    {"PERMISSION_DENIED", TOW_E_AUTH},
    {"RESOURCE_EXHAUSTED", TOW_E_RATE},
    {"FAILED_PRECONDITION", TOW_E_CONFIG},
    {"ABORTED", TOW_E_TRANSIENT},
    {"OUT_OF_RANGE", TOW_E_CONFIG},
    {"UNIMPLEMENTED", TOW_E_UNSUPPORTED},
    {"INTERNAL", TOW_E_TRANSIENT},
    {"UNAVAILABLE", TOW_E_TRANSIENT},
    {"DATA_LOSS", TOW_E_TRANSIENT},
    {"UNAUTHENTICATED", TOW_E_AUTH},
};

#define STATUS_CODES ((int)(sizeof status_codes / sizeof *status_codes))

static int status_known(int code)
{
    return code >= 0 && code < STATUS_CODES ? code : TOW_GRPC_UNKNOWN;
}

const char *tow_grpc_code_name(int code)
{
    return status_codes[status_known(code)].name;
}

int tow_grpc_class(int code)
{
    return status_codes[status_known(code)].class;
}

int tow_grpc_code_parse(const char *text, size_t length)
{
    uint64_t code;

    if (tow_parse_uint64(text, length, &code) != TOW_PARSE_OK || code >= (uint64_t)STATUS_CODES)
        return TOW_GRPC_UNKNOWN;
    return (int)code;
}

int tow_grpc_code_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return TOW_GRPC_INTERNAL;
    case 401:
        return TOW_GRPC_UNAUTHENTICATED;
    case 403:
        return TOW_GRPC_PERMISSION_DENIED;
    case 404:
        return TOW_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return TOW_GRPC_UNAVAILABLE;
    default:
        return TOW_GRPC_UNKNOWN;
    }
}

/* Codes of RFC 9113, section 7. */
int tow_grpc_code_of_reset(uint32_t http2_code)
{
    switch (http2_code) {
    case 0x5: /* STREAM_CLOSED */
    case 0xd: /* HTTP_1_1_REQUIRED */
        return TOW_GRPC_UNKNOWN;
    case 0x7: /* REFUSED_STREAM */
        return TOW_GRPC_UNAVAILABLE;
    case 0x8: /* CANCEL */
        return TOW_GRPC_CANCELLED;
    case 0xb: /* ENHANCE_YOUR_CALM */
        return TOW_GRPC_RESOURCE_EXHAUSTED;
    case 0xc: /* INADEQUATE_SECURITY */
        return TOW_GRPC_PERMISSION_DENIED;
    default:
        return TOW_GRPC_INTERNAL;
    }
}

/* One byte of a text, percent-decoded where it is encoded; steps over what it read. */
static char status_byte(const char *text, size_t length, size_t *at, int is_encoded)
{
    size_t decoded;
    char byte;

    if (is_encoded && text[*at] == '%' && length - *at >= 3 &&
        tow_parse_hex(text + *at + 1, 2, &byte, &decoded) == TOW_PARSE_OK)
        *at += 3;
    else
        byte = text[(*at)++];
    return byte;
}

void tow_grpc_status_say(struct tow_grpc_status *status, const char *text, size_t length,
                         int is_encoded)
{
    char *message = status->message;
    const size_t most = sizeof status->message - 1;
    size_t size = 0, at = 0, good = 0;

    while (at < length && size < most) {
        char byte = status_byte(text, length, &at, is_encoded);

        message[size] = byte;
        if ((unsigned char)byte < ' ' || byte == 0x7f)
            message[size] = ' ';
        size++;
    }
    /* A character that was cut in two at the end goes; one that never was a character is made '?'.
     */
    while ((good += tow_utf8_prefix(message + good, size - good)) < size) {
        if (at < length && size - good < 4) {
            size = good;
            break;
        }
        message[good] = '?';
    }
    message[size] = '\0';
}

int tow_grpc_refused(const struct tow_grpc_status *status, const char *what, struct tow_error *err)
{
    const char *message = status->message[0] ? status->message : "the server gives no reason";

    return tow_error_set(err, tow_grpc_class(status->code), "%s: %s: %s", what,
                         tow_grpc_code_name(status->code), message);
}
