#include "connectors/ttd/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- id types ------------------------------------------------------------------------------- */

#define ENDPOINT_ID(name, code)      \
    {                                \
        name, code, sizeof(name) - 1 \
    }
#define ENDPOINT_COMMON_ID_TYPES                                                                   \
    ENDPOINT_ID("TDID", NULL), ENDPOINT_ID("DAID", NULL), ENDPOINT_ID("UID2", NULL),               \
        ENDPOINT_ID("UID2Token", NULL), ENDPOINT_ID("EUID", NULL), ENDPOINT_ID("EUIDToken", NULL), \
        ENDPOINT_ID("RampID", NULL), ENDPOINT_ID("CoreID", NULL), ENDPOINT_ID("ID5", NULL),        \
        ENDPOINT_ID("NetID", NULL), ENDPOINT_ID("FirstID", NULL), ENDPOINT_ID("UtiqID", NULL),     \
        ENDPOINT_ID("RealID", NULL), ENDPOINT_ID("MerkuryID", NULL),                               \
        ENDPOINT_ID("IqviaPPID", NULL)

static const struct tow_ttd_id_type endpoint_id_types[] = {
    ENDPOINT_COMMON_ID_TYPES,
    {NULL, NULL, 0},
};

static const struct tow_ttd_id_type endpoint_thirdparty_id_types[] = {
    ENDPOINT_COMMON_ID_TYPES,
    ENDPOINT_ID("DataProviderUserId", NULL),
    {NULL, NULL, 0},
};

static const struct tow_ttd_id_type endpoint_user_id_types[] = {
    ENDPOINT_ID("TDID", "0"),      ENDPOINT_ID("DAID", "1"), ENDPOINT_ID("UID2", "2"),
    ENDPOINT_ID("UID2Token", "3"), ENDPOINT_ID("EUID", "4"), ENDPOINT_ID("EUIDToken", "5"),
    ENDPOINT_ID("RampID", "6"),    {NULL, NULL, 0},
};

/* ---- columns -------------------------------------------------------------------------------- */

#define ENDPOINT_TEXT(name, member)            \
    {                                          \
        name, member, NULL, TOW_TTD_TEXT, 0, 0 \
    }
#define ENDPOINT_DATA(name, member, kind, is_required) \
    {                                                  \
        name, member, NULL, kind, 1, is_required       \
    }
#define ENDPOINT_IDS                                \
    {"id_type", NULL, NULL, TOW_TTD_ID_TYPE, 0, 1}, \
    {                                               \
        "id_value", NULL, NULL, TOW_TTD_ID, 0, 1    \
    }

static const struct tow_ttd_column endpoint_advertiser[] = {
    ENDPOINT_DATA("segment_name", "Name", TOW_TTD_TEXT, 1),
    ENDPOINT_DATA("timestamp_utc", "TimestampUtc", TOW_TTD_TIME, 0),
    ENDPOINT_DATA("ttl_in_minutes", "TtlInMinutes", TOW_TTD_INTEGER, 0),
    ENDPOINT_DATA("base_bid_cpm", "BaseBidCPM", TOW_TTD_NUMBER, 0),
    ENDPOINT_DATA("base_bid_cpm_metadata", "BaseBidCPMMetadata", TOW_TTD_TEXT, 0),
    ENDPOINT_DATA("bid_factor", "BidFactor", TOW_TTD_NUMBER, 0),
    ENDPOINT_IDS,
    ENDPOINT_TEXT("cookie_mapping_partner_id", "CookieMappingPartnerId"),
};

static const struct tow_ttd_column endpoint_thirdparty[] = {
    ENDPOINT_DATA("segment_name", "Name", TOW_TTD_TEXT, 1),
    ENDPOINT_DATA("timestamp_utc", "TimestampUtc", TOW_TTD_TIME, 0),
    ENDPOINT_DATA("ttl_in_minutes", "TtlInMinutes", TOW_TTD_INTEGER, 0),
    ENDPOINT_IDS,
    ENDPOINT_TEXT("cookie_mapping_partner_id", "CookieMappingPartnerId"),
};

