/* What answer.c and failed_lines.c share: texts, and the lines of a body. */
#ifndef CONNECTORS_TTD_ANSWER_PRIV_H
#define CONNECTORS_TTD_ANSWER_PRIV_H

#include "connectors/ttd/answer.h"
#include "towpath/json.h"

#define TOW_TTD_MESSAGE_MAX 1000 /* bytes of a message */

/* Makes one line of a text, at most `limit` bytes long, and blanks out the secret. */
void tow_ttd_clean(struct tow_buffer *text, size_t limit, const char *secret);

/* Appends what a JSON value says: a string its content, null nothing, others as they stand. */
int tow_ttd_put_value(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err);

/* Adds the failures that "FailedLines" of an object tells. *fits: 1 where it is an array, null or
 * not there; 0 where it is what it cannot be. */
int tow_ttd_read_lines(struct tow_ttd_answer *answer, struct tow_json_part object, int64_t items,
                       const char *secret, int *fits, struct tow_error *err);

#endif
