"""A client that behaves as ODK Collect does, over real HTTP: strict where Collect is, and no more.

    client = OdkClient("http://127.0.0.1:8000", "enum1", "secret")
    for listed in client.forms():
        form = client.download(listed)       # its XForm and media, hashes checked
    client.submit(instance_xml, {"photo.jpg": data})

It sends no credentials before a Basic challenge, wants 204 of the precheck, the marks of an OpenRosa server on lists,
and splits a submission by the length that the server advertises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import requests

from tests.support.forms import parse

_LIST = "{http://openrosa.org/xforms/xformsList}"
_MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"
_RESPONSE = "{http://openrosa.org/http/response}"
_DEVICE = "collect:Zq2mXwQz7RtYhLb3"
# What Collect assumes where a server advertises nothing.
_LENGTH = 10_000_000
# Attachments of one POST, beyond which it begins another.
_FILES = 100


class OdkError(Exception):
    """The server did something that makes Collect give up."""


@dataclass(frozen=True)
class ListedForm:
    """A row of the form list."""

    form_id: str
    name: str
    version: str
    hash: str
    download_url: str
    manifest_url: str


@dataclass
class DownloadedForm:
    """A form on the device: its XForm, and media by name."""

    xform: str
    media: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Sent:
    """What became of a submission: status and message of each POST, and how many bytes it had."""

    posts: list[tuple[int, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


class OdkClient:
    """One device; ``user`` in ``path`` makes it one without credentials."""

    def __init__(self, base_url: str, username: str = "", password: str = "", *, path: str = "") -> None:
        self._server = base_url + path
        self._credentials = (username, password) if username else None
        self._challenged = False
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "org.odk.collect.android/v2026.1 Dalvik/2.1.0"

    def _request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        """Sends credentials only to who has asked for them, as OkHttp's authenticator does."""
        headers = {"X-OpenRosa-Version": "1.0", "Date": formatdate(usegmt=True)}
        options: dict[str, Any] = {"headers": headers, "timeout": 35, "params": {"deviceID": _DEVICE}}
        auth = self._credentials if self._challenged else None
        answer = self._session.request(method, url, auth=auth, **options, **arguments)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code == 401 and not self._challenged and self._credentials:
            if not challenge.startswith("Basic realm="):
                raise OdkError(f"no challenge that Collect knows: {challenge!r}")
            self._challenged = True
            return self._request(method, url, **arguments)
        return answer

    # Forms

    def forms(self) -> list[ListedForm]:
        """The form list; one row without what Collect needs makes it drop them all."""
        return [self._row(form) for form in self._document(f"{self._server}/formList").iter(f"{_LIST}xform")]

    def _row(self, form: ET.Element) -> ListedForm:
        names = ("formID", "name", "version", "hash", "downloadUrl", "manifestUrl")
        texts = [form.findtext(_LIST + name, "") for name in names]
        if not all(texts):
            raise OdkError(f"a listed form lacks something: {texts}")
        return ListedForm(*texts)

    def _document(self, url: str) -> ET.Element:
        answer = self._request("GET", url)
        if answer.status_code != 200:
            raise OdkError(f"{url}: {answer.status_code} {answer.text}")
        if answer.headers.get("Content-Type", "").partition(";")[0] not in ("text/xml", "application/xml"):
            raise OdkError(f"{url} is no XML: {answer.headers.get('Content-Type')}")
        if "X-OpenRosa-Version" not in answer.headers:
            raise OdkError(f"{url} is no OpenRosa server's")
        return parse(answer.content.decode())

    def download(self, form: ListedForm) -> DownloadedForm:
        """The form and its media. Raises OdkError when a hash is not that of what came."""
        xform = self._bytes(form.download_url, form.hash)
        downloaded = DownloadedForm(xform.decode())
        for media in self._document(form.manifest_url).iter(f"{_MANIFEST}mediaFile"):
            name, digest, url = (
                media.findtext(_MANIFEST + tag, "") for tag in ("filename", "hash", "downloadUrl")
            )
            if not (name and digest and url):
                raise OdkError(f"a media file lacks something: {(name, digest, url)}")
            downloaded.media[name] = self._bytes(url, digest)
        return downloaded

    def _bytes(self, url: str, digest: str) -> bytes:
        answer = self._request("GET", url)
        if answer.status_code != 200:
            raise OdkError(f"{url}: {answer.status_code}")
        if digest != "md5:" + hashlib.md5(answer.content).hexdigest():  # noqa: S324
            raise OdkError(f"{url} is not what its hash says")
        return answer.content

    # Submissions

    def submit(self, xml: str, files: Mapping[str, bytes]) -> Sent:
        """Prechecks, then posts in as many parts as the server wants. Stops at the first that is not taken."""
        url, length = self._precheck()
        sent = Sent()
        for part, last in _parts(xml, files, length):
            body: list[tuple[str, tuple[str | None, bytes | str, str | None]]] = [
                ("xml_submission_file", ("instance.xml", xml, "text/xml")),
                *((name, (name, data, "image/jpeg")) for name, data in part.items()),
            ]
            if not last:
                body.append(("*isIncomplete*", (None, "yes", None)))
            answer = self._request("POST", url, files=body)
            message = parse(answer.text).findtext(f"{_RESPONSE}message") or ""
            sent.posts.append((answer.status_code, message))
            sent.sizes.append(len(answer.request.body or b""))
            if answer.status_code not in (201, 202):
                break
        return sent

    def _precheck(self) -> tuple[str, int]:
        """Where to post, and how much at once."""
        url = f"{self._server}/submission"
        answer = self._request("HEAD", url, allow_redirects=False)
        if answer.status_code != 204:
            raise OdkError(f"HEAD {url}: {answer.status_code}")
        location = answer.headers.get("Location", url)
        if urlsplit(location).hostname != urlsplit(url).hostname:
            raise OdkError(f"sent to another host: {location}")
        return location, int(answer.headers.get("X-OpenRosa-Accept-Content-Length", _LENGTH))


def _parts(xml: str, files: Mapping[str, bytes], length: int) -> Iterator[tuple[dict[str, bytes], bool]]:
    """The files of each POST, and whether it is the last one; sizes of files count, not the multipart around them."""
    part: dict[str, bytes] = {}
    size = len(xml.encode())
    for name, data in files.items():
        if part and (len(part) > _FILES or size + len(data) > length):
            yield part, False
            part, size = {}, len(xml.encode())
        part[name] = data
        size += len(data)
    yield part, True
