"""Readers of CSV and JSON lines: what is a record, on which line it begins, and why it cannot be read."""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_core.errors import Conflict, UsageError
from platform_core.importing import json_document, lines
from platform_core.importing.csv_file import CsvFile
from platform_core.importing.json_file import JsonLinesFile
from platform_core.importing.types import Field, InputFile, Kind, Reject

FIELDS = (Field("a"), Field("b"), Field("when", Kind.TIME), Field("data", Kind.JSON), Field("n", Kind.AMOUNT))
Staged = list[tuple[int, str | None, str | None, dict[str, str | None]]]


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., CsvFile]:
    def make(content: str | bytes, **options: Any) -> CsvFile:
        path = tmp_path / "x.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return CsvFile(path, "x.csv", FIELDS, **{"exact": False, **options})

    return make


@pytest.fixture
def json_file(tmp_path: Path) -> Callable[..., JsonLinesFile]:
    def make(content: str | bytes, **options: Any) -> JsonLinesFile:
        path = tmp_path / "x.jsonl"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return JsonLinesFile(path, "x.jsonl", FIELDS, **options)

    return make


def unescaped(cell: str) -> str | None:
    if cell == lines.NULL:
        return None
    for escape, plain in (("\\001", "\x01"), ("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r")):
        cell = cell.replace("\\\\", "\0").replace(escape, plain).replace("\0", "\\\\")
    return cell.replace("\\\\", "\\")


def staged(file: InputFile) -> Staged:
    """By record: line, problem, what is cleared, and the values."""
    found: Staged = []
    for chunk in file.survey.chunks:
        text = b"".join(file.prepared(chunk)).decode()
        records = text.split("\n")[:-1]
        assert len(records) == chunk.records
        for record in records:
            line, _, problem, cleared, *cells = record.split("\t")
            values = dict(zip(file.staged, map(unescaped, cells), strict=True))
            found.append((int(line), unescaped(problem), unescaped(cleared), values))
    return found


def problems(file: InputFile) -> dict[int, str | None]:
    return {line: problem for line, problem, _, _ in staged(file)}


def test_lines_are_those_on_which_records_begin(csv_file: Callable[..., CsvFile]) -> None:
    file = csv_file('\ufeffa,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n3,"q""q"\r\n')
    assert [(line, values["a"], values["b"]) for line, _, _, values in staged(file)] == [
        (2, "1", "x\r\ny"), (5, "2", "z"), (6, "3", 'q"q'),
    ]  # fmt: skip


def test_what_cannot_be_read_is_one_line_and_the_rest_is_read(csv_file: Callable[..., CsvFile]) -> None:
    file = csv_file(b'a,b\n1,2,3\n1\n"1"x,2\n1,"2\n3,4\n5,"6"\n7,\xff\n8,\0\n9\r,1\n10,"x')
    assert problems(file) == {
        2: "3 fields, 2 expected", 3: "1 field, 2 expected", 4: "broken quotes", 5: "broken quotes", 6: None, 7: None,
        8: "b: is not UTF-8", 9: "b: holds a NUL", 10: "a line break outside quotes",
        11: "broken quotes: the file ends inside them",
    }  # fmt: skip
    assert file.survey.records == 10


def test_a_quote_that_is_never_closed_costs_its_line_only(csv_file: Callable[..., CsvFile]) -> None:
    file = csv_file('a,b\n1,"x\n' + "".join(f"{n},y\n" for n in range(40_000)))
    found = problems(file)
    assert found.pop(2) == "broken quotes"
    assert len(found) == 40_000
    assert set(found.values()) == {None}


