"""image λ: pictures made smaller, from S3 to S3 (docs/architecture.md, "Messages")."""

from __future__ import annotations

import time
from typing import Any

from formrelay import imaging
from formrelay.log import logger
from formrelay.storage import blobs


def handler(event: dict[str, Any], context: object) -> dict[str, bool]:  # noqa: ARG001
    """Makes the picture at ``source`` smaller: ``longest`` pixels at ``target``.

    An empty object says that this cannot be done, so that nobody tries again.
    """
    began = time.perf_counter()
    source = blobs.get(event["source"])
    picture = imaging.smaller(source, int(event["longest"]))
    blobs.put(event["target"], *(picture or (b"", "application/octet-stream")))
    milliseconds = round((time.perf_counter() - began) * 1000)
    logger.info("image", made=picture is not None, bytes=len(source), ms=milliseconds)
    return {"made": picture is not None}
