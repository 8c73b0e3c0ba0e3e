"""Files API, and buckets."""

import json
import urllib.request

import pytest
from sandbox import need_modules

need_modules()

import botocore.config  # noqa: E402
import botocore.exceptions  # noqa: E402
import botocore.session  # noqa: E402

VOLUME = "/Volumes/main/crm/stage"


def files(sandbox, method, path, body=None, headers=None):
    return sandbox.request(method, f"/api/2.0/fs/files{VOLUME}{path}", body, headers)


def folders(sandbox, method, path):
    return sandbox.request(method, f"/api/2.0/fs/directories{VOLUME}{path}")


def test_a_file_comes_back_as_it_was_put(sandbox):
    data = bytes(range(256)) * 5000
    assert files(sandbox, "PUT", "/a/b%20c.bin?overwrite=true", data)[0] == 204
    assert files(sandbox, "GET", "/a/b%20c.bin")[2] == data
    status, headers, body = files(sandbox, "HEAD", "/a/b%20c.bin")
    assert (status, headers["Content-Length"], body) == (200, str(len(data)), b"")
    assert (sandbox.folder() / "Volumes/main/crm/stage/a/b c.bin").read_bytes() == data


def test_a_part_of_a_file(sandbox):
    files(sandbox, "PUT", "/f?overwrite=true", b"0123456789")
    status, headers, body = files(sandbox, "GET", "/f", headers={"Range": "bytes=2-4"})
    assert (status, headers["Content-Range"], body) == (206, "bytes 2-4/10", b"234")
    assert files(sandbox, "GET", "/f", headers={"Range": "bytes=8-"})[2] == b"89"
    assert files(sandbox, "GET", "/f", headers={"Range": "bytes=-3"})[2] == b"789"
    assert files(sandbox, "GET", "/f", headers={"Range": "bytes=10-"})[0] == 416


def test_without_overwrite_a_file_that_is_there_is_a_conflict(sandbox):
    assert files(sandbox, "PUT", "/f", b"1")[0] == 204
    status, _, body = files(sandbox, "PUT", "/f", b"2")
    assert (status, json.loads(body)["error_code"]) == (409, "ALREADY_EXISTS")
    assert files(sandbox, "PUT", "/f?overwrite=true", b"2")[0] == 204
    assert files(sandbox, "GET", "/f")[2] == b"2"


def test_a_file_that_is_not_there_is_404(sandbox):
    for method in ("GET", "HEAD", "DELETE"):
        assert files(sandbox, method, "/absent")[0] == 404
    files(sandbox, "PUT", "/f", b"1")
    assert files(sandbox, "DELETE", "/f")[0] == 204
    assert files(sandbox, "GET", "/f")[0] == 404


def test_folders_are_made_listed_in_pages_and_removed_when_empty(sandbox):
    assert folders(sandbox, "GET", "/d")[0] == 404
    assert folders(sandbox, "PUT", "/d/e")[0] == folders(sandbox, "PUT", "/d/e")[0] == 204
    for name in "xyz":
        files(sandbox, "PUT", f"/d/{name}", b"1")
    names, token = [], ""
    for _ in range(2):
        page = json.loads(folders(sandbox, "GET", f"/d?page_size=2&page_token={token}")[2])
        names += [(item["name"], item["is_directory"], item.get("file_size")) for item in page["contents"]]
        token = page.get("next_page_token", "")
    assert names == [("e", True, None), ("x", False, 1), ("y", False, 1), ("z", False, 1)]
    assert token == ""
    assert folders(sandbox, "DELETE", "/d")[0] == 400
    assert folders(sandbox, "DELETE", "/d/e")[0] == 204


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/fs/files/Volumes/main/crm",
        "/api/2.0/fs/files/tmp/x",
        "/api/2.0/fs/files/Volumes/a/b/c/%2e%2e/x",
    ],
)
def test_paths_outside_of_volumes_are_refused(sandbox, path):
    assert sandbox.request("GET", path)[0] == 400


def test_with_strict_names_a_volume_must_have_been_made(sandbox):
    sandbox.set(strict_names=True)
    status, _, body = files(sandbox, "PUT", "/f", b"1")
    assert status == 404 and b"does not exist" in body or b"cannot be found" in body
    sandbox.sql("CREATE SCHEMA main.crm")
    sandbox.sql("CREATE VOLUME main.crm.stage")
    assert files(sandbox, "PUT", "/f", b"1")[0] == 204


