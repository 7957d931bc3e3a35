"""Lines of Chinese, Latin words and emoji, broken at a width in terminal cells."""

import re

from rich.cells import cell_len

_ATOM = re.compile(r"[（(]\s*[）)]|[!-~]+|\s|.", re.DOTALL)
_NOT_FIRST = frozenset("，。；：、！？）》〉」』】〕”’…·％℃,.;:!?)]}%")
_NOT_LAST = frozenset("（《〈「『【〔“‘([{")


def cell_width(text: str) -> int:
    """Return how many terminal cells one line of `text` takes (2 for a Chinese character or an emoji)."""
    return cell_len(text)


def wrap(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most `width` cells.

    Breaks between Chinese characters, around words and numbers with their units, and never puts a closing
    mark first or an opening one last on a line. Only an item wider than a whole line is cut.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for atom in _atoms(paragraph):
            if cell_len(line) + cell_len(atom.rstrip()) <= width:
                line += atom if line or not atom.isspace() else ""
                continue
            if line:
                lines.append(line.rstrip())
            *full, line = _cut(atom.lstrip(), width)
            lines.extend(full)
        lines.append(line.rstrip())
    return lines


def _atoms(text: str) -> list[str]:
    """Split into the smallest pieces that stay on one line."""
    atoms: list[str] = []
    glue = False
    for piece in _ATOM.findall(text):
        closing = piece[0] in _NOT_FIRST or cell_len(piece) == 0
        if atoms and not piece.isspace() and (glue or (closing and not atoms[-1].isspace())):
            atoms[-1] += piece
        else:
            atoms.append(piece)
        glue = piece[-1] in _NOT_LAST
    return atoms


def _cut(atom: str, width: int) -> list[str]:
    """Return `atom` in lines of at most `width` cells (one character a line if even that is too wide)."""
    lines = [""]
    for character in atom:
        if lines[-1] and cell_len(lines[-1]) + cell_len(character) > width:
            lines.append("")
        lines[-1] += character
    return lines
