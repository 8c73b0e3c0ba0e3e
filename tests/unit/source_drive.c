#include "source_drive.h"

#include <stdlib.h>

#include "unit.h"

#define DRIVE_TRIES 50

void drive_init(struct drive *drive, const struct tow_plugin *plugin, const char *const *settings)
{
    *drive = (struct drive){.plugin = plugin, .settings = settings, .err = TOW_ERROR_INIT};
    drive->at.size = sizeof drive->at;
    fake_host_init(&drive->fake);
}

void drive_release(struct drive *drive)
{
    fake_host_release(&drive->fake);
    tow_buffer_release(&drive->rows);
}

static void drive_take(struct drive *drive, const struct ArrowSchema *schema,
                       const struct tow_batch *batch)
{
    const struct tow_host *host = &drive->fake.host;
    struct tow_error err = TOW_ERROR_INIT;

    if (batch->array.release) {
        struct tow_csv_writer *writer = tow_csv_writer_new(schema, NULL, &err);

        assert_non_null(writer);
        assert_ok(tow_array_validate(&batch->array, schema, &err), err);
        assert_ok(
            tow_csv_writer_rows(writer, &batch->array, 0, batch->array.length, &drive->rows, &err),
            err);
        drive->row_count += (size_t)batch->array.length;
        tow_csv_writer_free(writer);
    }
    if (batch->mark_key)
        assert_ok(host->ledger_put(host, batch->mark_key, batch->mark_value,
                                   (uint32_t)strlen(batch->mark_value), &err),
                  err);
    assert_true(batch->position.length <= TOW_POSITION_MAX);
    drive->at = batch->position;
    drive->batches++;
}

static int drive_read(struct drive *drive, void *self, const struct ArrowSchema *schema)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    int code;

    drive->err = (struct tow_error)TOW_ERROR_INIT;
    code = drive->plugin->source->read(self, &batch, &drive->err);
    assert_true(code == TOW_OK || !batch.array.release);
    if (code == TOW_OK)
        drive_take(drive, schema, &batch);
    if (code == TOW_END)
        drive->at = batch.position;
    if (batch.array.release)
        batch.array.release(&batch.array);
    return code;
}

int drive_run(struct drive *drive, int batches)
{
    const struct tow_source_ops *ops = drive->plugin->source;
    void *self = fake_instance_new(drive->plugin, drive->settings);
    struct ArrowSchema schema = {.release = NULL};
    int code, tries = 0;

    drive->err = (struct tow_error)TOW_ERROR_INIT;
    code = ops->open(self, &drive->fake.host, &drive->at, &drive->err);
    if (code == TOW_OK)
        code = ops->schema(self, &schema, &drive->err);
    while (code == TOW_OK && batches != 0) {
        code = drive_read(drive, self, &schema);
        if (code == TOW_OK && batches > 0)
            batches--;
        if ((code == TOW_E_TRANSIENT || code == TOW_E_RATE) && tries++ < DRIVE_TRIES) {
            drive->passing++;
            code = TOW_OK;
        }
    }
    ops->close(self);
    fake_instance_free(self);
    if (schema.release)
        schema.release(&schema);
    return code;
}

void drive_whole(struct drive *drive)
{
    int code = drive_run(drive, -1);

    if (code != TOW_END)
        fail_msg("%s: %s", tow_error_name(code), drive->err.message);
}

const char *drive_rows(struct drive *drive)
{
    assert_int_equal(tow_buffer_append(&drive->rows, "", 1, NULL), TOW_OK);
    drive->rows.size--;
    return drive->rows.data;
}

size_t drive_count(struct drive *drive, const char *line)
{
    const size_t length = strlen(line);
    size_t count = 0;

    for (const char *at = drive_rows(drive); *at; at = strchr(at, '\n') + 1)
        count += strncmp(at, line, length) == 0 && at[length] == '\n';
    return count;
}
