"""Microseconds to read a submission: ids, answers, places of files, beside xmltodict's parse alone.

python -m tests.bench.parsing [--seconds 0.5] [--nodes 30 300 5000]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import xmltodict

from formrelay.openrosa import instance, multipart

_REPEATS = frozenset({"member"})
_MEDIA = frozenset({"member/portrait"})
_ROW = 10


def main() -> None:
    """Measures and prints one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure")
    parser.add_argument("--nodes", type=int, nargs="+", default=[30, 300, 5000])
    options = parser.parse_args()
    names = ("nodes", "bytes", "xmltodict", "read", "flatten", "xpaths", "json", "all", "ratio", "multipart")
    print(" ".join(f"{name:>10}" for name in names))
    for nodes in options.nodes:
        print(_line(submission(nodes), nodes, options.seconds))


def submission(nodes: int) -> bytes:
    """Instance XML of about so many nodes: a repeat of groups, as in a household roster."""
    row = "".join(
        f"<question_{number}>answer {number} &amp; more</question_{number}>" for number in range(_ROW)
    )
    member = f"<member><name>Ana</name>{row}<portrait>ana-{{}}.jpg</portrait></member>"
    count = max(1, nodes // (_ROW + 3))
    body = "".join(member.format(number) for number in range(count))
    meta = "<meta><instanceID>uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7</instanceID></meta>"
    return f"<?xml version='1.0' ?><form id='aX' version='1'>{body}{meta}</form>".encode()


def _line(xml: bytes, nodes: int, seconds: float) -> str:
    read = instance.read(xml)
    answers = instance.flatten(read, _REPEATS)
    part = b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="i.xml"\r\n\r\n'
    body = part + xml + b"\r\n--x--\r\n"

    def everything() -> None:
        found = instance.read(xml)
        json.dumps(instance.flatten(found, _REPEATS), ensure_ascii=False, separators=(",", ":"))
        instance.xpaths(found, _REPEATS, _MEDIA)

    alone = _micros(lambda: xmltodict.parse(xml), seconds)
    whole = _micros(everything, seconds)
    figures = (
        alone,
        _micros(lambda: instance.read(xml), seconds),
        _micros(lambda: instance.flatten(read, _REPEATS), seconds),
        _micros(lambda: instance.xpaths(read, _REPEATS, _MEDIA), seconds),
        _micros(lambda: json.dumps(answers, ensure_ascii=False, separators=(",", ":")), seconds),
        whole,
    )
    shown = " ".join(f"{figure:>10.0f}" for figure in figures)
    envelope = _micros(lambda: multipart.parse("multipart/form-data; boundary=x", body), seconds)
    return f"{nodes:>10} {len(xml):>10} {shown} {whole / alone:>10.2f} {envelope:>10.0f}"


def _micros(call: Callable[[], object], seconds: float) -> float:
    """The fastest of many runs: what else the machine does only ever adds time."""
    best = float("inf")
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best * 1e6


if __name__ == "__main__":
    main()
