#include "run/assembly/sample.h"

#include "run/run_priv.h"

static int sample_rows(struct run *run, struct record *record, struct tow_json_writer *writer,
                       const struct tow_sample *sample, struct tow_error *err)
{
    struct tow_buffer *line = &run->reject_lines;
    int rc = TOW_OK;

    for (int64_t row = 0; !rc && record->out.release && row < record->out.length; row++) {
        line->size = 0;
        rc = tow_json_writer_object(writer, &record->out, row, line, err);
        if (!rc)
            rc = sample->row(sample->context, line->data, line->size);
    }
    for (size_t i = 0; !rc && i < record->note_count; i++) {
        line->size = 0;
        rc = run_reject_line(run, record, &record->notes[i], err);
        if (!rc) /* without the line's end */
            rc = sample->reject(sample->context, line->data, line->size - 1);
    }
    return rc;
}

static int sample_read(struct run *run, const struct tow_sample *sample, struct tow_error *err)
{
    struct tow_json_writer *writer = tow_json_writer_new(&run->out, 0, err);
    int rc = writer ? TOW_OK : err->code;

    if (!rc) {
        run->reject_writer = tow_json_writer_new(&run->in, 0, err);
        rc = run->reject_writer ? TOW_OK : err->code;
    }
    while (!rc && run->reader.read < run->options->limit) {
        struct record *record = NULL;

        rc = reader_next(run, &record, err);
        if (!rc && run_failed(run)) {
            *err = run->failure;
            rc = err->code;
        }
        if (!rc)
            rc = sample_rows(run, record, writer, sample, err);
        record_free(record);
    }
    tow_json_writer_free(writer);
    return rc == TOW_END ? TOW_OK : rc;
}

int tow_sample_run(struct tow_assembly *assembly, int64_t count, const struct tow_sample *sample,
                   struct tow_error *err)
{
    struct tow_cancel never = {.fd = -1};
    const struct tow_run_options options = {.limit = count, .cancel = &never};
    struct tow_run_report report = {.error = TOW_ERROR_INIT};
    struct run run = {
        .assembly = assembly,
        .job = assembly->job,
        .options = &options,
        .report = &report,
        .resume.position.size = sizeof run.resume.position,
    };
    int rc = run_init(&run, err);

    if (!rc)
        rc = tow_cancel_init(&never, err);
    if (!rc)
        rc = reader_open(&run, err);
    if (!rc)
        rc = sample_read(&run, sample, err);
    run_release(&run);
    tow_cancel_release(&never);
    return rc;
}
