#include "plugins/file/begun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/files/hidden.h"
#include "connectors/files/output_lock.h"
#include "connectors/files/place.h"
#include "plugins/file/target.h"
#include "towpath/batch.h"

#define BEGUN_PREFIX  "begun/"
#define BEGUN_KEY_MAX 128

/* ---- files of a load ------------------------------------------------------------------------ */

static int begun_discard_part(const struct tow_file_target *target, uint64_t part, int *was_there,
                              struct tow_error *err)
{
    struct tow_hidden_state state = {-1, -1};
    char *path = tow_file_target_path(target, part, err);
    int removed;
    int code = path ? tow_hidden_look(path, &state, err) : TOW_E_NOMEM;

    *was_there = state.hidden_size >= 0 || state.final_size >= 0;
    if (code == TOW_OK && state.hidden_size >= 0)
        code = tow_hidden_discard(path, &removed, err);
    free(path);
    return code;
}

/* Parts have rising numbers; the first, or all of them, may have been published. */
static int begun_discard(const char *path, struct tow_error *err)
{
    const struct tow_file_options options = {.path = path};
    const struct tow_file_target target = {.options = &options,
                                           .is_parted = strstr(path, TOW_FILE_PART) != NULL};
    struct tow_output_lock *lock;
    int was_there = 1;
    int code = TOW_OK;

    if (!tow_place_has_folder(path))
        return TOW_OK;
    lock = tow_output_lock_take(path, err);
    if (!lock)
        return err->code;
    for (uint64_t part = 1; was_there && code == TOW_OK; part++) {
        code = begun_discard_part(&target, part, &was_there, err);
        was_there = was_there && target.is_parted;
    }
    tow_output_lock_drop(lock);
    return code;
}

/* ---- the ledger ----------------------------------------------------------------------------- */

struct begun_other {
    const char *own; /* key */
    char key[BEGUN_KEY_MAX];
    char path[TOW_FILE_PATH_MAX + 1];
};

/* Stops at the first that is another load's. */
static int32_t begun_visit(void *context, const char *key, const void *value, uint32_t length)
{
    struct begun_other *other = context;

    if (strcmp(key, other->own) == 0 || strlen(key) >= sizeof other->key ||
        length >= sizeof other->path)
        return 0;
    memcpy(other->key, key, strlen(key) + 1);
    memcpy(other->path, value, length);
    other->path[length] = '\0';
    return 1;
}

static int begun_give_up(const struct tow_host *host, const struct begun_other *other,
                         struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;

    switch (begun_discard(other->path, &own)) {
    case TOW_OK:
        break;
    case TOW_E_ENV:
        tow_log(host, TOW_LOG_WARN, "hidden files of \"%s\" are left behind: %s", other->path,
                own.message);
        break;
    default:
        return tow_error_set(err, own.code, "%s", own.message);
    }
    return host->ledger_remove(host, other->key, err);
}

int tow_file_begun_note(const struct tow_host *host, const char *path, struct tow_error *err)
{
    char key[BEGUN_KEY_MAX];
    struct begun_other other = {.own = key};
    int code;

    snprintf(key, sizeof key, BEGUN_PREFIX "%s", host->load_id);
    while ((code = host->ledger_each(host, BEGUN_PREFIX, begun_visit, &other, err)) == 1) {
        code = begun_give_up(host, &other, err);
        if (code != TOW_OK)
            break;
    }
    return code == TOW_OK ? host->ledger_put(host, key, path, (uint32_t)strlen(path), err) : code;
}
