"""Exports of a form of 60 questions: rows a second, peak memory and bytes, beside the csv module on flat rows.

    PYTHONPATH=.:layers/formrelay/python python -m tests.bench.exports [submissions …]

The form has groups, one repeat, four select_multiple of eight choices, a geopoint and two languages; a submission has
about three entries of the repeat. Every figure comes from a process of its own; seconds are those of the processor.
Records are made while they are exported; what that costs is measured apart and taken off the time. Where XlsxWriter is
installed, it writes flat rows of the main section's width, for comparison.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from formrelay.exports.files import output
from formrelay.exports.options import checked, options
from formrelay.exports.plan import plan
from formrelay.forms.content import normalise

SEGMENT = 4_000_000
LANG = "English (en)"
SIZES = (1_000, 10_000, 100_000)
SETTINGS = {
    "lang": LANG,
    "fields_from_all_versions": True,
    "group_sep": "/",
    "hierarchy_in_labels": False,
    "multiple_select": "both",
    "xls_types_as_text": False,
}
_PLAIN = ("text", "integer", "decimal", "date", "text", "select_one yn", "text")


def form() -> dict[str, Any]:
    """Content of the form."""

    def question(kind: str, name: str) -> dict[str, str]:
        return {
            "type": kind,
            "name": name,
            "label::English (en)": f"Q {name}",
            "label::French (fr)": f"Q {name} fr",
        }

    survey: list[dict[str, str]] = [{"type": "start", "name": "start"}, {"type": "today", "name": "today"}]
    for group in range(5):
        survey.append({**question("begin_group", f"g{group}")})
        survey += [question(_PLAIN[n % len(_PLAIN)], f"q{group}_{n}") for n in range(9)]
        if group < 4:
            survey.append(question("select_multiple eight", f"m{group}"))
        survey.append({"type": "end_group"})
    survey.append(question("geopoint", "gps"))
    survey.append(question("begin_repeat", "member"))
    survey += [question(_PLAIN[n % len(_PLAIN)], f"r{n}") for n in range(8)]
    survey.append({"type": "end_repeat"})
    choices = [
        {
            "list_name": name,
            "name": f"c{n}",
            "label::English (en)": f"Choice {n}",
            "label::French (fr)": f"Choix {n}",
        }
        for name, count in (("yn", 2), ("eight", 8))
        for n in range(count)
    ]
    return normalise({"survey": survey, "choices": choices}).content


def records(count: int) -> Iterator[dict[str, Any]]:
    """Submissions as the data API shows them."""
    samples = _samples()
    for number in range(count):
        yield {"_id": number, "_uuid": f"6f1c7c1e-0000-4000-8000-{number:012d}", **samples[number % 500]}


@cache
def _samples() -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [_answers(chance) for _ in range(500)]


def _answers(chance: random.Random) -> dict[str, Any]:
    def value(kind: str) -> str:
        return {
            "integer": lambda: str(chance.randrange(100)),
            "decimal": lambda: f"{chance.uniform(0, 100):.2f}",
            "date": lambda: f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
            "select_one yn": lambda: f"c{chance.randrange(2)}",
        }.get(kind, lambda: " ".join(chance.choices(("maize", "beans", "the field", "a river"), k=2)))()

    answers: dict[str, Any] = {"start": "2026-03-01T09:30:00.123+02:00", "today": "2026-03-01"}
    for group in range(5):
        answers |= {f"g{group}/q{group}_{n}": value(_PLAIN[n % len(_PLAIN)]) for n in range(9)}
        if group < 4:
            chosen = chance.sample(range(8), chance.randrange(1, 5))
            answers[f"g{group}/m{group}"] = " ".join(f"c{n}" for n in sorted(chosen))
    answers["gps"] = f"{chance.uniform(-9, 9):.6f} {chance.uniform(20, 40):.6f} 900.0 4.5"
    answers["member"] = [
        {f"member/r{n}": value(_PLAIN[n % len(_PLAIN)]) for n in range(8)}
        for _ in range(chance.choice((2, 3, 4)))
    ]
    return {
        **answers,
        "__version__": "v1",
        "meta/rootUuid": "uuid:6f1c7c1e",
        "_attachments": [],
        "_status": "submitted_via_web",
        "_submission_time": "2026-03-01T09:30:00",
        "_validation_status": {},
        "_submitted_by": "ann",
    }


def export(type_: str) -> Callable[[int, Path], int]:
    """Our own exporter, with segments on disk where a deployment has them in S3."""

    def run(count: int, folder: Path) -> int:
        wanted = options(checked(SETTINGS | {"type": type_}, [LANG]))
        file = output(plan([("v1", form())], wanted), wanted, "Households")
        segments: list[Path] = []

        def cut() -> None:
            segments.append(folder / str(len(segments)))
            segments[-1].write_bytes(file.cut())

        for number, record in enumerate(records(count)):
            file.add(record)
            if number % 50 == 0 and file.pending > SEGMENT:
                cut()
        cut()

        def read(number: int, start: int, end: int) -> Iterator[bytes]:
            with segments[number].open("rb") as opened:
                opened.seek(start)
                while start < end:
                    piece = opened.read(min(1_000_000, end - start))
                    start += len(piece)
                    yield piece

        with (folder / "result").open("wb") as result:
            return sum(result.write(piece) for piece in file.finish(read))

    return run


def flat(count: int) -> Iterator[list[str]]:
    """The rows of our own CSV as they stand, without any work."""
    rows = _flat_rows()
    return (rows[number % 500] for number in range(count))


@cache
def _flat_rows() -> list[list[str]]:
    wanted = options(checked(SETTINGS | {"type": "csv"}, [LANG]))
    file = output(plan([("v1", form())], wanted), wanted, "Households")
    for record in records(500):
        file.add(record)
    return list(csv.reader(file.cut().decode().splitlines(), delimiter=";"))[1:]


def raw_csv(count: int, folder: Path) -> int:
    with (folder / "result").open("w", newline="") as result:
        csv.writer(result, delimiter=";", quoting=csv.QUOTE_ALL).writerows(flat(count))
    return (folder / "result").stat().st_size


def xlsxwriter(count: int, folder: Path) -> int:
    library = importlib.import_module("xlsxwriter")
    book = library.Workbook(str(folder / "result"), {"constant_memory": True})
    sheet = book.add_worksheet("Households")
    for number, row in enumerate(flat(count)):
        sheet.write_row(number, 0, row)
    book.close()
    return (folder / "result").stat().st_size


def nothing(count: int, _folder: Path) -> int:
    """Makes the records only."""
    return sum(1 for _ in records(count))


def measure(work: Callable[[int, Path], int], count: int) -> tuple[float, float, int]:
    """Seconds of processor, which other work on the machine does not lengthen, peak memory in MiB and bytes."""
    context = multiprocessing.get_context("fork")
    queue: Any = context.SimpleQueue()

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            rounds = max(1, 20_000 // count)
            started = time.process_time()
            for _ in range(rounds):
                size = work(count, Path(folder))
            seconds = time.process_time() - started
        queue.put((seconds / rounds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size))

    process = context.Process(target=run)
    process.start()
    found: tuple[float, float, int] = queue.get()
    process.join()
    return found


def main(sizes: Sequence[int]) -> None:
    works: dict[str, tuple[Callable[[int, Path], int], bool]] = {
        "csv": (export("csv"), True),
        "xlsx": (export("xls"), True),
        "geojson": (export("geojson"), True),
        "csv.writer, flat rows": (raw_csv, False),
    }
    if importlib.util.find_spec("xlsxwriter"):
        works["XlsxWriter, flat rows"] = (xlsxwriter, False)
    print(f"{'':24}{'submissions':>12}{'a second':>12}{'peak MiB':>10}{'bytes':>14}")
    _flat_rows()  # made once, before anything is measured
    for count in sizes:
        making = measure(nothing, count)[0]
        for name, (work, from_records) in works.items():
            seconds, peak, size = measure(work, count)
            rate = count / max(1e-9, seconds - making * from_records)
            print(f"{name:24}{count:12,}{rate:12,.0f}{peak:10.1f}{size:14,}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
