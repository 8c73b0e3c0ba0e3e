"""The Data API, driven by the client that The Trade Desk publishes, and by hand where that cannot."""

import importlib
import json
import os

import pytest

if os.environ.get("TOWPATH_SANDBOX") != "required":
    pytest.importorskip("ttd_data")
ttd_data = importlib.import_module("ttd_data")
errors = importlib.import_module("ttd_data.errors")

UUID = "0b1e5c9a-7d42-4f7b-9a34-5e2d1c8f6a10"
HASH = "GtlPJu9fZpjDUEnmdSjqAhYKmuzIzhkauHEdgBdhruQ="


class Caller:
    """The published client, with every call sent to the sandbox."""

    CALLS = {
        "advertiser": ("advertiser", "ingest_advertiser_data"),
        "thirdparty": ("third_party", "ingest_third_party_data"),
        "offlineconversion": ("offline_conversion", "ingest_offline_conversion_data"),
        "deletion_optout_advertiser": ("deletion_opt_out", "data_subject_request_advertiser_data"),
        "deletion_optout_thirdparty": ("deletion_opt_out", "data_subject_request_third_party_data"),
        "deletion_optout_merchant": ("deletion_opt_out", "data_subject_request_merchant_data"),
    }
    CONTEXT = {
        "advertiser": {"advertiser_id": "a"},
        "thirdparty": {"data_provider_id": "dp"},
        "offlineconversion": {"data_provider_id": "dp"},
        "deletion_optout_advertiser": {"advertiser_id": "a", "request_type": "OptOut"},
        "deletion_optout_thirdparty": {"data_provider_id": "dp", "request_type": "Deletion"},
        "deletion_optout_merchant": {"merchant_id": 7, "request_type": "OptOut"},
    }

    def __init__(self, sandbox, token=None):
        self.url = sandbox.url
        self.client = ttd_data.DataClient(ttd_auth=token or sandbox.ttd_token)

    def __call__(self, endpoint, items, **context):
        """The failed lines: {item number: error code}."""
        group, name = self.CALLS[endpoint]
        call = getattr(getattr(self.client, group), name)
        answer = call(**{**self.CONTEXT[endpoint], **context}, items=items, server_url=self.url)
        (part,) = [value for key, value in answer if key.endswith("_response")]
        return {int(line.item_number): line.error_code.value for line in part.failed_lines or []}


@pytest.fixture
def call(sandbox):
    return Caller(sandbox)


def item(name="s", **members):
    return {"data": [{"name": name, **members}], "tdid": UUID}


def test_all_six_endpoints_take_sound_items(sandbox, call):
    assert call("advertiser", [item(), {**item(), "tdid": None, "uid2": HASH}]) == {}
    assert call("thirdparty", [item()], is_user_id_already_hashed=True) == {}
    conversion = {
        "tracking_tag_id": "t",
        "timestamp_utc": "2024-01-15T12:00:00Z",
        "user_id_array": [["0", UUID], ["2", HASH]],
        "line_items": [{"item_code": "a", "qty": "1"}],
        "privacy_settings": [{"privacy_type": "GDPR", "is_applicable": "true"}],
    }
    assert call("offlineconversion", [conversion], user_id_array_metadata_format=["type", "id"]) == {}
    for endpoint in ("deletion_optout_advertiser", "deletion_optout_thirdparty", "deletion_optout_merchant"):
        assert call(endpoint, [{"daid": UUID}]) == {}
    taken = sandbox.ttd()
    assert taken["requests"] == 6
    assert [entry["endpoint"] for entry in taken["items"]] == ["advertiser", *Caller.CALLS]
    assert all(entry["error_code"] is None for entry in taken["items"])
    assert taken["items"][3]["item"]["UserIdArray"] == [["0", UUID], ["2", HASH]]


@pytest.mark.parametrize(
    "members, code",
    [
        ({"name": "x" * 256}, None),
        ({"name": "x" * 257}, "DataNameTooLong"),
        ({"ttl_in_minutes": 0}, None),
        ({"ttl_in_minutes": 259_200}, None),
        ({"ttl_in_minutes": 259_201}, "InvalidTtlInMinutes"),
        ({"ttl_in_minutes": -1}, "InvalidTtlInMinutes"),
        ({"bid_factor": 0.5}, None),
        ({"bid_factor": 0.4}, "InvalidBidFactor"),
        ({"bid_factor": 101.0}, "InvalidBidFactor"),
        ({"base_bid_cpm": -1.0}, "InvalidBaseBidCPM"),
        ({"base_bid_cpm_metadata": "x" * 257}, "BaseBidCPMMetadataTooLong"),
    ],
)
def test_values_have_bounds(call, members, code):
    found = call("advertiser", [item(), item(**members)])
    assert found == ({2: code} if code else {})


@pytest.mark.parametrize(
    "kind, value, code",
    [
        ("tdid", "not-a-uuid", "InvalidParameterFormat"),
        ("uid2", "short", "InvalidParameterFormat"),
        ("ramp_id", "XY1005wXyWPB1SgpMUKIpzA0I3UaLEz", None),
        ("ramp_id", "two words", "InvalidParameterFormat"),
        ("real_id", "r-1", None),
        ("tdid", "", "MissingUserId"),
        ("tdid", None, "MissingUserId"),
    ],
)
def test_ids_have_a_form(call, kind, value, code):
    found = call("advertiser", [{"data": [{"name": "s"}], kind: value}])
    assert found == ({1: code} if code else {})


