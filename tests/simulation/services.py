"""SQS, S3, KMS, SES and Lambda in memory: what formrelay calls of them, with AWS's documented semantics."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from tests.simulation.seam import Seam, refused
from tests.simulation.stack import Lane

Request = dict[str, Any]

MAX_DELAY = 900
MAX_BATCH = 10
MAX_DELETED = 1_000
MAX_MESSAGE = 1024 * 1024
# Of an upload to S3, but for the last.
MIN_PART = 5 * 1024 * 1024


@dataclass
class Message:
    """A message on a queue; it can be received once ``visible_at`` has come."""

    body: str
    group: str | None
    delay: int
    visible_at: float
    number: int
    receives: int = 0


@dataclass
class Queue:
    """A standard queue: neither order nor exactly one receipt is promised."""

    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)


class SQS:
    """The client. ``sent`` is told of every message that came in."""

    def __init__(self, seam: Seam, lanes: Iterable[Lane]) -> None:
        self._seam = seam
        self.lanes = {lane.queue: lane for lane in lanes}
        self.queues = {url: Queue() for url in self.lanes}
        self._numbers = 0
        self.sent: Callable[[str, Message], None] = lambda _url, _message: None
        self.partial: Callable[[], bool] = lambda: False

    def send_message(self, **request: Any) -> Request:
        queue = self._queue("SendMessage", request)
        _check("SendMessage", request)

        def effect() -> Request:
            return {"MessageId": str(self._put(queue, request["QueueUrl"], request).number)}

        return self._seam.call("sqs", "SendMessage", request, effect)

    def send_message_batch(self, **request: Any) -> Request:
        queue = self._queue("SendMessageBatch", request)
        entries = request["Entries"]
        if not 1 <= len(entries) <= MAX_BATCH or len({entry["Id"] for entry in entries}) < len(entries):
            raise refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "SendMessageBatch")
        for entry in entries:
            _check("SendMessageBatch", entry)

        def effect() -> Request:
            taken = len(entries) - 1 if self.partial() else len(entries)
            for entry in entries[:taken]:
                self._put(queue, request["QueueUrl"], entry)
            failed = [
                {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False}
                for entry in entries[taken:]
            ]
            return {
                "Successful": [{"Id": entry["Id"]} for entry in entries[:taken]],
                **({"Failed": failed} if failed else {}),
            }

        return self._seam.call("sqs", "SendMessageBatch", request, effect)

    def receive_message(self, **request: Any) -> Request:
        """Takes visible messages, in no order that is promised; once received too often they go to the dead ones."""
        queue = self._queue("ReceiveMessage", request)
        now = self._seam.now
        lane = self.lanes[request["QueueUrl"]]
        visible = [message for message in queue.messages if message.visible_at <= now]
        for message in [message for message in visible if message.receives >= lane.receives]:
            visible.remove(message)
            queue.messages.remove(message)
            queue.dead.append(message)
        self._seam.rng.shuffle(visible)
        taken = visible[: request.get("MaxNumberOfMessages", 1)]
        for message in taken:
            message.receives += 1
            message.visible_at = now + request.get("VisibilityTimeout", lane.visibility)
        return {"Messages": [_received(message) for message in taken]} if taken else {}

    def delete_message(self, **request: Any) -> Request:
        """Removes a message by the receipt of any of its receipts; nothing happens when it is gone."""
        queue = self._queue("DeleteMessage", request)
        queue.messages = [m for m in queue.messages if str(m.number) != request["ReceiptHandle"]]
        return {}

    def _queue(self, operation: str, request: Request) -> Queue:
        found = self.queues.get(request["QueueUrl"])
        if found is None:
            raise refused("AWS.SimpleQueueService.NonExistentQueue", operation)
        return found

    def _put(self, queue: Queue, url: str, entry: Request) -> Message:
        self._numbers += 1
        delay = entry.get("DelaySeconds", 0)
        message = Message(
            entry["MessageBody"], entry.get("MessageGroupId"), delay, self._seam.now + delay, self._numbers
        )
        queue.messages.append(message)
        self.sent(url, message)
        return message


def _check(operation: str, entry: Request) -> None:
    if not 0 <= entry.get("DelaySeconds", 0) <= MAX_DELAY:
        raise refused("InvalidParameterValue", operation)
    if len(entry["MessageBody"].encode()) > MAX_MESSAGE:
        raise refused("InvalidParameterValue", operation)


def _received(message: Message) -> Request:
    return {
        "MessageId": str(message.number),
        "ReceiptHandle": str(message.number),
        "Body": message.body,
        "Attributes": {"ApproximateReceiveCount": str(message.receives)},
    }


class S3:
    """The client: objects by key, read after write."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, seam: Seam, objects: dict[str, tuple[bytes, str]]) -> None:
        self._seam = seam
        self.objects = objects
        # Type and parts of what is being uploaded.
        self._uploads: list[tuple[str, dict[int, bytes]]] = []

    def put_object(self, **request: Any) -> Request:
        def effect() -> Request:
            self.objects[request["Key"]] = (bytes(request["Body"]), request["ContentType"])
            return {}

        return self._seam.call("s3", "PutObject", request["Key"], effect)

    def get_object(self, **request: Any) -> Request:
        def effect() -> Request:
            found = self.objects.get(request["Key"])
            if found is None:
                raise refused("NoSuchKey", "GetObject")
            return {"Body": io.BytesIO(found[0]), "ContentType": found[1]}

        return self._seam.call("s3", "GetObject", request["Key"], effect)

    def copy_object(self, **request: Any) -> Request:
        """Keeps the type of what is copied."""

        def effect() -> Request:
            found = self.objects.get(request["CopySource"]["Key"])
            if found is None:
                raise refused("NoSuchKey", "CopyObject")
            self.objects[request["Key"]] = found
            return {}

        return self._seam.call("s3", "CopyObject", request["Key"], effect)

    def list_objects_v2(self, **request: Any) -> Request:
        """The first thousand keys with a prefix, in order."""

        def effect() -> Request:
            found = sorted(key for key in self.objects if key.startswith(request["Prefix"]))
            entries = [{"Key": key} for key in found[:MAX_DELETED]]
            return {"IsTruncated": len(found) > MAX_DELETED, **({"Contents": entries} if entries else {})}

        return self._seam.call("s3", "ListObjectsV2", request["Prefix"], effect)

    def delete_objects(self, **request: Any) -> Request:
        """What is not there counts as deleted."""
        wanted = [entry["Key"] for entry in request["Delete"]["Objects"]]
        if not 1 <= len(wanted) <= MAX_DELETED:
            raise refused("MalformedXML", "DeleteObjects")

        def effect() -> Request:
            for key in wanted:
                self.objects.pop(key, None)
            return {}

        return self._seam.call("s3", "DeleteObjects", wanted, effect)

    def create_multipart_upload(self, **request: Any) -> Request:
        def effect() -> Request:
            self._uploads.append((request["ContentType"], {}))
            return {"UploadId": str(len(self._uploads) - 1)}

        return self._seam.call("s3", "CreateMultipartUpload", request["Key"], effect)

    def upload_part(self, **request: Any) -> Request:
        def effect() -> Request:
            self._uploads[int(request["UploadId"])][1][request["PartNumber"]] = bytes(request["Body"])
            return {"ETag": hashlib.sha256(request["Body"]).hexdigest()}

        return self._seam.call("s3", "UploadPart", request["Key"], effect)

    def complete_multipart_upload(self, **request: Any) -> Request:
        content_type, parts = self._uploads[int(request["UploadId"])]
        listed = request["MultipartUpload"]["Parts"]

        def effect() -> Request:
            bodies = [parts[part["PartNumber"]] for part in listed]
            if any(
                hashlib.sha256(body).hexdigest() != part["ETag"]
                for body, part in zip(bodies, listed, strict=True)
            ):
                raise refused("InvalidPart", "CompleteMultipartUpload")
            if any(len(body) < MIN_PART for body in bodies[:-1]):
                raise refused("EntityTooSmall", "CompleteMultipartUpload")
            self.objects[request["Key"]] = (b"".join(bodies), content_type)
            return {}

        return self._seam.call("s3", "CompleteMultipartUpload", request["Key"], effect)

    def generate_presigned_url(self, operation: str, **options: Any) -> str:
        """Made without a call, as AWS's client does."""
        parameters = options["Params"]
        return (
            f"https://s3.example.com/{parameters['Bucket']}/{quote(parameters['Key'])}?operation={operation}"
        )


