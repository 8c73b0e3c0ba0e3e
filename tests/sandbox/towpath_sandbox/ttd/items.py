"""What may be wrong with an item: an error code of the API and a message, or nothing."""

import re
from collections.abc import Iterable
from typing import Any

from towpath_sandbox.ttd.schema import CODES, CONVERSION_IDS, IDS, Endpoint

UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
HASH = re.compile(r"[A-Za-z0-9+/]{43}=")  # 32 bytes
TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
PLAIN = re.compile(r"[!-~]+")

FORMATS = {
    "TDID": UUID, "DAID": UUID, "UID2": HASH, "EUID": HASH, "UID2Token": TOKEN, "EUIDToken": TOKEN, "ID5": re.compile(r"ID5\*?[!-~]+"),
}  # fmt: skip

NAME_MAX = 256
METADATA_MAX = 256
TTL_MAX = 259_200
USER_IDS_MAX = 20

Problem = tuple[str, str]


def fits(kind: str, value: str) -> bool:
    return FORMATS.get(kind, PLAIN).fullmatch(value) is not None


def _shape(item: Any, endpoint: Endpoint) -> str | None:
    """What keeps an item from being read at all."""
    if not isinstance(item, dict):
        return "it is no object"
    for name, value in item.items():
        if name == "Data" and endpoint.data is not None:
            continue
        check = endpoint.item.get(name)
        if check is None:
            return f"there is no member {name}"
        if value is not None and not check(value):
            return f"{name} has a value of the wrong type"
    return _data_shape(item.get("Data"), endpoint.data) if endpoint.data is not None else None


def _data_shape(data: Any, members: dict[str, Any]) -> str | None:
    if not isinstance(data, list) or not data:
        return "Data is no list with elements"
    for element in data:
        if not isinstance(element, dict) or not isinstance(element.get("Name"), str):
            return "an element of Data has no Name"
        for name, value in element.items():
            if name not in members:
                return f"Data has no member {name}"
            if value is not None and not members[name](value):
                return f"{name} has a value of the wrong type"
    return None


def _data(element: dict[str, Any]) -> Iterable[Problem]:
    ttl, factor, bid = element.get("TtlInMinutes"), element.get("BidFactor"), element.get("BaseBidCPM")
    if len(element["Name"]) > NAME_MAX or not element["Name"]:
        yield "DataNameTooLong", f"Name must have 1 to {NAME_MAX} characters"
    if ttl is not None and not 0 <= ttl <= TTL_MAX:
        yield "InvalidTtlInMinutes", f"TtlInMinutes must be within 0 and {TTL_MAX}"
    if factor is not None and not 0.5 <= factor <= 100:
        yield "InvalidBidFactor", "BidFactor must be within 0.5 and 100"
    if bid is not None and bid < 0:
        yield "InvalidBaseBidCPM", "BaseBidCPM must not be negative"
    if len(element.get("BaseBidCPMMetadata") or "") > METADATA_MAX:
        yield "BaseBidCPMMetadataTooLong", f"BaseBidCPMMetadata must have at most {METADATA_MAX} characters"


def _identity(item: dict[str, Any], is_deletion: bool) -> Iterable[Problem]:
    given = [kind for kind in [*IDS, "DataProviderUserId"] if item.get(kind)]
    if not given:
        yield "InvalidUserId" if is_deletion else "MissingUserId", "no user id is given"
    elif not any(fits(kind, item[kind]) for kind in given):
        yield (
            "InvalidUserId" if is_deletion else "InvalidParameterFormat",
            f"{given[0]} has not the form of one",
        )


def _conversion(item: dict[str, Any]) -> Iterable[Problem]:
    pairs = item.get("UserIdArray") or []
    if not item.get("TrackingTagId"):
        yield "MissingOrInvalidTrackingTagId", "TrackingTagId is missing"
    if not item.get("TimestampUtc"):
        yield "InvalidTimestamp", "TimestampUtc is missing"
    if len(pairs) > USER_IDS_MAX:
        yield "InvalidUserIdTypeOrUserId", f"UserIdArray has more than {USER_IDS_MAX} elements"
    for code, value in pairs:
        if code not in CODES or not fits(CODES[code], value):
            yield "InvalidUserIdTypeOrUserId", f"[{code}, ...] is no user id"
            break
    if not pairs and not item.get("ImpressionId") and not any(item.get(kind) for kind in CONVERSION_IDS):
        yield "MissingOrInvalidTDIDAndImpressionId", "neither user id nor ImpressionId is given"


def problem(item: Any, endpoint: Endpoint) -> Problem | None:
    """The first thing that is wrong."""
    shape = _shape(item, endpoint)
    if shape:
        return "ItemDeserializationError", shape
    found: list[Problem] = []
    if endpoint.is_conversion:
        found += _conversion(item)
    else:
        found += _identity(item, endpoint.is_deletion)
    for element in item.get("Data") or []:
        found += _data(element)
    return found[0] if found else None
