/*
 * One JSON object, checked to the last byte, of which some members are wanted: their values are
 * handed out as they stand in the text.
 */
#ifndef CONNECTORS_EVENTS_DOCUMENT_H
#define CONNECTORS_EVENTS_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/events/index.h"
#include "towpath/error.h"
#include "towpath/json.h"

#define TOW_DOCUMENT_NAMES_MAX 16
#define TOW_DOCUMENT_DEPTH_MAX 512 /* brackets inside each other */

enum tow_document_verdict {
    TOW_DOCUMENT_OK,
    TOW_DOCUMENT_NOT_JSON,
    TOW_DOCUMENT_NOT_OBJECT, /* it begins as another JSON value */
    TOW_DOCUMENT_TOO_DEEP,
    TOW_DOCUMENT_NOT_UTF8, /* otherwise it is sound */
    TOW_DOCUMENT_DOUBLED,  /* a wanted member is there twice */
    TOW_DOCUMENT_NOMEM,
};

struct tow_document {
    /* Set once: the index, and the wanted members. */
    tow_json_index_more *more;
    const char *names[TOW_DOCUMENT_NAMES_MAX]; /* as they are without escapes; borrowed */
    size_t lengths[TOW_DOCUMENT_NAMES_MAX];
    size_t name_count;
    uint64_t name_lengths; /* bit n: one has n bytes; bit 63: it has 63 or more */

    /* Of the last text. */
    struct tow_json_part whole;                         /* from '{' to '}' */
    struct tow_json_part found[TOW_DOCUMENT_NAMES_MAX]; /* values; text NULL: no such member */
    size_t fault; /* where it was found out that the text is not sound, or the doubled name */

    /* The reader's own. */
    struct tow_json_index index;
    uint32_t cursor;
    unsigned depth;
    uint64_t objects[TOW_DOCUMENT_DEPTH_MAX / 64]; /* bit d - 1: level d is an object */
    size_t key;                                    /* of the member at hand: its quote */
    int wanted;                                    /* its number among the names; -1: none */
    int is_out_of_memory;
    struct tow_buffer scratch;
};

/* Zero-initialized, then: the wanted names are given one after another, TOW_DOCUMENT_NAMES_MAX at
 * most; each is known by its number, from 0. */
void tow_document_want(struct tow_document *document, const char *name);
void tow_document_release(struct tow_document *document);

/* Reads a text with white space around; behind it, TOW_JSON_INDEX_SLACK bytes can be read. */
enum tow_document_verdict tow_document_read(struct tow_document *document, const char *text,
                                            size_t length);

#endif
