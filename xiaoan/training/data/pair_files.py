"""Files of `content`/`summary` records, read as the published training script takes them, and written."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from xiaoan.errors import UsageError
from xiaoan.printable import printable
from xiaoan.training.data.pairs import Pair
from xiaoan.whole_files import write_whole

SUFFIXES = (".json", ".jsonl")
_QUOTED_AT_MOST = 60
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_KINDS = {
    str: "文字",
    bool: "真假值",
    int: "数",
    float: "数",
    list: "列表",
    dict: "对象",
    type(None): "空值 null",
}


@dataclass(frozen=True)
class Columns:
    """The keys of a record: what is asked, the answer, and the rounds before (a list of [question, answer])."""

    prompt: str = "content"
    response: str = "summary"
    history: str | None = None


PUBLISHED = Columns()
"""The keys of the published data sets."""


@dataclass(frozen=True)
class PairFile:
    """A file that was read: its pairs, the number of each pair's record, and the records `skipped` as empty.

    Records are counted from 1; with `by_line` the file has one a line, and these are line numbers.
    """

    path: Path
    sha256: str
    pairs: tuple[Pair, ...]
    records: tuple[int, ...]
    skipped: tuple[int, ...]
    by_line: bool

    def place(self, record: int) -> str:
        """Return how a person finds a record: `第 3 行`, or `第 3 条`."""
        return f"第 {record} {'行' if self.by_line else '条'}"


def read_pair_file(path: Path, columns: Columns = PUBLISHED) -> PairFile:
    """Return the pairs of a .json or .jsonl file: a list of records, or one record a line.

    A record whose prompt or response is missing, null or empty is skipped, as the published script does.

    Raises:
        UsageError: the file is no such file; the message names the line or record, what was found and what to do.
    """
    data = _bytes_of(path)
    text = _decoded(data, path)
    by_line = not text.lstrip().startswith("[")
    records = list(_lines_of(text, path) if by_line else enumerate(_list_of(text, path), start=1))
    if not records:
        raise UsageError(f"{path} 是空的，没有一条记录；请检查是不是写错了文件。")
    pairs: list[Pair] = []
    numbers: list[int] = []
    skipped: list[int] = []
    seen: set[str] = set()
    for number, record in records:
        where = f"{path} 第 {number} {'行' if by_line else '条'}"
        pair = _pair_of(record, columns, where)
        seen.update(record)
        if pair is None:
            skipped.append(number)
        else:
            pairs.append(pair)
            numbers.append(number)
    _check_columns(columns, seen, path)
    return PairFile(
        path, hashlib.sha256(data).hexdigest(), tuple(pairs), tuple(numbers), tuple(skipped), by_line
    )


def read_pairs(path: Path, columns: Columns = PUBLISHED) -> list[Pair]:
    """Return the pairs of a file as `read_pair_file` does."""
    return list(read_pair_file(path, columns).pairs)


def write_pairs(path: Path, pairs: Sequence[Pair]) -> None:
    """Write the pairs, a record a line, as a JSON list (.json) or as JSON Lines (.jsonl): equal pairs, equal bytes.

    Raises:
        UsageError: another suffix.
        StorageError: the file cannot be written.
    """
    check_suffix(path)
    records = [json.dumps(_record_of(pair), ensure_ascii=False) for pair in pairs]
    before, between, behind = ("[\n", ",\n", "\n]\n") if path.suffix.lower() == ".json" else ("", "\n", "\n")
    text = before + between.join(records) + behind
    write_whole(path, text.encode())


def check_suffix(path: Path) -> None:
    """Raise UsageError if `path` does not end in .json or .jsonl."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"训练数据文件 {path} 要以 .json 或 .jsonl 结尾；请改文件名。")


def _record_of(pair: Pair) -> dict[str, Any]:
    record: dict[str, Any] = {"content": pair.content, "summary": pair.summary}
    return {**record, "history": [list(turn) for turn in pair.history]} if pair.history else record


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = "没有这个文件" if isinstance(error, FileNotFoundError) else str(error)
        reason = "它是文件夹" if isinstance(error, IsADirectoryError) else reason
        raise UsageError(f"读不到训练数据文件 {printable(str(path))}：{reason}。请检查路径。") from error


