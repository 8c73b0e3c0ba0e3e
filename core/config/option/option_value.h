/*
 * One value of an option: from a setting or a text to the member of the instance.
 *
 * `at` is the member, of the C type that towpath/plugin.h gives for the option's type; strings go
 * to the pool. TOW_E_CONFIG where the value does not fit, with a message that goes behind the
 * option's name and never shows a value that may be a secret.
 */
#ifndef CORE_CONFIG_OPTION_OPTION_VALUE_H
#define CORE_CONFIG_OPTION_OPTION_VALUE_H

#include "config/pool.h"
#include "config/setting.h"
#include "towpath/plugin.h"

/* Where values go to and what they refer to. */
struct tow_option_target {
    struct tow_pool *pool;
    const char *dir; /* where relative paths start */
};

int tow_option_read(const struct tow_option *option, const struct tow_setting *setting,
                    const struct tow_option_target *target, void *at, struct tow_error *err);
/* From a text, as fallbacks and expanded values are: numbers and true or false without quotes. */
int tow_option_read_text(const struct tow_option *option, const char *text,
                         const struct tow_option_target *target, void *at, struct tow_error *err);

/* Bytes of the member; 0 for a type that is not known. */
size_t tow_option_width(int32_t type);
/* 1 where min and max mean something. */
int tow_option_is_bounded(const struct tow_option *option);

#endif
