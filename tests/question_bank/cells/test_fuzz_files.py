import random
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest

from tests.question_bank.workbooks import archive, write_csv, write_ods, write_sheets, write_xls
from xiaoan.errors import BankError
from xiaoan.question_bank.cells.reading_process import SheetReader
from xiaoan.question_bank.cells.sheets import Sheet

ROWS: list[list[object]] = [
    ["序号", "题型", "题干", "选项", "答案"],
    *([n, "单选题", f"第{n}题，应先（ ）", "A-停电|B-验电", "AB"[n % 2]] for n in range(1, 30)),
    [30, "判断题", "限值为 75%", 0.75, datetime(2009, 5, 1)],
]
CASES = 600
Damage = Callable[[random.Random, bytes], bytes]

TOKENS = (
    *(
        b"<",
        b">",
        b"/",
        b'"',
        b"'",
        b"&",
        b";",
        b"]]>",
        b"<!--",
        b"<![CDATA[",
        b"<?",
        b"\0",
        b"\xff\xfe",
        b"A1",
    ),
    *(
        b'r="GR1048576"',
        b'r="A0"',
        b' t="s"',
        b' t="e"',
        b' hidden="1"',
        b"<f>1</f>",
        b"<c><v>1</v></c>",
        b"1e999",
    ),
    *(
        b"4294967295",
        b"-1",
        b"99999999999999999999",
        b"table:number-rows-repeated=",
        b"<row>",
        b"</row>",
        b"NaN",
    ),
    *(b"&#0;", b"&#xD800;", b"&#x110000;", b"&x;", b"_x0000_", b"_xD800_", b",", b"\t", b"\r\n", b'"" "'),
)


def flipped(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 64))):
        changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def cut(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 400) :] if rng.random() < 0.5 else data[: start + 1]


def spliced(rng: random.Random, data: bytes) -> bytes:
    start, size, place = rng.randrange(len(data)), rng.randrange(1, 300), rng.randrange(len(data))
    return data[:place] + data[start : start + size] * rng.choice((1, 1, 2, 50)) + data[place:]


def inserted(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice((1, 2, 5))):
        place = rng.randrange(len(data))
        data = (
            data[:place]
            + rng.choice(TOKENS) * rng.choice((1, 1, 3))
            + data[place + rng.choice((0, 0, 1, 4)) :]
        )
    return data


def numbers_changed(rng: random.Random, data: bytes) -> bytes:
    """Two or four bytes become a number at the edge: lengths and counts of binary records."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3))):
        size = rng.choice((2, 4))
        place = rng.randrange(0, len(changed) - size)
        number = rng.choice((0, 1, 0xFF, 0x7FFF, 0xFFFF, 0xFFFFFFFE, 2**31)) % 2 ** (8 * size)
        changed[place : place + size] = number.to_bytes(size, "little")
    return bytes(changed)


ON_BYTES: tuple[Damage, ...] = (flipped, cut, spliced, numbers_changed)
ON_TEXT: tuple[Damage, ...] = (flipped, cut, spliced, inserted)


def within_a_part(rng: random.Random, data: bytes, names: tuple[str, ...]) -> bytes:
    """Damage inside one part of an archive, which is packed anew with sound sizes and sums."""
    with zipfile.ZipFile(BytesIO(data)) as opened:
        parts: dict[str, str | bytes] = {name: opened.read(name) for name in opened.namelist()}
    victim = rng.choice([name for name in parts if name.endswith(names)])
    part = parts[victim]
    assert isinstance(part, bytes)
    if rng.random() < 0.03:
        del parts[victim]
    else:
        parts[victim] = rng.choice(ON_TEXT)(rng, part)
    return archive(parts)


def damaged(kind: str, data: bytes) -> Iterator[bytes]:
    rng = random.Random(f"小安 {kind}")  # the same cases in every run
    for number in range(CASES):
        if kind in ("xlsx", "ods") and number % 4:
            yield within_a_part(rng, data, (".xml", ".rels"))
        else:
            yield rng.choice(ON_TEXT if kind == "csv" else ON_BYTES)(rng, data)


def sound_file(kind: str, folder: Path) -> bytes:
    path = folder / "题库"
    if kind == "xlsx":
        write_sheets(
            path, {"单选": ROWS, "旧": ROWS[:3]}, formats={"D31": "0%"}, hidden_rows=[4], merged=["A40:C41"]
        )
    elif kind == "xls":
        write_xls(path, ROWS, formats={(31, 4): "0%", (31, 5): "yyyy-mm-dd"}, hidden_rows=[4])
    elif kind == "ods":
        write_ods(path, [[str(cell) if isinstance(cell, datetime) else cell for cell in row] for row in ROWS])
    else:
        write_csv(path, ROWS)
    return path.read_bytes()


def check(sheets: list[Sheet]) -> None:
    for sheet in sheets:
        assert len({len(row) for row in sheet.rows}) <= 1
        assert all(isinstance(cell, str) for row in sheet.rows for cell in row)
        width = len(sheet.rows[0]) if sheet.rows else 0
        assert all(1 <= row <= len(sheet.rows) and 1 <= column <= width for row, column in sheet.remarks)


def end_of(message: str, path: Path) -> str:
    if not message.startswith(f"题库 {path} "):
        return "nameless"
    if "秒还没有读完" in message:
        return "late"
    return "died" if "读取进程退出" in message else "refused"


@pytest.mark.parametrize(
    "kind",
    [*("xlsx", "csv"), *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("xls", "ods"))],
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(kind: str, tmp_path: Path) -> None:
    sound = sound_file(kind, tmp_path)
    path = Path(f"坏.{kind}")
    ends: Counter[str] = Counter()
    with SheetReader(memory_limit_bytes=2**29, timeout_s=10) as reader:
        check(reader.read_data(path, sound))
        for data in damaged(kind, sound):
            try:
                check(reader.read_data(path, data))
                ends["read"] += 1
            except BankError as error:
                ends[end_of(error.message, path)] += 1
    assert ends.total() == CASES
    assert ends["read"] > CASES // 100
    assert ends["refused"] > 10 or kind == "csv"
    assert ends["late"] == ends["nameless"] == 0
    assert ends["died"] < CASES // 20, "the checks before reading catch nearly all that would end the process"
