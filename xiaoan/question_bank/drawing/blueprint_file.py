"""A blueprint as a person writes it: the TOML file, its keys, and everything that can be wrong with them."""

import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiaoan.errors import StorageError, UsageError
from xiaoan.question_bank.drawing.blueprint import PASS_PERCENT, TITLE, Blueprint, Part
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.parsing import TYPE_WORDS
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.statistics import clause_chapter

_KEYS = ("title", "minutes", "pass_percent", "partial_credit", "parts")
_PART_KEYS = ("type", "count", "points", "professions", "chapters", "profession_weights", "chapter_weights")
_MOST_QUESTIONS = 10_000
_FEWEST_POINTS = 0.01
_MOST_SHOWN = 8
_LONGEST_SHOWN = 60
_PARTIAL_CREDITS = tuple(one.value for one in PartialCredit)
_EXAMPLE = '[[parts]]，下面写 type = "单选题" 和 count = 40'


def read(path: Path) -> Blueprint:
    """Return the blueprint in the file; errors as `blueprint.read_blueprint`."""
    values = _read_toml(path)
    problems: list[str] = []
    blueprint = _blueprint(_Table(values, "", problems))
    if problems:
        shown = problems[:_MOST_SHOWN]
        if len(problems) > _MOST_SHOWN:
            shown.append(f"……还有 {len(problems) - _MOST_SHOWN} 处。")
        raise UsageError("\n".join([f"组卷方案 {path} 不能用：", *shown]))
    return blueprint


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"找不到组卷方案 {path}。检查路径，或不写方案，用 100 分的标准卷。") from None
    except IsADirectoryError:
        raise UsageError(f"组卷方案 {path} 是一个文件夹，应是一个 .toml 文件。") from None
    except OSError as error:
        raise StorageError(f"读不了组卷方案 {path}：{error.strerror or error}。") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"组卷方案 {path} 不是 UTF-8 编码的文本，请另存为 UTF-8。") from error
    except (ValueError, RecursionError) as error:  # a number of 5000 figures is a ValueError of its own
        raise UsageError(
            f"组卷方案 {path} 不是合格的 TOML：{error}。文字和中文的键都要放在双引号里。"
        ) from error


@dataclass(frozen=True)
class _Table:
    """One table of the file; what is wrong with it is put into `problems`, and a default taken instead."""

    values: Mapping[str, Any]
    where: str
    problems: list[str]

    def refuse_others(self, known: Collection[str]) -> None:
        for key in self.values:
            if key not in known:
                self.problems.append(f"{self.where}不认识 {key}。可以写：{'、'.join(known)}。")

    def get(self, key: str, default: Any, fits: Callable[[Any], bool], possible: str) -> Any:
        """Return the value of `key` if it fits; an `Ellipsis` for default says that it has to be there."""
        value = self.values.get(key, default)
        if value is ...:
            self.problems.append(f"{self.where}没有 {key}，应是{possible}。")
        elif value is not default and not fits(value):
            self.problems.append(f"{self.where}{key} 写的是 {_shortened(value)}，应是{possible}。")
            return default
        return value

    def say(self, key: str, problem: str) -> None:
        self.problems.append(f"{self.where}{key} 里{problem}")


def _blueprint(table: _Table) -> Blueprint:
    table.refuse_others(_KEYS)
    title = table.get("title", TITLE, _is_line, "一行文字")
    minutes = table.get("minutes", None, _is_positive, "大于 0 的数，单位分钟；不限时就不写")
    pass_percent = table.get("pass_percent", PASS_PERCENT, _is_percent, "0 到 100 的数")
    partial = table.get("partial_credit", None, _is_one_of(_PARTIAL_CREDITS), " none、half 或 share")
    parts = table.get("parts", ..., _is_list_of_tables, f"一个或几个 {_EXAMPLE}")
    return Blueprint(
        title=title.strip(),
        parts=tuple(
            _part(_Table(values, f"第 {number} 个 [[parts]]：", table.problems))
            for number, values in enumerate(parts if isinstance(parts, list) else (), 1)
        ),
        minutes=None if minutes is None else float(minutes),
        pass_percent=float(pass_percent),
        partial_credit=None if partial is None else PartialCredit(partial),
    )


def _part(table: _Table) -> Part:
    table.refuse_others(_PART_KEYS)
    question_type = table.get("type", ..., _is_one_of(TYPE_WORDS), "、".join(QuestionType))
    count = table.get("count", ..., _is_count, f" 1 到 {_MOST_QUESTIONS} 的整数")
    points = table.get("points", 1, _is_worth, f"大于 0 的数，最少 {_FEWEST_POINTS}")
    professions, profession_weights = _names(table, "professions", "profession_weights", '"变电"')
    chapters, chapter_weights = _names(table, "chapters", "chapter_weights", '"变电安规 7"')
    _refuse_other_than_chapters(table, "chapters", chapters)
    _refuse_other_than_chapters(table, "chapter_weights", chapter_weights)
    return Part(
        QuestionType.SINGLE if question_type is ... else TYPE_WORDS[question_type],
        1 if count is ... else count,
        float(points),
        professions,
        chapters,
        profession_weights,
        chapter_weights,
    )


def _names(
    table: _Table, listed: str, weighed: str, example: str
) -> tuple[tuple[str, ...], dict[str, float]]:
    """The names in the list `listed`, and the weights in the table `weighed`."""
    names = table.get(listed, [], _is_list_of_names, f"名字的列表，如 [{example}]")
    weights = table.get(weighed, {}, _is_weights, f"名字和大于 0 的数，如 {{ {example} = 2 }}")
    outside = [name for name in weights if names and name not in names]
    if outside:
        table.say(weighed, f"的“{'”“'.join(outside)}”不在 {listed} 里：补到 {listed}，或从 {weighed} 删掉。")
    return tuple(names), dict(weights)


def _refuse_other_than_chapters(table: _Table, key: str, names: Collection[str]) -> None:
    for name in names:
        chapter = clause_chapter(name)
        if chapter.replace(" ", "") != normalize_text(name).replace(" ", ""):
            table.say(key, f"的“{name}”不是一章，应是规程的名字和一个号，如“{chapter or '变电安规 7'}”。")


def _shortened(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}…"


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _is_positive(value: Any) -> bool:
    return _is_number(value) and 0 < value <= 1_000_000


def _is_worth(value: Any) -> bool:
    return _is_positive(value) and value >= _FEWEST_POINTS


def _is_percent(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 100


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_QUESTIONS


def _is_one_of(possible: Collection[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in possible


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_line, value))


def _is_weights(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_positive, value.values()))
