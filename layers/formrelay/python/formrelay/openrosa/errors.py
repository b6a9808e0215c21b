"""What a submission can be refused for: status and text of each outcome (contract submissions §5)."""

from __future__ import annotations

from enum import Enum


class OpenRosaError(Exception):
    """The client gets ``status`` and ``message`` in its own dialect; ``replies.refusal`` renders it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Outcome(Enum):
    """Status and message of every answer that is not a success; the texts are the contract's."""

    DUPLICATE = (202, "Duplicate Instance")
    MALFORMED_XML = (400, "Improperly formatted XML.")
    XML_TOO_LARGE = (
        400,
        "Submission rejected: it has too many elements or attributes, or elements nested too deeply.",
    )
    MALFORMED_JSON = (400, "Improperly formatted JSON.")
    UNSUPPORTED_CHARACTERS = (
        400,
        "Submission rejected: the form contains unsupported or invisible characters.",
    )
    NO_INSTANCE_ID = (400, "Instance ID is required")
    IDENTIFIER_TOO_LONG = (400, "Submission rejected: an identifier in it is too long.")
    EMPTY = (400, "Received empty submission. No instance was created")
    NO_XML_FILE = (400, "There should be a single XML submission file.")
    NO_SUBMISSION_KEY = (400, "No submission key provided.")
    NO_FORM = (400, "Username or ID required.")
    ACCESS_DENIED = (403, "Access denied")
    NOT_FOUND = (404, "Not found.")
    DEPRECATED_ID_UNKNOWN = (404, "Invalid submission - deprecatedID not found")
    FORM_INACTIVE = (405, "Form is not active")
    ACCOUNT_INACTIVE = (405, "Account is not active")
    INSTANCE_ID_TAKEN = (409, "Submission with this instance ID already exists")
    ATTACHMENT_NAME_TAKEN = (409, "Attachment with same name already exists")
    DEPRECATED_ID_OLD = (410, "Invalid submission - deprecatedID refers to an old version")
    TOO_LARGE = (413, "Submission is too large")
    UNAVAILABLE = (503, "Temporarily unavailable")

    def error(self) -> OpenRosaError:
        """This outcome as an exception to raise."""
        return OpenRosaError(*self.value)


class MalformedXmlError(OpenRosaError):
    """Not well formed, a DTD or entities, an unusable encoding; or, as the class below, beyond the bounds."""

    def __init__(self, outcome: Outcome = Outcome.MALFORMED_XML) -> None:
        super().__init__(*outcome.value)


class XmlTooLargeError(MalformedXmlError):
    """Too many nodes, too deep, or names too long for so many."""

    def __init__(self) -> None:
        super().__init__(Outcome.XML_TOO_LARGE)


class UnsupportedCharactersError(OpenRosaError):
    """Characters that XML 1.0 does not have, such as most control characters."""

    def __init__(self) -> None:
        super().__init__(*Outcome.UNSUPPORTED_CHARACTERS.value)


class MissingInstanceIdError(OpenRosaError):
    """Neither ``meta/instanceID`` nor the root attribute ``instanceID``."""

    def __init__(self) -> None:
        super().__init__(*Outcome.NO_INSTANCE_ID.value)


class EmptySubmissionError(OpenRosaError):
    """No answer at all."""

    def __init__(self) -> None:
        super().__init__(*Outcome.EMPTY.value)


class MultipartError(OpenRosaError):
    """A multipart body that cannot be read, or exceeds its bounds; ``message`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(400, f"Improperly formatted multipart body: {reason}.")


class JsonSubmissionError(OpenRosaError):
    """A JSON submission that cannot become an instance (contract submissions §8)."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)