static const struct tow_ttd_column endpoint_offlineconversion[] = {
    {"tracking_tag_id", "TrackingTagId", NULL, TOW_TTD_TEXT, 0, 1},
    {"timestamp_utc", "TimestampUtc", NULL, TOW_TTD_TIME, 0, 1},
    {"user_ids", "UserIdArray", "type id ", TOW_TTD_USER_IDS, 0, 0},
    ENDPOINT_TEXT("data_provider_user_id", "DataProviderUserId"),
    ENDPOINT_TEXT("cookie_mapping_partner_id", "CookieMappingPartnerId"),
    ENDPOINT_TEXT("order_id", "OrderId"),
    ENDPOINT_TEXT("impression_id", "ImpressionId"),
    ENDPOINT_TEXT("value", "Value"),
    ENDPOINT_TEXT("value_currency", "ValueCurrency"),
    ENDPOINT_TEXT("country", "Country"),
    ENDPOINT_TEXT("region", "Region"),
    ENDPOINT_TEXT("metro", "Metro"),
    ENDPOINT_TEXT("city", "City"),
    ENDPOINT_TEXT("merchant_id", "MerchantId"),
    ENDPOINT_TEXT("event_name", "EventName"),
    ENDPOINT_TEXT("td1", "TD1"),
    ENDPOINT_TEXT("td2", "TD2"),
    ENDPOINT_TEXT("td3", "TD3"),
    ENDPOINT_TEXT("td4", "TD4"),
    ENDPOINT_TEXT("td5", "TD5"),
    ENDPOINT_TEXT("td6", "TD6"),
    ENDPOINT_TEXT("td7", "TD7"),
    ENDPOINT_TEXT("td8", "TD8"),
    ENDPOINT_TEXT("td9", "TD9"),
    ENDPOINT_TEXT("td10", "TD10"),
    {"line_items", "LineItems", "item_code name qty price cat ", TOW_TTD_STRUCTURES, 0, 0},
    {"privacy_settings", "PrivacySettings", "privacy_type is_applicable consent_string ",
     TOW_TTD_STRUCTURES, 0, 0},
};

static const struct tow_ttd_column endpoint_deletion[] = {ENDPOINT_IDS};

/* ---- endpoints ------------------------------------------------------------------------------ */

#define ENDPOINT_COLUMNS(table) .columns = table, .column_count = sizeof(table) / sizeof *(table)

