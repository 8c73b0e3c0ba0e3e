/* The options of the sink `lytics`, and what can be known of them offline. */
#ifndef PLUGINS_LYTICS_OPTIONS_H
#define PLUGINS_LYTICS_OPTIONS_H

#include "connectors/lytics/upload.h"
#include "plugins/lytics/text.h"
#include "plugins/shared/lytics_options.h"
#include "towpath/plugin.h"

/* As plugin.h's option types have it. */
struct tow_import_options {
    struct tow_lytics_options lytics;
    const char *stream;
    const char *timestamp_field; /* "": the far end's time of arrival */
    int32_t format;              /* indexes of text.h */
    int32_t gzip;
    int64_t max_bytes, record_max_bytes;
    int32_t dryrun_first, droperrors;
    const char *append;   /* NULL: none */
    const char *filename; /* with {load} and {part} */
    int32_t nested, binary, omit_empty;
};

#define TOW_IMPORT_OPTIONS(instance, member)                                                       \
    TOW_LYTICS_OPTIONS(instance, member.lytics),                                                   \
        TOW_OPT("stream", TOW_OPTION_STRING, 0, instance, member.stream,                           \
                "databricks_{catalog}_{schema}_{table}", 1, 250, NULL,                             \
                "stream that rows go to; its first row makes it"),                                 \
        TOW_OPT_STRING("timestamp_field", instance, member.timestamp_field, "{cursor}",            \
                       "column with the time of the event, unless set the source's cursor; \"\" "  \
                       "for the time of arrival"),                                                 \
        TOW_OPT_CHOICE("format", instance, member.format, "csv", "csv|json", "of the uploads"),    \
        TOW_OPT_BOOL("gzip", instance, member.gzip, "true", "compress the uploads"),               \
        TOW_OPT_SIZE("max_bytes", instance, member.max_bytes, "10MB", 1000,                        \
                     TOW_LYTICS_BULK_BODY_MAX,                                                     \
                     "most bytes of an upload, before it is compressed; one has rows of one "      \
                     "batch (pipeline.batch_bytes)"),                                              \
        TOW_OPT_SIZE(                                                                              \
            "record_max_bytes", instance, member.record_max_bytes, "16KiB", 1,                     \
            TOW_LYTICS_BULK_BODY_MAX,                                                              \
            "most bytes of a row's text: the platform's limit; larger ones are rejected"),         \
        TOW_OPT_BOOL("dryrun_first", instance, member.dryrun_first, "false",                       \
                     "let Lytics look at each upload before it is sent, so that none is taken in " \
                     "part"),                                                                      \
        TOW_OPT_BOOL("droperrors", instance, member.droperrors, "false",                           \
                     "of csv: Lytics leaves out rows that it cannot read, and goes on behind "     \
                     "them"),                                                                      \
        TOW_OPT_STRING("append", instance, member.append, NULL,                                    \
                       "of csv: JSON object whose members Lytics adds to each row"),               \
        TOW_OPT_STRING("filename", instance, member.filename, "{job}-{load}-{part}",               \
                       "of an upload, for Lytics' records; {job}, {load}, {part} stand for what "  \
                       "they say"),                                                                \
        TOW_OPT_CHOICE("nested", instance, member.nested, "json", "json|flatten|fail",             \
                       "of json columns: as JSON, where Lytics cannot take that as its text; "     \
                       "of format json: members as fields of their own, \"column.member\"; or "    \
                       "such rows are rejected"),                                                  \
        TOW_OPT_CHOICE("binary", instance, member.binary, "base64", "base64|hex",                  \
                       "text of binary columns"),                                                  \
        TOW_OPT_BOOL("omit_empty", instance, member.omit_empty, "false",                           \
                     "of json: leave out what is null or an empty text")

/* TOW_E_CONFIG where they do not go together. */
int tow_import_options_check(const struct tow_import_options *options, struct tow_error *err);
/* Looks for timestamp_field among the columns. */
int tow_import_options_fit(const struct tow_import_options *options,
                           const struct ArrowSchema *schema, struct tow_error *err);

/* Appends the name of an upload; `part` is another for each of a load, and the same again where the
 * same rows go again. */
int tow_import_filename(const struct tow_import_options *options, const struct tow_host *host,
                        const char *part, struct tow_buffer *out, struct tow_error *err);

#endif
