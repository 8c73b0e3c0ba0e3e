/* Rows on their way into a stream: the bulk collect API. */
#ifndef CONNECTORS_LYTICS_UPLOAD_H
#define CONNECTORS_LYTICS_UPLOAD_H

#include "connectors/lytics/client.h"

/* What the platform takes (limits of the platform). */
#define TOW_LYTICS_RECORD_MAX    16384      /* bytes of a row in an upload */
#define TOW_LYTICS_API_BODY_MAX  10000000   /* bytes of a body to api_url */
#define TOW_LYTICS_BULK_BODY_MAX 1000000000 /* bytes of one to bulk_url */

struct tow_lytics_upload {
    const char *stream; /* made by its first row */
    int is_json;        /* 1: an array of objects; 0: CSV with a header line */
    int is_gzip;        /* 1: the body is gzip, which no header says (API: data upload) */
    const void *body;   /* length bytes; or NULL and a file */
    int body_fd;
    int64_t length;
    const char *timestamp_field; /* the column with the event's time; NULL: now */
    const char *filename;        /* for the far end's records; NULL: none */
    const char *append;          /* CSV: JSON object whose members each row gets; NULL: none */
    const char *delimiter;       /* CSV: NULL: ","; "t": a tab; "|" */
    int is_dry_run;              /* 1: looks, and takes nothing */
    int drops_errors;            /* CSV, 1: leaves out rows that cannot be read; 0: stops there */
    int is_api_host;             /* 1: to api_url, which takes TOW_LYTICS_API_BODY_MAX */
    int64_t timeout_ms;          /* 0: none but that for idling */
};

/* What the far end says of it; -1: nothing. Taken is not yet processed. */
struct tow_lytics_receipt {
    int64_t message_count, rejected_count;
};

/*
 * One upload. What TOW_E_TRANSIENT is said of may have been taken, in whole or in part: there is no
 * key by which the far end would know it again. A CSV that breaks off at an error (400:
 * TOW_E_CONFIG) may have been taken up to there.
 */
int tow_lytics_upload(struct tow_lytics *lytics, const struct tow_lytics_upload *upload,
                      struct tow_lytics_receipt *receipt, struct tow_error *err);

#endif
