#include <signal.h>

#include "run/run.h"

int tow_exit_code(int error_class)
{
    switch (error_class) {
    case TOW_OK:
    case TOW_END:
        return TOW_EXIT_OK;
    case TOW_E_CONFIG:
    case TOW_E_UNSUPPORTED:
        return TOW_EXIT_CONFIG;
    case TOW_E_TRANSIENT:
    case TOW_E_RATE:
    case TOW_E_AUTH:
    case TOW_E_DATA:
    case TOW_E_ENV:
        return TOW_EXIT_ENVIRONMENT;
    case TOW_E_CANCELLED:
        return 128 + SIGINT;
    default:
        return TOW_EXIT_INTERNAL;
    }
}
