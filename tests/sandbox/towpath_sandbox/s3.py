"""Objects as S3 has them, path style: /s3/bucket/key, signed by Signature Version 4, and lists of them.

Signatures are made anew with botocore and compared."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_plus, unquote
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from towpath_sandbox.databricks.files import write
from towpath_sandbox.databricks.links import ranged
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response, xml_error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
SKEW = 900  # seconds
UNSIGNED = "UNSIGNED-PAYLOAD"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


class Buckets:
    def __init__(self, root: Path, settings: Callable[[], Settings]) -> None:
        self._root = root
        self._settings = settings

    def handle(self, request: Request) -> Response:
        verify(request, self._settings())
        bucket, _, key = unquote(request.path.removeprefix("/s3/")).partition("/")
        if request.method == "GET" and bucket and not key and request.query.get("list-type") == "2":
            return self._list(request, bucket)
        if not bucket or not key or {"", ".", ".."} & set(key.split("/")) or bucket.startswith("."):
            raise xml_error(400, "InvalidURI", "Couldn't parse the specified URI.")
        path = self._root / "s3" / bucket / key
        if request.method == "PUT":
            data_hash = _etag(request.peek_hash("md5"))
            write(path, self._root, request)
            return Response(200, b"", {"ETag": data_hash})
        if request.method == "DELETE":
            if path.is_file():
                path.unlink()
            return Response(204)
        if not path.is_file():
            raise xml_error(404, "NoSuchKey", "The specified key does not exist.")
        data = path.read_bytes()
        headers = {
            "ETag": _etag(hashlib.md5(data).hexdigest()),
            "Content-Type": "binary/octet-stream",
        }
        if request.headers.get("if-match", headers["ETag"]) != headers["ETag"]:
            raise xml_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        if request.method == "HEAD":
            return Response(200, b"", {**headers, "Content-Length": str(len(data))})
        return ranged(request, data, headers)


    def _list(self, request: Request, bucket: str) -> Response:
        """ListObjectsV2: keys in order of their bytes, or what they have in common up to the delimiter."""
        root = self._root / "s3" / bucket
        if bucket.startswith(".") or not root.is_dir():
            raise xml_error(404, "NoSuchBucket", "The specified bucket does not exist")
        query = request.query
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        encode = (lambda key: quote_plus(key, safe="/")) if query.get("encoding-type") == "url" else escape
        found: dict[str, Path | None] = {}
        for path in root.rglob("*"):
            key = path.relative_to(root).as_posix()
            if not path.is_file() or not key.startswith(prefix):
                continue
            rest, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            found[prefix + rest + mark if mark else key] = None if mark else path
        names = sorted(found, key=str.encode)
        after = _untoken(query["continuation-token"]) if "continuation-token" in query else ""
        names = [name for name in names if name.encode() > after.encode()]
        size = min(int(query.get("max-keys", "1000")), self._settings().s3_page)
        page, more = names[:size], len(names) > size
        parts = [f"<Name>{escape(bucket)}</Name><Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"]
        parts.append(f"<MaxKeys>{size}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>")
        if query.get("encoding-type") == "url":
            parts.append("<EncodingType>url</EncodingType>")
        if more:
            parts.append(f"<NextContinuationToken>{_token(page[-1])}</NextContinuationToken>")
        for name in page:
            path = found[name]
            if path is None:
                parts.append(f"<CommonPrefixes><Prefix>{encode(name)}</Prefix></CommonPrefixes>")
                continue
            stamp = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            etag = escape(_etag(hashlib.md5(path.read_bytes()).hexdigest()), {'"': "&quot;"})
            parts.append(
                f"<Contents><Key>{encode(name)}</Key><LastModified>{stamp}</LastModified><ETag>{etag}</ETag>"
                f"<Size>{path.stat().st_size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}">{"".join(parts)}</ListBucketResult>'
        return Response(200, body.encode(), {"Content-Type": "application/xml"})


def _token(name: str) -> str:
    """Opaque to who gets it, and with bytes that a URL must encode."""
    return base64.b64encode(name.encode() + b"\xff").decode()


def _untoken(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True)[:-1].decode()
    except ValueError:
        raise xml_error(400, "InvalidArgument", "The continuation token provided is incorrect") from None


def _etag(digest: str) -> str:
    return f'"{digest}"'


def verify(request: Request, settings: Settings) -> None:
    """Refuses a request whose signature is not that of the settings' keys."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise xml_error(403, "AccessDenied", "Access Denied")
    key, day, region, names, signature = match.groups()
    if key != settings.access_key:
        raise xml_error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )
    if region != settings.region:
        raise xml_error(
            400,
            "AuthorizationHeaderMalformed",
            f"the region '{region}' is wrong; expecting '{settings.region}'",
        )
    stamp = request.headers.get("x-amz-date", "")
    _check_time(stamp, day)
    _check_token(request, settings, names)
    _check_content(request)
    signed = names.split(";")
    if "host" not in signed or any(name not in request.headers for name in signed):
        raise xml_error(403, "SignatureDoesNotMatch", "A signed header did not come.")
    if not hmac.compare_digest(signature, _signature(request, settings, signed, stamp)):
        raise xml_error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )


def _check_time(stamp: str, day: str) -> None:
    try:
        when = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise xml_error(
            403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        ) from None
    if abs((datetime.now(UTC) - when).total_seconds()) > SKEW or not stamp.startswith(day):
        raise xml_error(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )


def _check_token(request: Request, settings: Settings, names: str) -> None:
    if not settings.session_token:
        return
    token = request.headers.get("x-amz-security-token", "")
    if token != settings.session_token or "x-amz-security-token" not in names.split(";"):
        raise xml_error(403, "InvalidToken", "The provided token is malformed or otherwise invalid.")


def _check_content(request: Request) -> None:
    wanted = request.headers.get("x-amz-content-sha256")
    if wanted is None:
        raise xml_error(
            400,
            "MissingSecurityHeader",
            "Missing required header for this request: x-amz-content-sha256",
        )
    if wanted != UNSIGNED and wanted != request.peek_hash("sha256"):
        raise xml_error(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )


def _signature(request: Request, settings: Settings, signed: list[str], stamp: str) -> str:
    credentials = Credentials(settings.access_key, settings.secret_key, settings.session_token or None)
    auth = S3SigV4Auth(credentials, "s3", settings.region)
    url = f"http://{request.headers['host']}{request.path}" + (
        f"?{request.raw_query}" if request.raw_query else ""
    )
    again = AWSRequest(request.method, url, {name: request.headers[name] for name in signed})
    again.context["timestamp"] = stamp
    return str(auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again))
