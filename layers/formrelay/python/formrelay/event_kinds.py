"""What a hook may hear of; ``submission.created`` alone unless its owner chooses otherwise."""

from __future__ import annotations

CREATED = "submission.created"
EDITED = "submission.edited"
DELETED = "submission.deleted"
VALIDATED = "submission.validated"
ALL = (CREATED, EDITED, DELETED, VALIDATED)
DEFAULT = (CREATED,)
