"""What requests and items of the Data API look like, by endpoint. No member besides those named here
is allowed, and null only where an item's member is optional."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def int32(value: Any) -> bool:
    return integer(value) and -(2**31) <= value < 2**31


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def boolean(value: Any) -> bool:
    return isinstance(value, bool)


def moment(value: Any) -> bool:
    """A date-time of RFC 3339; one without a zone is taken, as the API's published clients send it."""
    if not isinstance(value, str) or "T" not in value:
        return False
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(text, value))


def objects(members: set[str]) -> Check:
    """A list of objects with these members, each text or null."""

    def check(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(item, dict)
            and set(item) <= members
            and all(v is None or text(v) for v in item.values())
            for item in value
        )

    return check


def origins(value: Any) -> bool:
    kinds = {"Advertiser", "DataProvider", "Integration", "Onboarder"}
    return isinstance(value, list) and all(
        isinstance(item, dict) and set(item) == {"Id", "Type"} and text(item["Id"]) and item["Type"] in kinds
        for item in value
    )


def request_type(value: Any) -> bool:
    return value in ("OptOut", "Deletion")


IDS = ["TDID", "DAID", "UID2", "UID2Token", "EUID", "EUIDToken", "RampID", "CoreID", "ID5"] + [
    "NetID",
    "FirstID",
    "UtiqID",
    "RealID",
    "MerkuryID",
    "IqviaPPID",
]
CONVERSION_IDS = ["TDID", "DAID", "UID2", "UID2Token", "RampID", "EUID", "EUIDToken"]
CODES = {
    "0": "TDID",
    "1": "DAID",
    "2": "UID2",
    "3": "UID2Token",
    "4": "EUID",
    "5": "EUIDToken",
    "6": "RampID",
}

NAMED: dict[str, Check] = {"Name": text, "TimestampUtc": moment, "TtlInMinutes": int32}
PRICED: dict[str, Check] = {"BaseBidCPM": number, "BaseBidCPMMetadata": text, "BidFactor": number}
CONVERSION = (
    ["TrackingTagId", "DataProviderUserId", "CookieMappingPartnerId", "OrderId", "ImpressionId", "Value"]
    + ["ValueCurrency", "Country", "Region", "Metro", "City", "MerchantId", "EventName"]
    + [f"TD{number}" for number in range(1, 11)]
)


def identities(*more: str) -> dict[str, Check]:
    return dict.fromkeys([*IDS, *more], text)


@dataclass(frozen=True)
class Endpoint:
    name: str  # as towpath's jobs say it
    required: dict[str, Check]  # members of a request besides Items and DataLoadTraceId
    optional: dict[str, Check]
    item: dict[str, Check]  # members of an item besides Data
    data: dict[str, Check] | None = None  # members of an element of Data; None: there is none
    is_deletion: bool = False
    is_conversion: bool = False


ENDPOINTS = {
    "/data/advertiser": Endpoint(
        "advertiser",
        {"AdvertiserId": text},
        {"DataProviderId": text, "DataOrigins": origins},
        identities("CookieMappingPartnerId"),
        {**NAMED, **PRICED},
    ),
    "/data/thirdparty": Endpoint(
        "thirdparty",
        {"DataProviderId": text},
        {"IsUserIdAlreadyHashed": boolean, "DataOrigins": origins},
        identities("CookieMappingPartnerId", "DataProviderUserId"),
        NAMED,
    ),
    "/providerapi/offlineconversion": Endpoint(
        "offlineconversion",
        {"DataProviderId": text},
        {"UserIdArrayMetadataFormat": texts, "DataOrigins": origins},
        {
            **dict.fromkeys([*CONVERSION_IDS, *CONVERSION], text),
            "TimestampUtc": moment,
            "UserIdArray": lambda value: (
                isinstance(value, list) and all(texts(pair) and len(pair) == 2 for pair in value)
            ),
            "LineItems": objects({"item_code", "name", "qty", "price", "cat"}),
            "PrivacySettings": objects({"privacy_type", "is_applicable", "consent_string"}),
        },
        is_conversion=True,
    ),
    "/data/deletion-optout/advertiser": Endpoint(
        "deletion_optout_advertiser",
        {"AdvertiserId": text, "RequestType": request_type},
        {"DataProviderId": text},
        identities(),
        is_deletion=True,
    ),
    "/data/deletion-optout/thirdparty": Endpoint(
        "deletion_optout_thirdparty",
        {"DataProviderId": text, "RequestType": request_type},
        {"BrandId": text},
        identities(),
        is_deletion=True,
    ),
    "/data/deletion-optout/merchant": Endpoint(
        "deletion_optout_merchant",
        {"MerchantId": integer, "RequestType": request_type},
        {},
        identities(),
        is_deletion=True,
    ),
}
