/* What an alert says. */
#ifndef CORE_DAEMON_ALERT_BODY_H
#define CORE_DAEMON_ALERT_BODY_H

#include "config/alerts_spec.h"
#include "state/state.h"
#include "towpath/rowtext.h"

#define TOW_ALERT_TEXT_MAX 1600

/*
 * Appends the JSON body: the entry's template with its words replaced by values as they stand in a
 * JSON string, or one of the forms. It holds no secret but what the job's own template has.
 */
int tow_alert_body(const struct tow_alert_spec *spec, const struct tow_alert *alert,
                   const struct tow_run *run, const char *host, struct tow_buffer *out,
                   struct tow_error *err);

#endif
