#include "connectors/lytics/upload.h"

#include <limits.h>

#include "connectors/lytics/client_priv.h"

/* A refusal of the stream's name, or whatever else, says which stream. */
static int upload_say_stream(const struct tow_lytics_upload *upload, int code,
                             struct tow_error *err)
{
    if (code == TOW_OK || code == TOW_E_CANCELLED || code == TOW_E_NOMEM)
        return code;
    return tow_error_prefix(err, "stream %.200s", upload->stream);
}

static void upload_receipt(struct tow_lytics_receipt *receipt,
                           const struct tow_lytics_answer *answer)
{
    if (!tow_lytics_int(tow_lytics_member(answer->data, "message_count"), &receipt->message_count))
        receipt->message_count = -1;
    if (!tow_lytics_int(tow_lytics_member(answer->data, "rejected_count"),
                        &receipt->rejected_count))
        receipt->rejected_count = -1;
}

int tow_lytics_upload(struct tow_lytics *lytics, const struct tow_lytics_upload *upload,
                      struct tow_lytics_receipt *receipt, struct tow_error *err)
{
    const struct tow_lytics_argument arguments[] = {
        {"timestamp_field", upload->timestamp_field},
        {"filename", upload->filename},
        {"dryrun", upload->is_dry_run ? "true" : NULL},
        {"append", upload->is_json ? NULL : upload->append},
        {"delimiter", upload->is_json ? NULL : upload->delimiter},
        {"droperrors", upload->drops_errors && !upload->is_json ? "true" : NULL}};
    struct tow_lytics_call call = {
        .what = "uploading rows",
        .method = "POST",
        .arguments = arguments,
        .argument_count = sizeof arguments / sizeof *arguments,
        .is_bulk = !upload->is_api_host,
        .body = upload->body,
        .body_fd = upload->body_fd,
        .body_length = upload->length,
        .body_type = upload->is_json ? "application/json" : "application/csv",
        .timeout_ms = upload->timeout_ms > 0 ? upload->timeout_ms : INT_MAX};
    struct tow_lytics_answer answer = {.total = -1};
    struct tow_buffer path = {NULL, 0, 0};
    int code = tow_buffer_printf(&path, err, "/collect/bulk/");

    *receipt = (struct tow_lytics_receipt){-1, -1};
    if (code == TOW_OK)
        code = tow_lytics_put_segment(&path, upload->stream, err);
    if (code == TOW_OK) {
        call.path = path.data;
        code = tow_lytics_call(lytics, &call, &answer, err);
    }
    if (code == TOW_OK)
        upload_receipt(receipt, &answer);
    tow_buffer_release(&path);
    tow_lytics_answer_release(&answer);
    return upload_say_stream(upload, code, err);
}
