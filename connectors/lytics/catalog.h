/* What an account has: itself, its audiences, the fields of its profiles, its streams, and the ids
 * that metrics are about. */
#ifndef CONNECTORS_LYTICS_CATALOG_H
#define CONNECTORS_LYTICS_CATALOG_H

#include "connectors/lytics/client.h"

#define TOW_LYTICS_NAME_MAX 512 /* of ids, slugs, names, with their NUL */

struct tow_lytics_account {
    int64_t aid;                  /* the number, {AID} of table names */
    char id[TOW_LYTICS_NAME_MAX]; /* the long one */
    char name[TOW_LYTICS_NAME_MAX];
    char timezone[64]; /* "" where it has none */
};
/* The account that the settings name, else the only one that the token reaches: TOW_E_CONFIG lists
 * them where there are several. */
int tow_lytics_account(struct tow_lytics *lytics, struct tow_lytics_account *out,
                       struct tow_error *err);

/* An audience, which the API calls a segment. */
struct tow_lytics_segment {
    char id[TOW_LYTICS_NAME_MAX];
    char slug[TOW_LYTICS_NAME_MAX];
    char name[TOW_LYTICS_NAME_MAX];
    char table[64]; /* "user" */
    int64_t size;   /* members by the last count; -1: not said */
    int is_invalid; /* 1: its rule cannot be evaluated */
};
/* By id or slug. TOW_E_CONFIG where there is none of that name. */
int tow_lytics_segment(struct tow_lytics *lytics, const char *id_or_slug,
                       struct tow_lytics_segment *out, struct tow_error *err);

/* What a field's values are, by its type (API: string, int, []string, map[string]int, ...). */
enum tow_lytics_kind {
    TOW_LYTICS_TEXT = 1,
    TOW_LYTICS_BOOL, /* values may also be "t", "f" */
    TOW_LYTICS_INT,  /* 64 bits; values may also be texts */
    TOW_LYTICS_NUMBER,
    TOW_LYTICS_TIME, /* RFC 3339 */
    TOW_LYTICS_OTHER /* no scalar: list, set, map, membership, ... */
};
enum tow_lytics_kind tow_lytics_kind(const char *type);

struct tow_lytics_field {
    const char *name, *type; /* good for the visit */
    enum tow_lytics_kind kind;
    int is_identifier;
};
/* Anything but TOW_OK ends the visits, and is what they return. */
typedef int tow_lytics_field_visit(void *context, const struct tow_lytics_field *field,
                                   struct tow_error *err);
/* The fields of a table ("user"), by version 2 of the API, or where that does not know the path
 * (404), by version 1. */
int tow_lytics_fields(struct tow_lytics *lytics, const char *table, tow_lytics_field_visit *visit,
                      void *context, struct tow_error *err);

/* Likewise. */
typedef int tow_lytics_id_visit(void *context, const char *id, struct tow_error *err);

/* Dimensions of metrics whose ids can be listed, and all that the API knows (API: enum of
 * MetricRequest.dimension), '|' between. */
#define TOW_LYTICS_LISTABLE "segment|stream|works|auths|flow"
#define TOW_LYTICS_DIMENSIONS                                                                  \
    "segment|experience|experiencegroup|stream|flow|inflight|works|auths|bandit|attribution|"  \
    "contentenrich|acct_quotas|segmovement|cooccurrent_counts|cloudconnect_connections|"       \
    "cloudconnect_tablesync|cloudconnect_segmentsync|e2e_profile_latency|e2e_trigger_latency|" \
    "segmentmodel_summaries_ts|accountgoalcount|accountgoalvalue"
/* 1 where `name` is in a list like these. */
int tow_lytics_is_listed(const char *list, const char *name);
/* Each id of such a dimension. TOW_E_UNSUPPORTED for one that is not TOW_LYTICS_LISTABLE. */
int tow_lytics_ids(struct tow_lytics *lytics, const char *dimension, tow_lytics_id_visit *visit,
                   void *context, struct tow_error *err);

#endif
