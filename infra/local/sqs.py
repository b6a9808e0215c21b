"""Calls the emulator's queues without blocking: a small client of SQS's JSON protocol."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from infra.local.config import ACCOUNT, REGION

MAX_BATCH = 10


class QueueError(Exception):
    """The call failed; another attempt may succeed."""


class Queues:
    """Receives and deletes messages at the endpoint ``url``, over kept connections."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def receive(self, queue: str, wait: int) -> list[dict[str, Any]]:
        """Up to ten messages, waiting up to ``wait`` seconds for the first. Raises QueueError."""
        answer = await self._call(
            "ReceiveMessage",
            {
                "QueueUrl": queue,
                "MaxNumberOfMessages": MAX_BATCH,
                "WaitTimeSeconds": wait,
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            },
            timeout=wait + 10,
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def delete(self, queue: str, handles: list[str]) -> None:
        """Delete messages. Raises QueueError; a message that is gone already is no error."""
        for start in range(0, len(handles), MAX_BATCH):
            entries = [
                {"Id": str(index), "ReceiptHandle": handle}
                for index, handle in enumerate(handles[start : start + MAX_BATCH])
            ]
            await self._call("DeleteMessageBatch", {"QueueUrl": queue, "Entries": entries}, timeout=10)

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()
        self._free.clear()

    async def _call(self, action: str, arguments: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(self._exchange(action, json.dumps(arguments).encode()), timeout)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise QueueError(f"{action}: {error or type(error).__name__}") from error

    async def _exchange(self, action: str, body: bytes) -> dict[str, Any]:
        reader, writer = (
            self._free.pop() if self._free else await asyncio.open_connection(self._host, self._port)
        )
        try:
            writer.write(_head(self._host, self._port, action, len(body)) + body)
            status, answer = await _read_answer(reader)
        except BaseException:
            writer.close()
            raise
        self._free.append((reader, writer))
        if status != 200:
            raise QueueError(f"{action}: {status} {answer[:200].decode(errors='replace')}")
        document: dict[str, Any] = json.loads(answer or b"{}")
        return document


def _head(host: str, port: int, action: str, length: int) -> bytes:
    # The emulator reads account, region and service from the credential and checks no signature.
    credential = f"Credential={ACCOUNT}/20260101/{REGION}/sqs/aws4_request"
    return (
        f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nX-Amz-Target: AmazonSQS.{action}\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {length}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0\r\n\r\n"
    ).encode()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    length = 0
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return int(first.split(" ")[1]), await reader.readexactly(length)
