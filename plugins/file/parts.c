#include "plugins/file/parts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "connectors/files/hidden.h"

static char *parts_path(const struct tow_file_parts *parts, uint64_t part, struct tow_error *err)
{
    return tow_file_target_path(parts->target, part, err);
}

static int parts_lock(struct tow_file_parts *parts, struct tow_error *err)
{
    if (parts->target->is_stdout)
        return TOW_OK;
    parts->lock = tow_output_lock_take(parts->target->options->path, err);
    return parts->lock ? TOW_OK : err->code;
}

/* Opens the output of the current part, new or at its durable length. */
static int parts_open(struct tow_file_parts *parts, int is_new, struct tow_error *err)
{
    char *path = parts_path(parts, parts->part, err);
    struct tow_output_spec spec = {.path = path,
                                   .gzip = parts->target->is_gzip,
                                   .level = (int)parts->target->options->level,
                                   .use_helpers = !parts->target->is_routed,
                                   .cancel_fd = parts->cancel_fd};

    if (!path)
        return TOW_E_NOMEM;
    parts->output =
        is_new ? tow_output_create(&spec, err) : tow_output_continue(&spec, parts->length, err);
    free(path);
    return parts->output ? TOW_OK : err->code;
}

int tow_file_parts_create(struct tow_file_parts *parts, const struct tow_file_target *target,
                          int cancel_fd, struct tow_error *err)
{
    int code;

    *parts = (struct tow_file_parts){.target = target, .cancel_fd = cancel_fd, .part = 1};
    code = parts_lock(parts, err);
    if (code == TOW_OK)
        code = parts_open(parts, 1, err);
    return code;
}

/*
 * The hidden file is there, or it was published: then the final one is exactly as long. A shorter
 * hidden file beside that one is a copy that was not completed (parts_reopen).
 */
static int parts_resume(struct tow_file_parts *parts, const char *path, struct tow_error *err)
{
    struct tow_hidden_state state;
    int was_there;
    int code = tow_hidden_look(path, &state, err);

    if (code != TOW_OK)
        return code;
    if (state.hidden_size >= 0 && (uint64_t)state.hidden_size >= parts->length)
        return parts_open(parts, 0, err);
    if (state.final_size >= 0 && (uint64_t)state.final_size == parts->length)
        return tow_hidden_discard(path, &was_there, err);
    return tow_error_set(err, TOW_E_ENV,
                         "the unfinished load cannot be continued: %" PRIu64
                         " bytes of \"%s\" were durable, its hidden file %s; forget the load and "
                         "start it anew",
                         parts->length, path,
                         state.hidden_size < 0 ? "is not there" : "is shorter");
}

int tow_file_parts_continue(struct tow_file_parts *parts, const struct tow_file_target *target,
                            uint64_t part, uint64_t length, struct tow_error *err)
{
    char *path;
    int code;

    *parts =
        (struct tow_file_parts){.target = target, .cancel_fd = -1, .part = part, .length = length};
    code = parts_lock(parts, err);
    if (code != TOW_OK)
        return code;
    path = parts_path(parts, part, err);
    if (!path)
        return TOW_E_NOMEM;
    code = parts_resume(parts, path, err);
    free(path);
    return code;
}

void tow_file_parts_close(struct tow_file_parts *parts)
{
    tow_output_close(parts->output);
    tow_output_lock_drop(parts->lock);
    *parts = (struct tow_file_parts){.target = NULL};
}

/* A run died after it had published, and its source has more rows now: the published file must not
 * change under its readers, so a copy goes on. */
static int parts_reopen(struct tow_file_parts *parts, struct tow_error *err)
{
    char *path = parts_path(parts, parts->part, err);
    int code;

    if (!path)
        return TOW_E_NOMEM;
    code = tow_hidden_restore(path, err);
    free(path);
    return code == TOW_OK ? parts_open(parts, 0, err) : code;
}

int tow_file_parts_write(struct tow_file_parts *parts, struct tow_buffer *text,
                         struct tow_error *err)
{
    int code = parts->output ? TOW_OK : parts_reopen(parts, err);

    return code == TOW_OK ? tow_output_take(parts->output, text, err) : code;
}

int tow_file_parts_sync(struct tow_file_parts *parts, struct tow_error *err)
{
    if (!parts->output)
        return TOW_OK;
    return tow_output_sync(parts->output, &parts->length, err);
}

int tow_file_parts_next(struct tow_file_parts *parts, struct tow_error *err)
{
    int code = tow_file_parts_sync(parts, err);

    if (code != TOW_OK)
        return code;
    tow_output_close(parts->output);
    parts->output = NULL;
    parts->part++;
    parts->length = 0;
    return parts_open(parts, 1, err);
}

/* Parts are published in order, so no hidden one may be missing behind one that is there. */
static int parts_publish_one(const char *path, int *found_hidden, struct tow_error *err)
{
    struct tow_hidden_state state;
    int code = tow_hidden_look(path, &state, err);

    if (code == TOW_OK && state.hidden_size < 0 && *found_hidden)
        code = tow_error_set(err, TOW_E_ENV,
                             "the hidden file of part \"%s\" is gone; forget the load and start it "
                             "anew",
                             path);
    *found_hidden |= code == TOW_OK && state.hidden_size >= 0;
    return code == TOW_OK ? tow_hidden_publish(path, err) : code;
}

/* Hidden parts that a longer, abandoned load left behind these. */
static int parts_discard_rest(const struct tow_file_parts *parts, struct tow_error *err)
{
    int removed = parts->target->is_parted;
    int code = TOW_OK;

    for (uint64_t part = parts->part + 1; removed && code == TOW_OK; part++) {
        char *path = parts_path(parts, part, err);

        code = path ? tow_hidden_discard(path, &removed, err) : TOW_E_NOMEM;
        free(path);
    }
    return code;
}

int tow_file_parts_publish(struct tow_file_parts *parts, struct tow_error *err)
{
    int found_hidden = 0;
    int code = TOW_OK;

    if (parts->target->is_stdout)
        return TOW_OK;
    tow_output_close(parts->output);
    parts->output = NULL;
    for (uint64_t part = 1; part <= parts->part && code == TOW_OK; part++) {
        char *path = parts_path(parts, part, err);

        code = path ? parts_publish_one(path, &found_hidden, err) : TOW_E_NOMEM;
        free(path);
    }
    return code == TOW_OK ? parts_discard_rest(parts, err) : code;
}

int tow_file_parts_stale(const struct tow_file_parts *parts, uint64_t *count, struct tow_error *err)
{
    struct tow_hidden_state state = {-1, 0};
    int code = TOW_OK;

    *count = 0;
    if (!parts->target->is_parted)
        return TOW_OK;
    for (;;) {
        char *path = parts_path(parts, parts->part + *count + 1, err);

        code = path ? tow_hidden_look(path, &state, err) : TOW_E_NOMEM;
        free(path);
        if (code != TOW_OK || state.final_size < 0)
            return code;
        ++*count;
    }
}
