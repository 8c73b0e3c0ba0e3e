"""Objects as S3 has them, path style: /s3/bucket/key, signed by Signature Version 4.

Signatures are made anew with botocore and compared."""

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from towpath_sandbox.databricks.files import write
from towpath_sandbox.databricks.links import ranged
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response, xml_error

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
        if request.method == "HEAD":
            return Response(200, b"", {**headers, "Content-Length": str(len(data))})
        return ranged(request, data, headers)


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
