/*
 * The six endpoints of The Trade Desk's Data API: where they are, what a request needs besides its
 * items, and what an item is made of (TTD Data API).
 *
 * A row of flat columns is one item. The tables here say which column goes where; whoever has the
 * rows writes the items.
 */
#ifndef CONNECTORS_TTD_ENDPOINT_H
#define CONNECTORS_TTD_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

/* What a member of an item holds. */
enum tow_ttd_kind {
    TOW_TTD_TEXT,       /* string */
    TOW_TTD_INTEGER,    /* 32-bit integer */
    TOW_TTD_NUMBER,     /* double */
    TOW_TTD_TIME,       /* date-time in UTC with 'Z' */
    TOW_TTD_ID_TYPE,    /* no member: names the one that the TOW_TTD_ID column behind it goes to */
    TOW_TTD_ID,         /* string */
    TOW_TTD_USER_IDS,   /* array of {"type", "id"}, sent as [["<code>", "<id>"], ...] */
    TOW_TTD_STRUCTURES, /* array of objects whose members are strings */
};

/* A column and its place in the item. */
struct tow_ttd_column {
    const char *name;    /* of the column */
    const char *member;  /* of the JSON object; NULL: the id type decides */
    const char *members; /* of nested values: those of each object, each with a space behind */
    int kind;            /* enum tow_ttd_kind */
    int in_data;         /* 1: of "Data":[{...}], which then comes first; 0: of the item itself */
    int is_required;
};

/* Members of a request besides its items. */
#define TOW_TTD_ADVERTISER_ID  1u
#define TOW_TTD_PROVIDER_ID    2u
#define TOW_TTD_BRAND_ID       4u
#define TOW_TTD_MERCHANT_ID    8u
#define TOW_TTD_REQUEST_TYPE   16u
#define TOW_TTD_ALREADY_HASHED 32u
#define TOW_TTD_ORIGINS        64u
#define TOW_TTD_USER_ID_FORMAT 128u /* fixed text, not for users to set */

struct tow_ttd_endpoint {
    const char *name;                     /* as job files say it: "advertiser" */
    const char *title;                    /* as people do: "Advertiser" */
    const char *path;                     /* "/data/advertiser" */
    const char *host;                     /* unless another is chosen: "usw-data.adsrvr.org" */
    int is_regional;                      /* 1: may go to the host of a region */
    unsigned required, optional;          /* TOW_TTD_...: in the request */
    const struct tow_ttd_column *columns; /* in the order of an item's members */
    size_t column_count; /* the first one is required, and so is the first one behind
those in data */
    const struct tow_ttd_id_type *id_types; /* a NULL name ends them */
};

/* A kind of user id. */
struct tow_ttd_id_type {
    const char *name; /* the member of an item: "TDID" */
    const char *code; /* in "UserIdArray": "0" */
    size_t length;    /* of the name */
};

/* "advertiser|thirdparty|...", and what it is an index into. */
#define TOW_TTD_ENDPOINTS                                                 \
    "advertiser|thirdparty|offlineconversion|deletion_optout_advertiser|" \
    "deletion_optout_thirdparty|deletion_optout_merchant"
#define TOW_TTD_ENDPOINT_COUNT 6

const struct tow_ttd_endpoint *tow_ttd_endpoint(int index);

/* The id type that the text names, in any case of letters; NULL where there is none. */
const struct tow_ttd_id_type *tow_ttd_find_id_type(const struct tow_ttd_id_type *types,
                                                   const char *text, size_t length);
/* Their names, as in "TDID, DAID or UID2"; returns text. */
char *tow_ttd_id_type_names(const struct tow_ttd_id_type *types, char *text, size_t size);

/* What a column of nested values holds, as SQL says it: "array<struct<type: string, id: string>>";
 * "" for others. Returns text. */
#define TOW_TTD_SHAPE_MAX 160
char *tow_ttd_shape(const struct tow_ttd_column *column, char text[TOW_TTD_SHAPE_MAX]);

/* A column's place as people read it: "Items[].Data[].Name"; returns text. */
#define TOW_TTD_PLACE_MAX 64
char *tow_ttd_place(const struct tow_ttd_column *column, char text[TOW_TTD_PLACE_MAX]);

#endif
