"""The prefixes that lie ready to be used: where they are looked for, and which one a typed name means."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xiaoan.config import OFF
from xiaoan.errors import UsageError

CARD_NAME, WEIGHTS_NAME = "prefix.json", "prefix.safetensors"
_PUBLISHED_NAMES = ("pytorch_model.bin", "model.safetensors")
_NONE_WORDS = frozenset({OFF, "none", "不用", "关", "无"})
_QUOTES = "\"'“”"


@dataclass(frozen=True)
class Shelf:
    """Where prefixes are kept: the one that ships with the program, and folders whose subfolders are prefixes."""

    shipped: Path | None = None
    folders: tuple[Path, ...] = ()

    def prefixes(self) -> tuple[Path, ...]:
        """Return the folders of all prefixes, the shipped one first; what cannot be read is not there."""
        shipped = [self.shipped] if self.shipped is not None and is_prefix(self.shipped) else []
        found = [path for folder in self.folders for path in prefixes_in(folder)]
        return tuple(dict.fromkeys([*shipped, *found]))


def is_prefix(folder: Path) -> bool:
    """Whether `folder` holds a finished prefix of ours."""
    return (folder / CARD_NAME).is_file() and (folder / WEIGHTS_NAME).is_file()


def prefixes_in(folder: Path) -> list[Path]:
    """Return the prefixes right inside `folder`, by name; a folder that cannot be read has none."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in inside if path.is_dir() and is_prefix(path)]


def named_prefix(shelf: Shelf, typed: str) -> Path | None:
    """Return the prefix that `typed` means: a name on the shelf, or a path; None for none (`off`).

    Raises:
        UsageError: there is no such prefix, or there are several of that name.
    """
    name = typed.strip().strip(_QUOTES)
    if name.casefold() in _NONE_WORDS:
        return None
    known = shelf.prefixes()
    same = [path for path in known if path.name == name]
    if len(same) == 1:
        return same[0]
    if same:
        raise UsageError(f"有 {len(same)} 个叫 {name} 的前缀，请写出路径：{'、'.join(map(str, same))}。")
    path = Path(name).expanduser()
    if path.exists():
        return path
    close = difflib.get_close_matches(name, [path.name for path in known], n=1)
    hint = f"是不是 {close[0]}？" if close else ""
    raise UsageError(f"没有叫 {name} 的前缀，也没有这个文件夹。{hint}/prefix 列出现有的前缀。")


def holds_prefix(path: Path) -> bool:
    """Whether `path` itself can be loaded as a prefix: a weight file, or a folder with weights in it."""
    return path.is_file() or is_prefix(path) or any((path / name).is_file() for name in _PUBLISHED_NAMES)


def description(path: Path) -> str:
    """Return in a few words what the card says about the prefix: base, forms of question, length."""
    try:
        card = json.loads((path / CARD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "没有说明卡"
    if not isinstance(card, dict):
        return "说明卡读不懂"
    parts = [f"底座 {card.get('base', '不明')}"]
    forms = card.get("forms")
    if isinstance(forms, list) and forms:
        parts.append(f"问法 {'、'.join(map(str, forms))}")
    if isinstance(card.get("pre_seq_len"), int):
        parts.append(f"长度 {card['pre_seq_len']}")
    return "，".join(parts)


def names_to_type(shelf: Shelf) -> Sequence[str]:
    """Return what can be typed for the prefixes of the shelf: the name where it is unique, else the path."""
    known = shelf.prefixes()
    names = [path.name for path in known]
    return [path.name if names.count(path.name) == 1 else str(path) for path in known]
