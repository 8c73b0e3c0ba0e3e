#include "console/doc.h"

#include <string.h>

#include "towpath/value.h"

static void doc_string(struct tow_doc *doc, const char *text)
{
    doc->scratch.size = 0;
    if (tow_buffer_json_string(&doc->scratch, text, strlen(text), NULL))
        doc->failed = 1;
    else
        fwrite(doc->scratch.data, 1, doc->scratch.size, doc->to);
}

/* What stands before a value. */
static void doc_lead(struct tow_doc *doc, const char *key)
{
    if (doc->begun)
        fputc(',', doc->to);
    if (doc->depth > 0)
        fprintf(doc->to, "\n%*s", 2 * doc->depth, "");
    if (key) {
        doc_string(doc, key);
        fputs(": ", doc->to);
    }
    doc->begun = 1;
}

void tow_doc_open(struct tow_doc *doc, const char *key, char bracket)
{
    doc_lead(doc, key);
    fputc(bracket, doc->to);
    doc->depth++;
    doc->begun = 0;
}

void tow_doc_close(struct tow_doc *doc, char bracket)
{
    doc->depth--;
    if (doc->begun)
        fprintf(doc->to, "\n%*s", 2 * doc->depth, "");
    fputc(bracket, doc->to);
    doc->begun = 1;
    if (doc->depth == 0)
        fputc('\n', doc->to);
}

void tow_doc_raw(struct tow_doc *doc, const char *key, const char *json, size_t length)
{
    doc_lead(doc, key);
    fwrite(json, 1, length, doc->to);
}

void tow_doc_text(struct tow_doc *doc, const char *key, const char *text)
{
    doc_lead(doc, key);
    if (text)
        doc_string(doc, text);
    else
        fputs("null", doc->to);
}

void tow_doc_int(struct tow_doc *doc, const char *key, int64_t value)
{
    char text[TOW_INT64_TEXT_MAX];

    tow_doc_raw(doc, key, text, (size_t)(tow_put_int64(text, value) - text));
}

void tow_doc_nonzero(struct tow_doc *doc, const char *key, int64_t value)
{
    if (value)
        tow_doc_int(doc, key, value);
    else
        tow_doc_text(doc, key, NULL);
}

void tow_doc_real(struct tow_doc *doc, const char *key, double value)
{
    char text[TOW_DOUBLE_TEXT_MAX];

    tow_doc_raw(doc, key, text, (size_t)(tow_put_double(text, value) - text));
}

void tow_doc_bool(struct tow_doc *doc, const char *key, int value)
{
    tow_doc_raw(doc, key, value ? "true" : "false", value ? 4 : 5);
}

void tow_doc_time(struct tow_doc *doc, const char *key, int64_t us)
{
    char text[TOW_TIMESTAMP_TEXT_MAX + 1];

    *tow_put_timestamp(text, us, 1) = '\0';
    tow_doc_text(doc, key, us ? text : NULL);
}

int tow_doc_end(struct tow_doc *doc, struct tow_error *err)
{
    tow_buffer_release(&doc->scratch);
    return doc->failed ? tow_error_nomem(err) : TOW_OK;
}
