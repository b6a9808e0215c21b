"""Requests and responses of the HTTP API (payload format 2.0), for every function behind it.

The query string and the body are read from the event itself: API Gateway joins repeated parameters with
commas, which also stand inside ``query={…}``.
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from formrelay.api.codings import decoded
from formrelay.errors import CHALLENGE, ApiError, detail
from formrelay.json_text import compact, strict
from formrelay.openrosa import markup

JSON = "application/json"
XML = "application/xml; charset=utf-8"
XML_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
MAX_FIELDS = 1_000
# What Lambda can answer at once, after base64.
MAX_BODY = 4_400_000
_COMPRESS_FROM = 2_000
# Lambda hands answers on as JSON, whose escapes lengthen text; longer text travels as base64, whose length is known.
_AS_TEXT_UP_TO = 1_000_000
_REFUSED = re.compile(r"q=0(\.0*)?")
# What a caller may say of its own origin; links, redirects and mails are made of it.
_HOST = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+){0,8}")

Event = Mapping[str, Any]


class Request:
    """One HTTP request. ``path`` has no stage, no doubled slashes, no slash at its end and no format suffix."""

    def __init__(self, event: Event) -> None:
        self._event = event
        context = event["requestContext"]
        self.method: str = context["http"]["method"].upper()
        self.address: str = context["http"].get("sourceIp", "")
        self.headers: Mapping[str, str] = {
            k.lower(): _clean(v) for k, v in (event.get("headers") or {}).items()
        }
        self._stage = context.get("stage", "$default")
        self.raw_path = self._without_stage(_clean(event.get("rawPath", "/")))
        self.path, self.suffix = split_suffix(clean_path(self.raw_path))
        self.accepted = ""
        """The format that the caller accepts, of those that its route has; empty where that is the usual one."""

    def _without_stage(self, path: str) -> str:
        prefix = f"/{self._stage}"
        if self._stage != "$default" and (path == prefix or path.startswith(prefix + "/")):
            return path[len(prefix) :] or "/"
        return path

    @cached_property
    def base_url(self) -> str:
        """Origin of the caller with the stage or proxy prefix, no slash at the end: ``https://kf.example.org``."""
        host = self.headers.get("host", "")
        if not _HOST.fullmatch(host):
            host = self._event["requestContext"].get("domainName", "")
        proto = self.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
        prefix = self.headers.get("x-forwarded-prefix", "").rstrip("/")
        if self._stage != "$default":
            prefix = f"/{self._stage}"
        elif not _PREFIX.fullmatch(prefix):
            prefix = ""
        return f"{'http' if proto == 'http' else 'https'}://{host}{prefix}"

    @property
    def url(self) -> str:
        """Absolute URL of the path as it was asked for, without query."""
        return self.base_url + quote(self.raw_path, safe="/%:@!$&'()*+,;=~")

    @cached_property
    def query(self) -> dict[str, str]:
        """Query parameters, decoded; of a repeated one the last counts (contract accounts §6.2).

        The gateway bounds their number: it takes 10,240 bytes of request line and headers.
        """
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def raw_query(self) -> str:
        return _clean(self._event.get("rawQueryString") or "")

    @property
    def format(self) -> str:
        """The format asked for: suffix before ``?format=`` before :attr:`accepted`, else empty."""
        return self.suffix or self.query.get("format", "") or self.accepted

    @property
    def content_type(self) -> str:
        """Media type of the body, lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def takes_gzip(self) -> bool:
        """Whether the caller can read a gzipped answer."""
        for part in self.headers.get("accept-encoding", "").lower().split(","):
            coding, _, weight = part.partition(";")
            if coding.strip() == "gzip":
                return not _REFUSED.fullmatch(weight.strip())
        return False

    @cached_property
    def body(self) -> bytes:
        """The body as bytes, whether or not the gateway encoded it or the client compressed it.

        Raises ApiError 400, 413 or 415 for one that cannot be decompressed.
        """
        body = self._event.get("body") or ""
        is_base64 = self._event.get("isBase64Encoded")
        raw = base64.b64decode(body) if is_base64 else _clean(body).encode()
        return decoded(raw, self.headers.get("content-encoding", ""))

    def data(self) -> dict[str, Any]:
        """The body's fields: JSON object, form or multipart (files as :class:`~formrelay.openrosa.multipart.Part`).

        No body is no fields. Raises ApiError 400 or 415.
        """
        if not self.body:
            return {}
        if self.content_type in ("", JSON):
            value = parse_json(self.body)
            if not isinstance(value, dict):
                raise ApiError(400, {"non_field_errors": ["Invalid data. Expected a dictionary."]})
            return value
        return dict(self._form())

    def values(self, name: str) -> list[str]:
        """All values of a field of a form, of which :meth:`data` has the last one; none where the body is no form.

        Raises ApiError 400 or 415.
        """
        if not self.body or self.content_type in ("", JSON):
            return []
        return [value for key, value in self._form() if key == name and isinstance(value, str)]

    def _form(self) -> list[tuple[str, Any]]:
        if self.content_type == "application/x-www-form-urlencoded":
            return self._urlencoded()
        if self.content_type == "multipart/form-data":
            return self._multipart()
        raise detail(415, f'Unsupported media type "{self.content_type}" in request.')

    def _urlencoded(self) -> list[tuple[str, Any]]:
        try:
            return list(parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError as error:
            raise detail(400, f"Malformed form - {error}") from None

    def _multipart(self) -> list[tuple[str, Any]]:
        from formrelay.openrosa.errors import MultipartError
        from formrelay.openrosa.multipart import parse

        try:
            parts = parse(self.headers["content-type"], self.body)
            return [
                (part.name, part if part.filename is not None else bytes(part.data).decode())
                for part in parts
            ]
        except (MultipartError, UnicodeDecodeError) as error:
            reason = error.message if isinstance(error, MultipartError) else error
            raise detail(400, f"Multipart form parse error - {reason}") from None


def _clean(text: str) -> str:
    """The text without halves of surrogate pairs, which nothing could store or answer."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def parse_json(text: bytes | str) -> Any:
    """JSON with bounded depth, no NaN, no half of a surrogate pair. Raises ApiError 400 ``JSON parse error - …``."""
    try:
        return strict(text)
    except ValueError as error:
        raise detail(400, f"JSON parse error - {error}") from None


