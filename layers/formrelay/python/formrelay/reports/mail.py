"""The failure report as a mail: text and HTML with the same content (contract rest-services §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from formrelay.reports import as_html, as_text
from formrelay.reports.content import arrange
from formrelay.reports.texts import texts_for
from formrelay.storage.table import Item


class Mail(NamedTuple):
    """What SES is given."""

    subject: str
    text: str
    html: str


def build(
    username: str,
    lines: Sequence[Item],
    *,
    more: bool,
    arrived: Sequence[Item] = (),
    language: object = "en",
    stop_urls: Mapping[str, str] | None = None,
) -> Mail:
    """The mail for failures and notices of one owner: by project, hook and time, newest first.

    ``lines`` and ``arrived`` (what had failed and arrived after all) as :mod:`formrelay.storage.reports` has them,
    each with ``asset_name`` and ``hook_name``. ``more`` says that further failures follow in the next mail;
    ``language`` is a language tag, ``stop_urls`` the link by which each hook's mails are switched off.
    """
    texts = texts_for(language)
    content = arrange(username, lines, arrived, texts=texts, more=more, stop_urls=stop_urls or {})
    return Mail(texts.subject, as_text.render(content), as_html.render(content))
