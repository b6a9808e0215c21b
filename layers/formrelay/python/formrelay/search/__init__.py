"""The search language of lists, ``q=`` (contract accounts §6.6): ``action:deploy AND NOT (user__username:bob)``.

A term is ``field:value`` or a bare word; ``AND``, ``OR`` and ``NOT`` in capitals, parentheses; what stands side by side
is joined by AND. A field is a path of keys joined by ``__``, with an operator such as ``__gte`` at its end.

>>> compile_search("name__icontains:flood", roots=("name",)).matches({"name": "Floods 2026"})
True
"""

from formrelay.search.language import Search, SearchError, Term, compile_search

__all__ = ["Search", "SearchError", "Term", "compile_search"]
