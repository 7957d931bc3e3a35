"""TOML and YAML files as plain tables of texts, with what people get wrong in them named by line."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    import yaml  # type: ignore[import-untyped]

LARGEST_FILE = 1_000_000
_DEEPEST = 12
_YAML_NAMES = (".yaml", ".yml")
_TOML_PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_WIDE = "“”＝【］［，＂"


def read_document(path: Path) -> Mapping[str, Any]:
    """Return the file's tables. Numbers of TOML are int or Decimal; in YAML every value is text.

    Raises:
        UsageError: another kind of file, not UTF-8, too large, or not TOML or YAML; the line is named.
        StorageError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in (".toml", *_YAML_NAMES):
        raise UsageError(f"{path} 的扩展名是「{suffix or '（没有）'}」，模板应为 .toml、.yaml 或 .yml 文件。")
    text = _text_of(path)
    return _toml(text, path) if suffix == ".toml" else _yaml(text, path)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise StorageError(f"读不了模板 {path}：{error.strerror or error}。请检查路径。") from error
    if len(data) > LARGEST_FILE:
        raise UsageError(f"模板 {path} 超过 {LARGEST_FILE:,} 字节，请拆成几个文件。")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"模板 {path} 第 {line} 行不是 UTF-8 文字，请用编辑器另存为 UTF-8。") from error


def _toml(text: str, path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        lines = text.split("\n")
        number = int(found[1]) if found and found[1] else len(lines)
        place = f"第 {number} 行" + (f"第 {found[2]} 个字" if found and found[2] else "")
        hint = _toml_hint(lines[number - 1] if number <= len(lines) else "")
        raise UsageError(f"模板 {path} {place}看不懂（{error}）。{hint}") from error
    except (RecursionError, ArithmeticError) as error:
        raise UsageError(f"模板 {path} 里的括号套得太深，或有写得不对的数。") from error


def _toml_hint(line: str) -> str:
    if "\\" in line:
        return "这一行有反斜杠：文字请放在单引号里，如 step = '步骤#点名\\*语音#%s'。"
    wide = [character for character in _WIDE if character in line]
    if wide:
        return f"这一行有全角符号 {' '.join(wide)}：引号、等号、方括号和逗号要用半角的。"
    return '每一行应像 name = "姓名" 这样写，文字放在半角引号里。'


def _yaml(text: str, path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        _check_events(text, path)
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        document = {} if node is None else _plain(node, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"第 {mark.line + 1} 行第 {mark.column + 1} 个字" if mark else ""
        problem = getattr(error, "problem", None) or "有不能出现的字符"
        raise UsageError(
            f"模板 {path} {place}看不懂（{problem}）。缩进要用空格，冒号后面要有空格；文字最好放在半角引号里。"
        ) from error
    if not isinstance(document, dict):
        raise UsageError(f"模板 {path} 最外层应为「名称: 值」，现在不是。")
    return document


def _check_events(text: str, path: Path) -> None:
    """Refuse what could make a small file endless: aliases and deep nesting."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise UsageError(
                f"模板 {path} 第 {event.start_mark.line + 1} 行用了 *{event.anchor}（引用别处），模板里不能用；"
                "请写出内容，文字里的 * 要放在引号里。"
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise UsageError(f"模板 {path} 第 {event.start_mark.line + 1} 行套得太深（超过 {_DEEPEST} 层）。")


def _plain(node: "yaml.Node", path: Path) -> Any:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, path) for one in node.value]
    if not isinstance(node, yaml.MappingNode):
        return node.value
    table: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in table:
            raise UsageError(
                f"模板 {path} 第 {key.start_mark.line + 1} 行的「{key.value}」写了两次，或不是名称。"
            )
        table[key.value] = _plain(value, path)
    return table
