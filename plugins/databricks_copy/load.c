#include "plugins/databricks_copy/load.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LOAD_SALT       6 /* letters behind a load's id, in its name */
#define LOAD_RANDOM_MAX 32

/* `length` letters and digits, five random bits each, and a NUL. */
static int load_put_random(char *text, size_t length, struct tow_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[LOAD_RANDOM_MAX];

    if (getrandom(random, length, 0) != (ssize_t)length)
        return tow_error_set(err, TOW_E_ENV, "no random numbers from the system");
    for (size_t i = 0; i < length; i++)
        text[i] = letters[random[i] % (sizeof letters - 1)];
    text[length] = '\0';
    return TOW_OK;
}

/* A name that no other load has, and a null token that no value has. */
static int load_name(const char *id, struct tow_copy_load *load, struct tow_error *err)
{
    const int length = snprintf(load->name, sizeof load->name, "%s_", id);
    int code;

    if (!tow_copy_is_id(id) || (size_t)length + LOAD_SALT >= sizeof load->name)
        return tow_error_set(err, TOW_E_BUG, "load \"%.100s\" has a name that no folder can have",
                             id);
    code = load_put_random(load->name + length, LOAD_SALT, err);
    load->null_text[0] = '~';
    return code == TOW_OK ? load_put_random(load->null_text + 1, TOW_COPY_NULL_MAX - 2, err) : code;
}

/* As it stands in the job file now. */
static void load_describe(const struct tow_copy_target *target, struct tow_copy_load *load)
{
    *load = (struct tow_copy_load){
        .mode = target->options->mode,
        .format = target->options->format,
        .keys = tow_copy_target_keys(target),
    };
    memcpy(load->table, target->table_text.data, target->table_text.size);
    memcpy(load->stage, target->options->stage, strlen(target->options->stage) + 1);
}

int tow_copy_load_begin(const struct tow_host *host, const struct tow_copy_target *target,
                        struct tow_copy_load *load, struct tow_error *err)
{
    int code = tow_copy_load_get(host, host->load_id, load, err);

    if (code != TOW_END)
        return code;
    load_describe(target, load);
    code = load_name(host->load_id, load, err);
    return code == TOW_OK ? tow_copy_load_put(host, host->load_id, load, err) : code;
}

static int load_refuse(const char *what, const char *was, const char *is, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG,
                         "the unfinished load has %s %s, now it is %s; go back, or forget the load "
                         "and start it anew",
                         what, was, is);
}

static int load_compare(const struct tow_copy_load *was, const struct tow_copy_load *is,
                        struct tow_error *err)
{
    if (strcmp(was->table, is->table) != 0)
        return load_refuse("table", was->table, is->table, err);
    if (strcmp(was->stage, is->stage) != 0)
        return load_refuse("stage", was->stage, is->stage, err);
    if (was->mode != is->mode)
        return load_refuse("mode", tow_copy_modes[was->mode], tow_copy_modes[is->mode], err);
    if (was->format != is->format)
        return load_refuse("format", tow_copy_formats[was->format], tow_copy_formats[is->format],
                           err);
    if (was->keys != is->keys)
        return load_refuse("keys", "of other columns", "different", err);
    return TOW_OK;
}

int tow_copy_load_continue(const struct tow_host *host, const struct tow_copy_target *target,
                           struct tow_copy_load *load, struct tow_error *err)
{
    struct tow_copy_load is;
    int code = tow_copy_load_get(host, host->load_id, load, err);

    if (code == TOW_END)
        return tow_error_set(err, TOW_E_ENV,
                             "the ledger knows nothing of the unfinished load %s; start anew with "
                             "--full",
                             host->load_id);
    if (code != TOW_OK)
        return code;
    load_describe(target, &is);
    return load_compare(load, &is, err);
}