def test_values_that_python_checks(csv_file: Callable[..., CsvFile]) -> None:
    times = ["2026-01-02T03:04:05Z", "2026-01-02 05:04:05.5+02:00", "2026-01-02T03:04:05", "2026-13-01T00:00:00Z", "x"]
    file = csv_file("when\n" + "\n".join(times))
    assert [(problem, values["when"]) for _, problem, _, values in staged(file)] == [
        (None, "2026-01-02T03:04:05+00:00"), (None, "2026-01-02T03:04:05.500000+00:00"),
        ("when: has no zone: end it with Z, or with +02:00 or the like", None),
        *[("when: is not a time such as 2026-10-31T12:00:00Z", None)] * 2,
    ]  # fmt: skip
    out = io.StringIO()
    texts = ['{"a":1.10,"b":1e400}', "[1]", "{", '{"a":"\\u0000"}', '{"a":"\\\\u0000"}']
    csv.writer(out).writerows([["data"], *([text] for text in texts)])
    assert [(problem, values["data"]) for _, problem, _, values in staged(csv_file(out.getvalue()))] == [
        (None, '{"a":1.10,"b":1E+400}'), ("data: is not a JSON object", None), ("data: is not JSON", None),
        ("data: holds a NUL", None), (None, '{"a":"\\\\u0000"}'),
    ]  # fmt: skip


def test_several_reasons_stand_together(csv_file: Callable[..., CsvFile]) -> None:
    assert problems(csv_file('when,data\nx,"{"\n')) == {
        2: "when: is not a time such as 2026-10-31T12:00:00Z; data: is not JSON"
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"), ("\n\n", "is empty"), ("a,a\n", "names 'a' twice"), ("a,bb\n", "no field 'bb', did you mean"),
        ("a,\n", "a column has no name"), ('a,"b\n', "header"), (b"a,\xff\n", "not UTF-8"),
        ("\ufeffe-mail;b\n", "no field 'e-mail;b'"),
    ],
)  # fmt: skip
def test_headers_that_are_none(csv_file: Callable[..., CsvFile], content: str | bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        csv_file(content)
    if "no field" in said:
        assert "--ignore" in str(caught.value.hint)


def test_a_header_only_and_ignored_columns(csv_file: Callable[..., CsvFile]) -> None:
    assert csv_file("a,b\n").survey.records == 0
    file = csv_file("a,c,reject_line,reject_reason\n1,2,3,4\n", ignored=frozenset({"c"}))
    assert staged(file) == [(2, None, None, {"a": "1"})]


def test_json_lines(json_file: Callable[..., JsonLinesFile]) -> None:
    file = json_file(
        b'{"a":"x","b":null,"n":1.10}\n\n{"a":5}\n[1]\nno\n{"a":"\xff"}\n{"q":1,"reject_line":3}\n'
        b'{"a":"\\u0000"}\n{"n":true,"data":3}\n{"a":"","n":"2"}'
    )
    assert staged(file)[0] == (1, None, "b", {"a": "x", "b": None, "when": None, "data": None, "n": "1.10"})
    assert staged(file)[-1][3]["a"] == ""
    assert problems(file) == {
        1: None, 3: "a: is no text", 4: "is not a JSON object", 5: "is not JSON", 6: "is not UTF-8",
        7: "no field 'q'", 8: "a: holds a NUL", 9: "n: is no number; data: is not a JSON object", 10: None,
    }  # fmt: skip


def test_json_lines_that_are_empty(json_file: Callable[..., JsonLinesFile]) -> None:
    with pytest.raises(UsageError, match="is empty"):
        json_file("")
    assert json_file("\n").survey.records == 0


def test_a_line_without_end_is_no_file_of_records(json_file: Callable[..., JsonLinesFile]) -> None:
    file = json_file(b"x" * (lines.LONGEST_LINE + lines.BLOCK_BYTES * 2))
    with pytest.raises(UsageError, match="is longer than"):
        _ = file.survey


def test_a_file_that_changes_meanwhile(csv_file: Callable[..., CsvFile]) -> None:
    file = csv_file("a\n1\n")
    chunk = file.survey.chunks[0]
    file.path.write_text("a\n1\n2\n")
    with pytest.raises(Conflict, match="was changed while it was read"):
        file.prepared(chunk)


def written(file: InputFile, *rejects: Reject) -> str:
    stream = io.StringIO(newline="")
    file.write_rejects(iter(rejects), stream)
    return stream.getvalue()


def test_rejects_are_written_as_they_came(
    csv_file: Callable[..., CsvFile], json_file: Callable[..., JsonLinesFile]
) -> None:
    file = csv_file("a,reject_line,reject_reason,b\n'=1,9,old,x\n2\n3,,,\"\n")
    assert written(file, Reject(2, "bad, very"), Reject(3, "1 field, 4 expected"), Reject(4, "broken quotes")) == (
        'reject_line,reject_reason,a,b\n2,"bad, very",\'=1,x\n3,"1 field, 4 expected",2\n4,broken quotes,"3,,,"""\n'
    )
    other = json_file(b'{"n":1.10,"reject_line":9}\nno \xff\n')
    found = [json.loads(line) for line in written(other, Reject(1, "bad"), Reject(2, "is not UTF-8")).splitlines()]
    assert found == [
        {"reject_line": 1, "reject_reason": "bad", "n": 1.1},
        {"reject_line": 2, "reject_reason": "is not UTF-8", "text": "no \ufffd"},
    ]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(cells, cells), max_size=12), st.integers(1, 5), st.integers(1, 40))
