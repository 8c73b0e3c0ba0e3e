/*
 * What became of a gRPC call: status codes and where they come from where a server sends none
 * (gRPC's "HTTP2 protocol mapping" and "http-grpc-status-mapping").
 */
#ifndef CONNECTORS_GRPC_STATUS_H
#define CONNECTORS_GRPC_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

enum tow_grpc_code {
    TOW_GRPC_OK = 0,
    TOW_GRPC_CANCELLED = 1,
    TOW_GRPC_UNKNOWN = 2,
    TOW_GRPC_INVALID_ARGUMENT = 3,
    TOW_GRPC_DEADLINE_EXCEEDED = 4,
    TOW_GRPC_NOT_FOUND = 5,
    TOW_GRPC_ALREADY_EXISTS = 6,
    TOW_GRPC_PERMISSION_DENIED = 7,
    TOW_GRPC_RESOURCE_EXHAUSTED = 8,
    TOW_GRPC_FAILED_PRECONDITION = 9,
    TOW_GRPC_ABORTED = 10,
    TOW_GRPC_OUT_OF_RANGE = 11,
    TOW_GRPC_UNIMPLEMENTED = 12,
    TOW_GRPC_INTERNAL = 13,
    TOW_GRPC_UNAVAILABLE = 14,
    TOW_GRPC_DATA_LOSS = 15,
    TOW_GRPC_UNAUTHENTICATED = 16
};

struct tow_grpc_status {
    int code;          /* enum tow_grpc_code; a number that gRPC does not know is UNKNOWN */
    int is_servers;    /* 1: the server said grpc-status; 0: made here of what was seen */
    int http_status;   /* 0: no answer */
    char message[512]; /* decoded, one line, valid UTF-8; cut where longer */
};

/* "UNAVAILABLE"; "UNKNOWN" for a number that is none. */
const char *tow_grpc_code_name(int code);

/* Code of grpc-status's text: UNKNOWN where it is no number of gRPC. */
int tow_grpc_code_parse(const char *text, size_t length);

/* Codes of an answer without grpc-status: by its HTTP status, or the code of its RST_STREAM. */
int tow_grpc_code_of_http(int http_status);
int tow_grpc_code_of_reset(uint32_t http2_code);

/* Puts text from outside into status->message, what is no text replaced, cut where too long.
 * `is_encoded`: it is percent-encoded, as grpc-message is; a '%' without two hex digits stands for
 * itself. */
void tow_grpc_status_say(struct tow_grpc_status *status, const char *text, size_t length,
                         int is_encoded);

/*
 * The class of a code for a call that may be repeated: UNAUTHENTICATED and PERMISSION_DENIED
 * TOW_E_AUTH; INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION, OUT_OF_RANGE TOW_E_CONFIG;
 * UNIMPLEMENTED TOW_E_UNSUPPORTED; RESOURCE_EXHAUSTED TOW_E_RATE; OK TOW_OK; all others
 * TOW_E_TRANSIENT.
 */
int tow_grpc_class(int code);

/* Sets err from a status that is not OK: its class, and "<what>: UNAVAILABLE: <message>". */
int tow_grpc_refused(const struct tow_grpc_status *status, const char *what, struct tow_error *err);

#endif