class KMS:
    """The client: what is encrypted under a context opens under that context alone."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, seam: Seam) -> None:
        self._seam = seam

    def encrypt(self, **request: Any) -> Request:
        plaintext, context = request["Plaintext"], request["EncryptionContext"]
        if not 1 <= len(plaintext) <= 4096:
            raise refused("ValidationException", "Encrypt")
        blob = _mark(context) + bytes(byte ^ 0x5A for byte in plaintext)
        return self._seam.call("kms", "Encrypt", context, lambda: {"CiphertextBlob": blob})

    def decrypt(self, **request: Any) -> Request:
        blob, context = request["CiphertextBlob"], request["EncryptionContext"]

        def effect() -> Request:
            if blob[:32] != _mark(context):
                raise refused("InvalidCiphertextException", "Decrypt")
            return {"Plaintext": bytes(byte ^ 0x5A for byte in blob[32:])}

        return self._seam.call("kms", "Decrypt", context, effect)


def _mark(context: Mapping[str, str]) -> bytes:
    return hashlib.sha256(json.dumps(context, sort_keys=True).encode()).digest()


@dataclass(frozen=True)
class Mail:
    """A mail that went out."""

    time: float
    to: str
    subject: str
    text: str


class SES:
    """The client (API version 2); refuses senders whose address is not verified."""

    def __init__(self, seam: Seam, verified: str) -> None:
        self._seam = seam
        self._verified = verified
        self.mails: list[Mail] = []

    def send_email(self, **request: Any) -> Request:
        (to,) = request["Destination"]["ToAddresses"]
        simple = request["Content"]["Simple"]

        def effect() -> Request:
            if request["FromEmailAddress"] != self._verified:
                raise ClientError({"Error": {"Code": "MessageRejected", "Message": ""}}, "SendEmail")
            mail = Mail(self._seam.now, to, simple["Subject"]["Data"], simple["Body"]["Text"]["Data"])
            self.mails.append(mail)
            return {"MessageId": str(len(self.mails))}

        return self._seam.call("sesv2", "SendEmail", (to, simple["Subject"]["Data"]), effect)


class Lambda:
    """The client. ``run`` calls a function by name and returns its result, or raises what ended it."""

    def __init__(self, run: Callable[[str, Any], Any]) -> None:
        self._run = run

    def invoke(self, FunctionName: str, Payload: bytes) -> Request:  # noqa: N803 - AWS's names
        """Its answer; without one in time botocore's error."""
        try:
            result = self._run(FunctionName, json.loads(Payload))
        except FunctionError as error:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(str(error)).encode())}
        return {"Payload": io.BytesIO(json.dumps(result).encode())}


class FunctionError(Exception):
    """A function ended without a result."""
