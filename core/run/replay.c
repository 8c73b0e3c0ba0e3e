#include "run/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/reject_line.h"

struct replay {
    struct run *run; /* set after the options, of which there are none */
    const struct tow_host *host;
    struct tow_reject_reader *reader;
    struct tow_reject_line line; /* in use for one after the other */
    struct tow_builder *builder;
    int64_t lines; /* read so far: the position */
};

static int32_t replay_open(void *self, const struct tow_host *host, const struct tow_position *from,
                           struct tow_error *err)
{
    struct replay *replay = self;
    int64_t run_id = replay->run->options->replay_of, skip = tow_position_get_int(from, 0);
    struct tow_run run;
    int rc = tow_state_run(replay->run->state, run_id, &run, err);

    if (rc)
        return rc == TOW_END
                   ? tow_error_set(err, TOW_E_CONFIG, "there is no run %lld", (long long)run_id)
                   : rc;
    if (strcmp(run.job, replay->run->job->name) != 0)
        return tow_error_set(err, TOW_E_CONFIG, "run %lld is of job %s, not %s", (long long)run_id,
                             run.job, replay->run->job->name);
    if (run.reject_bytes == 0)
        return tow_error_set(err, TOW_E_CONFIG, "run %lld rejected no rows", (long long)run_id);
    char *path = tow_state_reject_path(replay->run->state, run.job, run_id);
    if (!path)
        return tow_error_nomem(err);
    replay->host = host;
    replay->reader = tow_reject_reader_new(path, run.reject_bytes, err);
    free(path);
    if (!replay->reader)
        return err->code;
    replay->builder = tow_builder_new_schema(tow_reject_reader_schema(replay->reader), err);
    rc = replay->builder ? TOW_OK : err->code;
    while (!rc && replay->lines < skip) {
        const char *line;
        size_t length;

        rc = tow_reject_reader_next(replay->reader, &line, &length, err);
        replay->lines++;
    }
    return rc == TOW_END ? TOW_OK : rc;
}

static int32_t replay_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct replay *replay = self;

    return tow_schema_copy(out, tow_reject_reader_schema(replay->reader), err);
}

/* Only the raw text of the row is known: it is rejected as it was before. */
static int replay_reject(struct replay *replay, const char *text, size_t length,
                         struct tow_error *err)
{
    struct tow_reject_line *line = &replay->line;
    int rc = tow_reject_line_parse(line, text, length, err);

    if (rc)
        return rc;
    const struct tow_source_reject row = {
        .size = sizeof row,
        .raw_length = (uint32_t)line->raw_length,
        .code = *line->code ? line->code : "unreadable",
        .message = *line->message ? line->message : "the row was not readable",
        .origin = *line->origin ? line->origin : NULL,
        .line = line->line,
        .offset = line->offset,
        .raw = line->raw,
    };
    return replay->host->reject(replay->host, &row);
}

static int32_t replay_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct replay *replay = self;
    int rc = TOW_OK, rejected = 0;

    while (!rc && !tow_builder_full(replay->builder, replay->host->batch_rows,
                                    replay->host->batch_bytes)) {
        const char *line;
        size_t length;

        rc = tow_reject_reader_next(replay->reader, &line, &length, err);
        if (rc)
            break;
        rc = tow_reject_parse(replay->reader, line, length, replay->builder, err);
        if (rc == TOW_OK)
            rc = tow_builder_end_row(replay->builder, err);
        else if (rc == TOW_END) {
            rejected = 1;
            rc = replay_reject(replay, line, length, err);
        }
        replay->lines++;
    }
    if (rc < 0)
        return rc;
    if (rc == TOW_END && !rejected && tow_builder_rows(replay->builder) == 0)
        return TOW_END;
    tow_position_set_int(&out->position, replay->lines);
    return tow_builder_finish(replay->builder, &out->array, err);
}

static void replay_close(void *self)
{
    struct replay *replay = self;

    tow_builder_free(replay->builder);
    tow_reject_reader_free(replay->reader);
    tow_reject_line_release(&replay->line);
}

static const struct tow_option replay_options[] = {TOW_OPTIONS_END};

static const struct tow_source_ops replay_ops = {
    .size = sizeof replay_ops,
    .open = replay_open,
    .schema = replay_schema,
    .read = replay_read,
    .close = replay_close,
};

static const struct tow_plugin replay_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "replay",
    .version = "1",
    .summary = "rejected rows of an earlier run",
    .instance_size = sizeof(struct replay),
    .options = replay_options,
    .source = &replay_ops,
};

int replay_init(struct run *run, struct run_instance *instance, struct tow_error *err)
{
    static const struct tow_setting none = {.kind = TOW_SETTING_GROUP};
    int rc = run_open_instance(run, instance, &replay_plugin, &none, "source", err);

    if (!rc)
        ((struct replay *)instance->instance.self)->run = run;
    return rc;
}