def test_whatever_csv_is_written_is_read_in_whatever_chunks(
    csv_file: Callable[..., CsvFile], rows: list[tuple[str, str]], size: int, block: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "CHUNK_RECORDS", size)
        patch.setattr(lines, "BLOCK_BYTES", block)
        file = csv_file(out.getvalue(), exact=True)
        found = [(values["a"] or "", values["b"] or "") for _, _, _, values in staged(file)]
        assert [part.records for part in file.survey.chunks[:-1]] == [size] * (len(file.survey.chunks) - 1)
    assert found == rows
    assert file.survey.records == len(rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(st.sampled_from('a1,"\n\r\0 x'), max_size=60), st.integers(1, 4))
def test_whatever_is_given_every_record_has_a_line_of_its_own(
    csv_file: Callable[..., CsvFile], text: str, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "CHUNK_RECORDS", size)
        patch.setattr(lines, "BLOCK_BYTES", 7)
        file = csv_file(f"a,b\n{text}")
        found = [line for line, _, _, _ in staged(file)]
    assert found == sorted(set(found))
    assert len(found) == file.survey.records


def test_keys_are_uuids_of_version_7_and_in_order() -> None:
    keys = list(lines.new_keys(3))
    assert all(len(key) == 32 and key[12] == "7" and key[16] in "89ab" for key in keys)
    assert len(set(keys)) == 3
    assert min(lines.new_keys(1)) >= keys[0][:12]


def test_documents_are_read_in_any_form_and_any_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    users = [{"id": str(n), "name": "é" * n} for n in range(5)]
    forms = [
        json.dumps(users), json.dumps(users, indent=2), json.dumps({"data": users, "totalCount": 5}),
        json.dumps({"is_paginated": True, "items": users, "pagination": {"next_cursor": None}}, indent=1),
        "\n".join(json.dumps({"items": users[n : n + 2]}) for n in (0, 2, 4)), " ".join(map(json.dumps, users)),
    ]  # fmt: skip
    for block in (1, 7, 1 << 20):
        monkeypatch.setattr(json_document, "BLOCK_CHARACTERS", block)
        for form in forms:
            path.write_text(form)
            assert list(json_document.records(path, "x")) == users
    for broken in ('[{"a":1}', '[{"a":}]', '{"data":[', "[1,2"):
        path.write_text(f"\n{broken}")
        with pytest.raises(UsageError, match="line 2 is not JSON"):
            list(json_document.records(path, "x"))


def test_random_bytes_never_break_a_reader(csv_file: Callable[..., CsvFile], json_file: Callable[..., Any]) -> None:
    chance = random.Random(3)  # noqa: S311 - nothing secret
    for _ in range(30):
        noise = bytes(chance.choices(b'a1,"\n\r\0\xff\xc3\xa9{}[]:\\ ', k=200))
        for file in (csv_file(b"a,b\n" + noise), json_file(noise)):
            assert len(staged(file)) == file.survey.records
