"""Who may call: personal access token, OAuth tokens of the service principal."""

import base64
import binascii
import secrets
import time
from urllib.parse import parse_qsl

from towpath_sandbox.databricks.errors import refuse
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import HttpError, Request, Response, json_response


class Login:
    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}  # when they end
        self._details: dict[str, str] = {}  # authorization_details that they were asked for with

    def check(self, request: Request, settings: Settings) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _denied(401, "Credential was not sent or was of an unsupported type for this API.")
        if secrets.compare_digest(token.encode(), settings.token.encode()):
            return
        if token not in self._tokens:
            raise _denied(403, "Invalid access token.")
        if time.monotonic() >= self._tokens[token]:
            raise refuse(401, "UNAUTHENTICATED", "Token is expired. To continue, get a new one.")

    def is_valid(self, token: str) -> bool:
        return time.monotonic() < self._tokens.get(token, 0.0)

    def details(self, token: str) -> str:
        return self._details.get(token, "")

    def expire(self) -> None:
        """Ends all OAuth tokens."""
        self._tokens = dict.fromkeys(self._tokens, 0.0)

    def token(self, request: Request, settings: Settings) -> Response:
        form = dict(parse_qsl(request.read().decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            raise _oauth(400, "unsupported_grant_type", f"grant_type {form.get('grant_type')!r}")
        if _basic(request, form) != (settings.client_id, settings.client_secret):
            raise _oauth(401, "invalid_client", "Client authentication failed")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + settings.token_seconds
        self._details[token] = form.get("authorization_details", "")
        return json_response(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(settings.token_seconds),
                "scope": form.get("scope", "all-apis"),
            }
        )


def _basic(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _oauth(401, "invalid_client", "Basic authentication is not base64") from None
    return name, secret


def _denied(status: int, message: str) -> HttpError:
    return refuse(status, status, message, {"x-databricks-reason-phrase": message})


def _oauth(status: int, error: str, description: str) -> HttpError:
    return HttpError(json_response({"error": error, "error_description": description}, status))


def discovery(base: str) -> Response:
    return json_response(
        {
            "issuer": f"{base}/oidc",
            "token_endpoint": f"{base}/oidc/v1/token",
            "authorization_endpoint": f"{base}/oidc/v1/authorize",
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["all-apis", "sql", "email", "offline_access", "openid", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
    )


def host_metadata(base: str) -> Response:
    """What clients ask a host first."""
    return json_response({"oidc_endpoint": f"{base}/oidc", "workspace_id": WORKSPACE_ID, "cloud": "AWS"})


WORKSPACE_ID = "5034730000000000"
