"""Bounds on client XML, and the expat parser that every reader of it uses.

Node and attribute counts are bounded before parsing, by counting the characters that every node and every
attribute needs: that costs 1 % of the parse, where a counting start and end handler costs 14 % (measured).
DTDs, and with them entities, are refused while parsing. Depth is left to the readers, which walk the
nodes anyway: with the node count bounded, parsing itself stays cheap at any depth.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from xml.parsers import expat

from formrelay.openrosa.errors import (
    EmptySubmissionError,
    MalformedXmlError,
    OpenRosaError,
    UnsupportedCharactersError,
    XmlTooLargeError,
)
from formrelay.xml_text import OUTSIDE_XML

# The gateway takes no more than about 4.6 MB; a caller of its own road gets the same bound.
MAX_BYTES = 6_000_000
# "<" characters: 100,000 questions with an opening and a closing tag each.
MAX_TAGS = 200_000
MAX_ATTRIBUTES = 100_000
# Groups and repeats within each other, root included; forms have a handful.
MAX_DEPTH = 50
# Characters of a name that is given to an element.
MAX_NAME = 255
# Characters of the paths of all nodes together: long names around many nodes would multiply.
MAX_PATHS = 16_000_000

# What the readers turn into typed errors with `failure`: expat's own; ValueError for a DTD, an entity, bad
# text or a multi-byte encoding; LookupError for an unknown encoding.
PARSE_ERRORS = (expat.ExpatError, ValueError, LookupError)

_WHITESPACE = b" \t\r\n"
_ATTRIBUTE = re.compile(rb"=\s*[\"']")
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Of expat's errors: XML_ERROR_INVALID_TOKEN, XML_ERROR_BAD_CHAR_REF
_CODE_INVALID_TOKEN = 4
_CODE_BAD_CHARACTER_REFERENCE = 14

_ASCII_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_IN_A_NAME = re.compile(r"[\x00-,/:-@\[-^`{-\x7f]")


def checked(xml: bytes) -> bytes:
    """The document, without whitespace before it, once it is known to be within the bounds.

    Raises EmptySubmissionError when nothing is left, XmlTooLargeError when it is too big.
    """
    if xml[:1].isspace():
        xml = xml.lstrip(_WHITESPACE)
    if not xml:
        raise EmptySubmissionError
    if len(xml) > MAX_BYTES or xml.count(b"<") > MAX_TAGS or _too_many_attributes(xml):
        raise XmlTooLargeError
    return xml


def ParserCreate(encoding: str | None = None, separator: str | None = None) -> expat.XMLParserType:  # noqa: N802
    """An expat parser that refuses DTDs with ValueError; named so that xmltodict takes this module as expat."""
    parser = expat.ParserCreate(encoding, separator)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def check_prefixes(xml: bytes) -> None:
    """Raises ExpatError where a prefix is declared nowhere.

    Readers that know of namespaces take no such document, nor a list or a body that it stands in.
    """
    ParserCreate(None, " ").Parse(xml, True)


def failure(xml: bytes, error: Exception) -> OpenRosaError:
    """The typed error for one of PARSE_ERRORS, raised while parsing that document."""
    code = error.code if isinstance(error, expat.ExpatError) else None
    if code == _CODE_BAD_CHARACTER_REFERENCE or (
        code == _CODE_INVALID_TOKEN and _has_unsupported_characters(xml)
    ):
        return UnsupportedCharactersError()
    return MalformedXmlError()


def _too_many_attributes(xml: bytes) -> bool:
    # The exact count is needed only for text that is full of "=".
    if xml.count(b"=") <= MAX_ATTRIBUTES:
        return False
    return sum(1 for _ in _ATTRIBUTE.finditer(xml)) > MAX_ATTRIBUTES


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a submission has no DTD")


def _has_unsupported_characters(xml: bytes) -> bool:
    try:
        return OUTSIDE_XML.search(xml.decode(encoding(xml), "surrogatepass")) is not None
    except (ValueError, LookupError):
        return False


def encoding(xml: bytes) -> str:
    """The encoding that a document is in, by its byte order mark or its declaration."""
    for bom, name in _BOMS:
        if xml.startswith(bom):
            return name
    declared = _ENCODING.match(xml[:256])
    return declared[1].decode() if declared else "utf-8"


@lru_cache(maxsize=4096)
def is_name(name: str) -> bool:
    """Whether expat takes it as the name of an element without a prefix."""
    if name.isascii():
        return _ASCII_NAME.fullmatch(name) is not None
    if _NOT_IN_A_NAME.search(name):
        return False
    try:
        expat.ParserCreate().Parse(f"<{name}/>".encode(), True)
    except (expat.ExpatError, UnicodeEncodeError):
        return False
    return True
