/*
 * What the analyzers cannot see from one file: a function that sets an error returns the error's
 * class, which is never TOW_OK. Without that each `if (!memory) return tow_error_nomem(err);` looks
 * to them as if it could have gone well. Comes before each file that is analyzed.
 */
#ifndef TESTS_LINT_MODEL_H
#define TESTS_LINT_MODEL_H

#include "towpath/error.h"

/* From the command line elsewhere. */
#define TOW_PLUGINS_DIR "plugins"
#define TOW_LIBEXEC_DIR "libexec"
/* tests/plugins: one of many ways to be wrong. */
#define MISFIT 0
#define UNRULY 0

#define tow_error_nomem(err)           ((void)(tow_error_nomem)(err), TOW_E_NOMEM)
#define tow_error_set(err, code, ...)  ((void)(tow_error_set)(err, code, __VA_ARGS__), (code))
#define tow_error_vset(err, code, ...) ((void)(tow_error_vset)(err, code, __VA_ARGS__), (code))
#define tow_error_errno(err, code, errnum, ...) \
    ((void)(tow_error_errno)(err, code, errnum, __VA_ARGS__), (code))

#endif