def test_deletions_say_invalid_user_id(call):
    assert call("deletion_optout_advertiser", [{"tdid": "x"}, {"tdid": UUID}]) == {1: "InvalidUserId"}


@pytest.mark.parametrize(
    "members, code",
    [
        ({"user_id_array": [["0", "x"]]}, "InvalidUserIdTypeOrUserId"),
        ({"user_id_array": [["9", UUID]]}, "InvalidUserIdTypeOrUserId"),
        ({"user_id_array": [["0", UUID]] * 21}, "InvalidUserIdTypeOrUserId"),
        ({"user_id_array": [["0", UUID]] * 20}, None),
        ({"impression_id": "i"}, None),
        ({}, "MissingOrInvalidTDIDAndImpressionId"),
        ({"impression_id": "i", "tracking_tag_id": ""}, "MissingOrInvalidTrackingTagId"),
    ],
)
def test_conversions_are_looked_at(call, members, code):
    conversion = {"tracking_tag_id": "t", "timestamp_utc": "2024-01-15T12:00:00Z", **members}
    assert call("offlineconversion", [conversion]) == ({1: code} if code else {})


def test_tokens_are_checked(sandbox, call):
    with pytest.raises(errors.APIError) as error:
        Caller(sandbox, "wrong")("advertiser", [item()])
    assert error.value.status_code == 401
    sandbox.set(ttd_allowed=False)
    with pytest.raises(errors.APIError) as error:
        call("advertiser", [item()])
    assert error.value.status_code == 403
    assert sandbox.ttd()["items"] == []


def test_a_request_without_items_or_merchant_is_no_request(call):
    with pytest.raises(errors.DataError) as error:
        call("advertiser", [])
    assert error.value.status_code == 400
    assert "Items attribute must be a non-empty list." in error.value.body
    with pytest.raises(errors.DataError) as error:
        call("deletion_optout_merchant", [{"tdid": UUID}], merchant_id=0)
    assert error.value.status_code == 400


def test_a_request_has_a_limit_of_bytes(sandbox, call):
    sandbox.set(ttd_max_bytes=500)
    assert call("advertiser", [item()]) == {}
    with pytest.raises(errors.APIError) as error:
        call("advertiser", [item()] * 10)
    assert error.value.status_code == 413


# ---- by hand ------------------------------------------------------------------------------------


def post(sandbox, path, body, **headers):
    headers = {"TTD-Auth": sandbox.ttd_token, "Content-Type": "application/json", **headers}
    status, _, data = sandbox.request("POST", path, body, headers, login=False)
    return status, data


@pytest.mark.parametrize(
    "body, words",
    [
        (b"{", b"no JSON"),
        (b"[]", b"must be an object"),
        (b'{"Items":[{}]}', b"AdvertiserId is required"),
        (b'{"AdvertiserId":"a","Items":null}', b"non-empty list"),
        (b'{"AdvertiserId":"a","Items":[{}],"Extra":1}', b"no member Extra"),
        (b'{"AdvertiserId":1,"Items":[{}]}', b"AdvertiserId has a value"),
        (
            b'{"AdvertiserId":"a","Items":[{}],"DataOrigins":[{"Id":"x","Type":"Reseller"}]}',
            b"DataOrigins has a value",
        ),
    ],
)
def test_bodies_that_are_no_request_are_refused_as_a_whole(sandbox, body, words):
    status, answer = post(sandbox, "/data/advertiser", body)
    assert status == 400 and words in answer


@pytest.mark.parametrize(
    "broken",
    [
        7,
        {},
        {"TDID": UUID},
        {"TDID": UUID, "Data": []},
        {"TDID": UUID, "Data": [{"Name": None}]},
        {"TDID": UUID, "Data": [{"Name": "s"}], "Email": "a@b.co"},
        {"TDID": 1, "Data": [{"Name": "s"}]},
        {"TDID": UUID, "Data": [{"Name": "s", "TtlInMinutes": "1440"}]},
        {"TDID": UUID, "Data": [{"Name": "s", "TtlInMinutes": 2**31}]},
        {"TDID": UUID, "Data": [{"Name": "s", "TimestampUtc": "yesterday"}]},
    ],
)
def test_items_that_cannot_be_read_are_told_one_by_one(sandbox, broken):
    good = {"TDID": UUID, "Data": [{"Name": "s", "TimestampUtc": "2024-01-15T12:00:00.000001Z"}]}
    status, answer = post(sandbox, "/data/advertiser", {"AdvertiserId": "a", "Items": [good, broken, good]})
    (line,) = json.loads(answer)["FailedLines"]
    assert (status, line["ItemNumber"], line["ErrorCode"]) == (200, "2", "ItemDeserializationError")
    assert "item #2" in line["Message"]


def test_faults_come_before_or_after_items_are_taken(sandbox):
    body = {"AdvertiserId": "a", "Items": [{"TDID": UUID, "Data": [{"Name": "s"}]}]}
    sandbox.faults(
        [
            {"do": "answer", "path": "^/data/", "status": 429, "retry_after": "3", "body": "", "times": 1},
            {
                "do": "answer",
                "path": "^/data/",
                "status": 500,
                "body": "boom",
                "point": "after",
                "skip": 1,
                "times": 1,
            },
        ]
    )
    assert post(sandbox, "/data/advertiser", body)[0] == 429
    assert len(sandbox.ttd()["items"]) == 0
    assert post(sandbox, "/data/advertiser", body) == (500, b"boom")
    assert len(sandbox.ttd()["items"]) == 1
    assert post(sandbox, "/data/advertiser", body)[0] == 200
