/*
 * Record batches of a result, as the far end sent them, into pages of version-1 types.
 *
 * Buffers whose layout is the same are not copied: the page holds the batch's memory. Lists, maps
 * and structs become JSON text, intervals text. Whatever cannot be a value of its type makes its
 * row faulty: text that is not UTF-8 ("invalid_utf8"), VARIANT that is not JSON ("invalid_json"), a
 * value that the type cannot hold ("out_of_range"), a nested value without a text ("no_text").
 */
#ifndef PLUGINS_DATABRICKS_CONVERT_H
#define PLUGINS_DATABRICKS_CONVERT_H

#include "connectors/arrow/ipc.h"
#include "plugins/databricks/page.h"

struct tow_convert;

/* columns stays the caller's and must outlive the converter. */
struct tow_convert *tow_convert_new(const struct tow_scan_columns *columns, struct tow_error *err);
void tow_convert_free(struct tow_convert *convert);

/* Tells the columns of the batches that follow. TOW_E_ENV names one whose type does not go with
 * that of the manifest. */
int tow_convert_bind(struct tow_convert *convert, const struct tow_ipc_field *fields, size_t count,
                     struct tow_error *err);

/* Fills a page, which is empty, with the first `rows` rows of a batch. The batch's memory stays the
 * caller's. */
int tow_convert_batch(struct tow_convert *convert, const struct tow_ipc_batch *batch, int64_t rows,
                      struct tow_scan_page *page, struct tow_error *err);

#endif