static const struct tow_ttd_endpoint endpoint_all[TOW_TTD_ENDPOINT_COUNT] = {
    {
        .name = "advertiser",
        .title = "Advertiser",
        .path = "/data/advertiser",
        .host = "usw-data.adsrvr.org",
        .is_regional = 1,
        .required = TOW_TTD_ADVERTISER_ID,
        .optional = TOW_TTD_PROVIDER_ID | TOW_TTD_ORIGINS,
        ENDPOINT_COLUMNS(endpoint_advertiser),
        .id_types = endpoint_id_types,
    },
    {
        .name = "thirdparty",
        .title = "Third Party",
        .path = "/data/thirdparty",
        .host = "bulk-data.adsrvr.org",
        .is_regional = 1,
        .required = TOW_TTD_PROVIDER_ID,
        .optional = TOW_TTD_ALREADY_HASHED | TOW_TTD_ORIGINS,
        ENDPOINT_COLUMNS(endpoint_thirdparty),
        .id_types = endpoint_thirdparty_id_types,
    },
    {
        .name = "offlineconversion",
        .title = "Offline Conversion",
        .path = "/providerapi/offlineconversion",
        .host = "offlineattrib.adsrvr.org",
        .required = TOW_TTD_PROVIDER_ID,
        .optional = TOW_TTD_ORIGINS | TOW_TTD_USER_ID_FORMAT,
        ENDPOINT_COLUMNS(endpoint_offlineconversion),
        .id_types = endpoint_user_id_types,
    },
    {
        .name = "deletion_optout_advertiser",
        .title = "Deletion/Opt-Out Advertiser",
        .path = "/data/deletion-optout/advertiser",
        .host = "usw-data.adsrvr.org",
        .is_regional = 1,
        .required = TOW_TTD_ADVERTISER_ID | TOW_TTD_REQUEST_TYPE,
        .optional = TOW_TTD_PROVIDER_ID,
        ENDPOINT_COLUMNS(endpoint_deletion),
        .id_types = endpoint_id_types,
    },
    {
        .name = "deletion_optout_thirdparty",
        .title = "Deletion/Opt-Out Third Party",
        .path = "/data/deletion-optout/thirdparty",
        .host = "usw-data.adsrvr.org",
        .is_regional = 1,
        .required = TOW_TTD_PROVIDER_ID | TOW_TTD_REQUEST_TYPE,
        .optional = TOW_TTD_BRAND_ID,
        ENDPOINT_COLUMNS(endpoint_deletion),
        .id_types = endpoint_id_types,
    },
    {
        .name = "deletion_optout_merchant",
        .title = "Deletion/Opt-Out Merchant",
        .path = "/data/deletion-optout/merchant",
        .host = "usw-data.adsrvr.org",
        .is_regional = 1,
        .required = TOW_TTD_MERCHANT_ID | TOW_TTD_REQUEST_TYPE,
        ENDPOINT_COLUMNS(endpoint_deletion),
        .id_types = endpoint_id_types,
    },
};

const struct tow_ttd_endpoint *tow_ttd_endpoint(int index)
{
    return &endpoint_all[index];
}

/* ---- looking up ----------------------------------------------------------------------------- */

const struct tow_ttd_id_type *tow_ttd_find_id_type(const struct tow_ttd_id_type *types,
                                                   const char *text, size_t length)
{
    for (; types->name; types++)
        if (types->length == length &&
            (memcmp(types->name, text, length) == 0 || strncasecmp(types->name, text, length) == 0))
            return types;
    return NULL;
}

char *tow_ttd_id_type_names(const struct tow_ttd_id_type *types, char *text, size_t size)
{
    size_t used = 0;

    for (const struct tow_ttd_id_type *type = types; type->name && used < size; type++) {
        const char *between = type == types ? "" : type[1].name ? ", " : " or ";

        used += (size_t)snprintf(text + used, size - used, "%s%s", between, type->name);
    }
    return text;
}

char *tow_ttd_shape(const struct tow_ttd_column *column, char text[TOW_TTD_SHAPE_MAX])
{
    const char *name = column->members;
    size_t used;

    text[0] = '\0';
    if (!name)
        return text;
    used = (size_t)snprintf(text, TOW_TTD_SHAPE_MAX, "array<struct<");
    while (*name && used < TOW_TTD_SHAPE_MAX) {
        int length = (int)strcspn(name, " ");

        used += (size_t)snprintf(text + used, TOW_TTD_SHAPE_MAX - used, "%s%.*s: string",
                                 name == column->members ? "" : ", ", length, name);
        name += length + 1;
    }
    if (used < TOW_TTD_SHAPE_MAX)
        snprintf(text + used, TOW_TTD_SHAPE_MAX - used, ">>");
    return text;
}

char *tow_ttd_place(const struct tow_ttd_column *column, char text[TOW_TTD_PLACE_MAX])
{
    snprintf(text, TOW_TTD_PLACE_MAX, "Items[].%s%s", column->in_data ? "Data[]." : "",
             column->kind == TOW_TTD_ID_TYPE ? "<id_type> (its name)"
             : column->member                ? column->member
                                             : "<id_type>");
    return text;
}