SUFFIXES = ("json", "xml", "geojson", "csv", "xlsx", "xls", "ssjson", "yaml")


def clean_path(path: str) -> str:
    """Decoded, one slash for several, none at the end."""
    parts = [part for part in unquote(path, errors="replace").split("/") if part]
    return "/" + "/".join(parts)


def split_suffix(path: str) -> tuple[str, str]:
    """``/api/v2/assets.json`` → ``("/api/v2/assets", "json")``; only known suffixes are cut off."""
    stem, dot, suffix = path.rpartition(".")
    if dot and suffix in SUFFIXES and not stem.endswith("/"):
        return stem, suffix
    return path, ""


@dataclass
class Response:
    """What is answered. ``body`` is bytes; text types travel as text, everything else as base64."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def event(self, request: Request | None = None) -> dict[str, Any]:
        """The answer as Lambda hands it to API Gateway."""
        headers = {k.lower(): v for k, v in self.headers.items()}
        if self.status == 401:
            headers.setdefault("www-authenticate", CHALLENGE)
        headers.setdefault("x-content-type-options", "nosniff")
        if headers.get("content-type", "").partition(";")[0].endswith(("xml", "html")):
            headers.setdefault("content-security-policy", _INERT)
        answer: dict[str, Any] = {"statusCode": self.status, "headers": headers}
        if request is not None and request.method == "HEAD":
            return {**answer, "body": ""}
        is_text = _is_text(headers.get("content-type", "")) and "content-encoding" not in headers
        if is_text and len(self.body) <= _AS_TEXT_UP_TO:
            with suppress(UnicodeDecodeError):
                return {**answer, "body": self.body.decode()}
        return {**answer, "body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    def compressed(self, request: Request) -> Response:
        """The same answer, gzipped where it is long text and the caller takes that."""
        if len(self.body) < _COMPRESS_FROM or not _is_text(self.content_type) or not request.takes_gzip:
            return self
        headers = {**self.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(self.status, gzip.compress(self.body, 5, mtime=0), headers)


# Browsers run scripts in XML and SVG, too, and what people submitted or uploaded must not run as a page of ours.
_INERT = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0]
    return not kind or kind.startswith("text/") or kind.endswith(("json", "xml", "yaml"))


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = compact(value).encode()
    return Response(status, body, {"Content-Type": JSON, **(headers or {})})


def no_content() -> Response:
    return Response(204)


def preflight(request: Request) -> Response | None:
    """The answer to a browser that asks whether a page of another origin may send a request; None to all others.

    The gateway adds what it has configured (``CorsOrigins``), without which the browser takes it for a no.
    """
    asks = request.method == "OPTIONS" and "access-control-request-method" in request.headers
    return no_content() if asks else None


def content_disposition(name: str, kind: str = "attachment") -> str:
    """The header that names a file, in any script; ``kind`` is ``attachment`` or ``inline``."""
    plain = re.sub(r"[^\w .()-]", "_", name, flags=re.ASCII)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def error_response(error: ApiError, *, as_xml: bool = False) -> Response:
    """The answer that an error stands for; in XML: ``<root><detail>…</detail></root>``."""
    if not as_xml:
        return json_response(error.body, error.status, error.headers)
    body = f"{XML_DECLARATION}<root>{_elements(error.body)}</root>".encode()
    return Response(error.status, body, {"Content-Type": XML, **error.headers})


def _elements(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_elements(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<list-item>{_elements(inner)}</list-item>" for inner in value)
    return markup.text(str(value))
