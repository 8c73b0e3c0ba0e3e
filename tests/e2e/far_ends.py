"""Every connector that has a secret and speaks TLS: a small job for each, and the sandbox with something for it."""

import os

import pytest
from helpers import columns
from sandbox import sandbox, sandbox_process  # noqa: F401

QUICK = '  retry = { base = "1ms"; cap = "20ms"; budget = "5s"; tries = 3; };\n'
LAKE = 'plugin = "databricks_copy"; table = "main.crm.{}"; stage = "/Volumes/main/crm/stage"; token = "${{env:LAKE_TOKEN}}";'
LYTICS = 'token = "${env:LYTICS_TOKEN}"; api_url = "${env:LYTICS_API_URL}"; rate_wait = "1ms";'
# Each connector that has a secret: source, sink, columns.
CONNECTORS = {
    "databricks": ('plugin = "databricks"; table = "main.crm.people"; token = "${env:LAKE_TOKEN}";', None, ""),
    "databricks_copy": (None, LAKE.format("copied"), columns('name = "id"; type = "int64"', 'name = "name"')),
    "lytics": (
        None,
        f'plugin = "lytics"; {LYTICS} bulk_url = "${{env:LYTICS_BULK_URL}}"; stream = "s"; timestamp_field = "";',
        "",
    ),
    "lytics_audience": (f'plugin = "lytics_audience"; audience = "vip"; {LYTICS}', None, ""),
    "lytics_audience_changes": (
        'plugin = "lytics_audience_changes"; mode = "poll_diff"; audiences = ["vip"]; id_field = "email"; existing_users = true;'
        f' spool = "spool"; {LYTICS}',
        None,
        "",
    ),
    "lytics_metrics": (f'plugin = "lytics_metrics"; dimension = "segment"; dimension_type = "size"; settle = "0s"; {LYTICS}', None, ""),
    "lytics_system_events": (f'plugin = "lytics_system_events"; {LYTICS}', None, ""),
    "ttd": (
        None,
        'plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "adv"; server_url = "${env:TTD_URL}"; token = "${env:TTD_TOKEN}";',
        columns('name = "id_type"; value = "TDID"', 'name = "id_value"; from = "name"', 'name = "segment_name"; value = "s"'),
    ),
    "zerobus": (
        None,
        'plugin = "zerobus"; endpoint = "${env:ZEROBUS_URL}"; workspace_id = "1"; table = "main.crm.people"; proxy = "";'
        ' client_id = "${env:CLIENT_ID}"; client_secret = "${env:CLIENT_SECRET}";',
        columns('name = "id"; type = "int64"', 'name = "name"'),
    ),
    "events": (
        'plugin = "events"; path = "s3://events/a.ndjson"; aws_endpoint = "${env:S3_URL}";',
        None,
        "",
    ),
}


# The variables that lead each connector to its far end.
WAYS = {
    "databricks": ["DATABRICKS_HOST"],
    "databricks_copy": ["DATABRICKS_HOST"],
    "lytics": ["LYTICS_API_URL", "LYTICS_BULK_URL"],
    "lytics_audience": ["LYTICS_API_URL"],
    "lytics_audience_changes": ["LYTICS_API_URL"],
    "lytics_metrics": ["LYTICS_API_URL"],
    "lytics_system_events": ["LYTICS_API_URL"],
    "ttd": ["TTD_URL"],
    "zerobus": ["ZEROBUS_URL"],
    "events": ["S3_URL"],
}
# With sanitizers, where a run takes ten times as long: one for each way to speak HTTP.
if "address" in os.environ.get("SANITIZERS", ""):
    WAYS = {name: WAYS[name] for name in ("databricks", "zerobus", "events")}


def put_event(far):
    session = pytest.importorskip("botocore.session")
    config = pytest.importorskip("botocore.config")
    client = session.Session().create_client(
        "s3",
        endpoint_url=far.s3_endpoint,
        region_name=far.region,
        aws_access_key_id=far.access_key,
        aws_secret_access_key=far.secret_key,
        config=config.Config(s3={"addressing_style": "path"}, proxies={}, request_checksum_calculation="when_required"),
    )
    client.put_object(Bucket="events", Key="a.ndjson", Body=b'{"id": 1}\n')


def secrets(far):
    return [far.token, far.secret_key, far.ttd_token, far.lytics_token, far.client_secret, "X-Amz-Signature="]


@pytest.fixture
def far(tow, sandbox):  # noqa: F811
    """The sandbox with a little of everything."""
    tow.env.update(sandbox.env(), S3_URL=sandbox.s3_endpoint)
    # Given by name: with both in the environment, zerobus could not tell how to log in.
    tow.env["LAKE_TOKEN"] = tow.env.pop("DATABRICKS_TOKEN")
    tow.env.update(ZEROBUS_URL=sandbox.zerobus_url, CLIENT_ID=sandbox.client_id, CLIENT_SECRET=sandbox.client_secret)
    tow.write("in.csv", "id,name\n1,Ann\nx,Bob\n")
    sandbox.sql("CREATE TABLE main.crm.people (id BIGINT, name STRING)")
    sandbox.sql("INSERT INTO main.crm.people VALUES (1, 'Ann'), (2, 'Bob')")
    sandbox.seed(
        segments=[{"id": "a1b2c3", "slug_name": "vip", "members": [{"_id": "u1", "email": "1@example.com"}]}],
        fields=[{"id": "_id", "type": "string", "is_identifier": True}, {"id": "email", "type": "string"}],
    )
    put_event(sandbox)
    yield sandbox
    sandbox.faults([])