def _decoded(data: bytes, path: Path) -> str:
    """The text of UTF-8 bytes, with or without a mark, line ends as they are."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UsageError(
            f"{path} 是表格或压缩文件，不是训练数据。题库请先用 xiaoan dataset build --bank 题库 --out 数据.json 转换。"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = _other_encoding(data)
        raise UsageError(
            f"{path} 第 {line} 行不是 UTF-8 编码{found}。请用记事本打开，另存为时编码选 UTF-8，再试一次。"
        ) from error


def _other_encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "（看起来是 UTF-16）"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "（看起来是 GBK）"


def _list_of(text: str, path: Path) -> list[Any]:
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            _json_fault(error, f"{path} 第 {error.lineno} 行", _line(text, error.lineno))
        ) from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{path} 里的列表套得太深或数字太长，不是训练数据文件。") from error
    assert isinstance(records, list)
    return records


def _lines_of(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """Yield line number and record; lines with nothing on them count but hold none."""
    for number, line in enumerate(text.split("\n" if "\n" in text else "\r"), start=1):
        if not line.strip():
            continue
        where = f"{path} 第 {number} 行"
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            if number == 1 and _is_one_document(text):
                raise UsageError(
                    f"{path} 是一个分成几行写的对象，不是一串记录。应当一行一条，或用 [ ] 括起来、逗号隔开。"
                ) from error
            raise UsageError(_json_fault(error, where, line)) from error
        except (RecursionError, ValueError) as error:
            raise UsageError(f"{where}套得太深或数字太长，不是一条记录。") from error


def _is_one_document(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _line(text: str, number: int) -> str:
    return next(islice(text.split("\n"), number - 1, number), "")


def _json_fault(error: json.JSONDecodeError, where: str, line: str) -> str:
    """What is wrong with a piece of JSON, in words for whoever wrote it by hand."""
    rest = line.strip()
    if "'" in rest[:2]:
        why = "用了单引号；JSON 要用双引号"
    elif error.msg == "Extra data" and rest.endswith(","):
        why = "末尾多了一个逗号；一行一条的文件里，行末不写逗号"
    elif error.msg.startswith(("Illegal trailing comma", "Expecting property name")) or (
        error.msg == "Expecting value" and rest[:1] in ("]", "}")
    ):
        why = "前面多了一个逗号；最后一项后面不写逗号"
    elif error.msg == "Extra data":
        why = f"第 {error.colno} 个字符起多了内容；一行只写一条"
    elif error.msg.startswith("Invalid control character"):
        why = f"第 {error.colno} 个字符处，引号里直接换了行或有制表符；应写成 \\n 或 \\t"
    elif error.msg.startswith("Expecting ',' delimiter"):
        why = f'第 {error.colno} 个字符处少了逗号，或文字里的引号没有写成 \\"'
    elif error.msg.startswith("Unterminated string"):
        why = f"第 {error.colno} 个字符处的引号没有收尾；文件可能没有写完"
    else:
        why = f"第 {error.colno} 个字符处写得不对"
    return f"{where}不是 JSON：{why}。\n这一行：{_quoted(line)}"


def _quoted(text: str) -> str:
    shown = printable(text).strip()
    return shown if len(shown) <= _QUOTED_AT_MOST else shown[:_QUOTED_AT_MOST] + "…"


def _pair_of(record: Any, columns: Columns, where: str) -> Pair | None:
    if not isinstance(record, dict):
        raise UsageError(
            f"{where}是{_kind(record)}，应当是一条记录，如 "
            f'{{"{columns.prompt}": "题目", "{columns.response}": "答案"}}。'
        )
    prompt, response = (
        _text_of(record.get(name), name, where) for name in (columns.prompt, columns.response)
    )
    history = _history_of(record.get(columns.history), columns.history, where) if columns.history else ()
    return Pair(prompt, response, history) if prompt and response else None


def _text_of(value: Any, name: str, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and _HALF_CHARACTER.search(value):
        raise UsageError(f"{where}的 {name} 里有半个字符（\\ud83d 这样的）；请重新导出这个文件。")
    if not isinstance(value, str):
        raise UsageError(
            f"{where}的 {name} 是{_kind(value)}（{_quoted(str(value))}），应当是文字；请加上双引号。"
        )
    return value


def _history_of(value: Any, name: str, where: str) -> tuple[tuple[str, str], ...]:
    turns = [] if value is None else value
    is_rounds = isinstance(turns, list) and all(
        isinstance(turn, list) and len(turn) == 2 and all(isinstance(text, str) for text in turn)
        for turn in turns
    )
    if not is_rounds:
        raise UsageError(
            f'{where}的 {name} 应当是几轮问答 [["问", "答"], ["问", "答"]]，现在是 {_quoted(str(value))}。'
        )
    return tuple((question, answer) for question, answer in turns)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _check_columns(columns: Columns, found: set[str], path: Path) -> None:
    """Raise UsageError for a column that no record has."""
    for name, flag in (
        (columns.prompt, "--prompt-column"),
        (columns.response, "--response-column"),
        (columns.history, "--history-column"),
    ):
        if name is not None and name not in found:
            names = "、".join(map(printable, sorted(found)[:10])) or "（没有列）"
            raise UsageError(f"{path} 没有一条记录有 {name} 这一列；有：{names}。请用 {flag} 指定列名。")