def test_a_body_of_unknown_length_is_taken(sandbox):
    request = urllib.request.Request(
        f"{sandbox.url}/api/2.0/fs/files{VOLUME}/f",
        data=iter([b"ab", b"cd"]),
        headers={"Authorization": f"Bearer {sandbox.token}", "Transfer-Encoding": "chunked"},
        method="PUT",
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        assert answer.status == 204
    assert sandbox.get(f"{VOLUME}/f") == b"abcd"


# -- buckets ---------------------------------------------------------------------------------------


def client(sandbox, monkeypatch, **changes):
    """botocore's own client, with everything said so that it looks nothing up."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    given = {
        "endpoint_url": sandbox.s3_endpoint,
        "region_name": sandbox.region,
        "aws_access_key_id": sandbox.access_key,
        "aws_secret_access_key": sandbox.secret_key,
        "config": botocore.config.Config(
            s3={"addressing_style": "path"},
            proxies={},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
        ),
        **changes,
    }
    return botocore.session.Session().create_client("s3", **given)


def test_a_signed_object_is_taken_given_and_removed(sandbox, monkeypatch):
    s3 = client(sandbox, monkeypatch)
    s3.put_object(Bucket="bucket", Key="run/p 1+ü.csv", Body=b"1,a\n")
    assert s3.get_object(Bucket="bucket", Key="run/p 1+ü.csv")["Body"].read() == b"1,a\n"
    assert s3.head_object(Bucket="bucket", Key="run/p 1+ü.csv")["ContentLength"] == 4
    s3.delete_object(Bucket="bucket", Key="run/p 1+ü.csv")
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="bucket", Key="run/p 1+ü.csv")


def test_keys_are_listed_page_by_page_and_by_what_they_have_in_common(sandbox, monkeypatch):
    sandbox.set(s3_page=2)
    s3 = client(sandbox, monkeypatch)
    keys = ["a/1", "a/2+ ü&", "a/b/3", "a/b/4", "c", "é"]
    for key in keys:
        s3.put_object(Bucket="listed", Key=key, Body=b"1")
    pages = s3.get_paginator("list_objects_v2").paginate
    found = [entry for page in pages(Bucket="listed") for entry in page["Contents"]]
    assert [entry["Key"] for entry in found] == keys
    assert all(entry["Size"] == 1 and entry["ETag"].startswith('"') for entry in found)
    page = s3.list_objects_v2(Bucket="listed", Prefix="a/", Delimiter="/", MaxKeys=1000)
    assert page["IsTruncated"] and [entry["Key"] for entry in page["Contents"]] == ["a/1", "a/2+ ü&"]
    page = s3.list_objects_v2(Bucket="listed", Prefix="a/", Delimiter="/", ContinuationToken=page["NextContinuationToken"])
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["a/b/"] and not page["IsTruncated"]
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket="nowhere")
    with pytest.raises(botocore.exceptions.ClientError, match="PreconditionFailed"):
        s3.get_object(Bucket="listed", Key="c", IfMatch='"other"')


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "AKIAWRONG"}, "InvalidAccessKeyId"),
        ({"region_name": "eu-west-1"}, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_signature_by_other_keys_is_refused(sandbox, monkeypatch, changes, code):
    with pytest.raises(botocore.exceptions.ClientError, match=code):
        client(sandbox, monkeypatch, **changes).put_object(Bucket="bucket", Key="x", Body=b"1")


def test_a_session_token_is_asked_for_where_it_is_set(sandbox, monkeypatch):
    sandbox.set(session_token="session")
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidToken"):
        client(sandbox, monkeypatch).put_object(Bucket="bucket", Key="x", Body=b"1")
    client(sandbox, monkeypatch, aws_session_token="session").put_object(Bucket="bucket", Key="x", Body=b"1")


def test_a_body_that_was_changed_on_the_way_is_refused(sandbox):
    status, _, body = sandbox.request("PUT", "/s3/bucket/x", b"1", login=False)
    assert status == 403 and b"AccessDenied" in body


def test_copy_into_reads_a_bucket_with_its_keys(sandbox, monkeypatch):
    client(sandbox, monkeypatch).put_object(Bucket="bucket", Key="run/p.csv", Body=b"1\n")
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT)")
    keys = f"AWS_ACCESS_KEY='{sandbox.access_key}', AWS_SECRET_KEY='{sandbox.secret_key}'"
    text = (
        "COPY INTO main.crm.t FROM (SELECT CAST(_c0 AS BIGINT) AS id FROM 's3://bucket/run/' "
        f"WITH (CREDENTIAL ({keys}))) FILEFORMAT = CSV FILES = ('p.csv')"
    )
    assert sandbox.sql(text) == [["1", "1", "0"]]
    assert sandbox.sql(text.replace("s3://", "s3a://")) == [["0", "0", "0"]]
