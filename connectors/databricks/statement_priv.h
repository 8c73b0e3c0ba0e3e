/* Inside of statements: what the files of this connector share. */
#ifndef CONNECTORS_DATABRICKS_STATEMENT_PRIV_H
#define CONNECTORS_DATABRICKS_STATEMENT_PRIV_H

#include "connectors/databricks/client_priv.h"
#include "connectors/databricks/statement.h"
#include "towpath/json.h"

#define TOW_STATEMENT_PATH    "/api/2.0/sql/statements"
#define TOW_STATEMENT_LIMIT   ((size_t)64 << 20) /* bytes of an answer with rows in it */
#define TOW_STATEMENT_DEPTH   64                 /* of nested JSON */
#define TOW_STATEMENT_COLUMNS 10000

enum tow_statement_state {
    TOW_STATEMENT_PENDING,
    TOW_STATEMENT_RUNNING,
    TOW_STATEMENT_SUCCEEDED,
    TOW_STATEMENT_FAILED,
    TOW_STATEMENT_CANCELED,
    TOW_STATEMENT_CLOSED
};

/* What an answer says of the statement itself. */
struct tow_statement_status {
    enum tow_statement_state state;
    int has_result; /* a manifest or a result came along */
    char code[64];  /* error_code */
    char message[768];
    char sql_state[8];
};

/* ---- request --------------------------------------------------------------------------------- */

/* How long the server is asked to wait for the end before it answers, 0 or 5 to 50 s. */
int tow_statement_wait_s(const struct tow_statement_request *request);
/* The body that submits a statement. TOW_E_CONFIG for a text that is too long, TOW_E_DATA for one
 * that is not UTF-8. */
int tow_statement_body(struct tow_buffer *body, const struct tow_databricks *databricks,
                       const struct tow_statement_request *request, struct tow_error *err);

/* ---- answers --------------------------------------------------------------------------------- */

/* Reads an answer into out and status. Takes the body where it holds rows. `what` for messages. */
int tow_statement_read(struct tow_statement *out, struct tow_statement_status *status,
                       struct tow_buffer *body, const char *what, struct tow_error *err);

/* Ids go into URLs: letters, digits, '-' and '_', and no more than there is room for. */
int tow_statement_is_id(const char *text, size_t length);

/* All members of a JSON object but `apart`, whose value is handed out as it stands (length 0 where
 * there is none); *rest is new. TOW_E_ENV where the text is no such object. */
int tow_json_object_without(struct tow_json_part object, const char *apart, json_t **rest,
                            struct tow_json_part *value, struct tow_error *err);

/* ---- errors ---------------------------------------------------------------------------------- */

/* Copies text on one line: without what follows a line "== SQL ==" (it may hold credentials) or a
 * stack trace, control bytes as spaces, cut between characters. */
void tow_statement_line(const char *text, char *line, size_t size);
/* Sets the error of a statement that failed; error_class and sql_state of out are filled. */
int tow_statement_failed(struct tow_statement *out, const struct tow_statement_status *status,
                         const struct tow_statement_request *request, struct tow_error *err);

#endif
