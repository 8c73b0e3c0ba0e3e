/*
 * towpath/error.h - how every part of towpath says what went wrong.
 *
 * A function returns TOW_OK or an error class. The class tells the core what to do; the message
 * tells a person what happened: what, which, the value seen and the limit, never a secret.
 * The lowest function that knows the reason sets the error; callers pass the class on.
 */
#ifndef TOWPATH_ERROR_H
#define TOWPATH_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOW_OK  0
#define TOW_END 1 /* a source has no more rows; not an error */

/* Error classes. The numbers are part of the ABI. */
#define TOW_E_TRANSIENT   (-1) /* may pass: the core tries again, with backoff */
#define TOW_E_RATE        (-2) /* as transient; waits retry_after_ms where the far end said so */
#define TOW_E_AUTH        (-3) /* credentials refused: stop */
#define TOW_E_CONFIG      (-4) /* the job file is wrong: stop */
#define TOW_E_UNSUPPORTED (-5) /* asked for something this plugin or far end cannot do: stop */
#define TOW_E_DATA        (-6) /* the rows at hand are at fault: reject them and go on */
#define TOW_E_CANCELLED   (-7) /* the run is being stopped */
#define TOW_E_NOMEM       (-8) /* out of memory: stop */
#define TOW_E_BUG         (-9) /* a promise of this interface was broken: stop */
#define TOW_E_ENV \
    (-10) /* this machine or the far end needs a hand (missing file, disk full): stop */

/*
 * Allocated by whoever makes a call, with tow_error_init or an initializer that sets size;
 * written by whoever fails. Grows only at its end: a writer touches no member beyond size.
 */
struct tow_error {
    uint32_t size;          /* sizeof (struct tow_error) of the allocator */
    int32_t code;           /* the class, TOW_OK where nothing failed */
    int64_t retry_after_ms; /* wait before the next try, as the far end said; -1 where it did not */
    char message[1024];     /* NUL-terminated UTF-8, one line */
};

#define TOW_ERROR_INIT                           \
    {                                            \
        sizeof(struct tow_error), TOW_OK, -1, "" \
    }

/* Sets class and message (truncated where too long; control characters and bytes that are not
 * UTF-8 become '?') and returns the class. err may be NULL. */
int tow_error_set(struct tow_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int tow_error_vset(struct tow_error *err, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* As tow_error_set, with strerror(errnum) after the message and ": ". */
int tow_error_errno(struct tow_error *err, int code, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "context: " before the message that a callee set; returns the class that err holds. */
int tow_error_prefix(struct tow_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets TOW_E_NOMEM with a fixed text and returns it. */
int tow_error_nomem(struct tow_error *err);

/* Name of a class as logs and --json print it ("transient", "auth"); "unknown" otherwise. */
const char *tow_error_name(int code);

#ifdef __cplusplus
}
#endif
#endif
