"""From token ids to the answer text that people see, without ever taking back a character.

The whole answer is `process_response(tokenizer.decode(ids))`: byte pieces become characters, named whitespace
pieces become whitespace, blanks before Latin marks go, the ends are stripped, and a mark beside a Chinese
character becomes full-width. `AnswerText` does the same one id at a time. It is a chain of small stages, each
the streaming twin of one string operation: it gives out what no later input can change and keeps the rest.
"""

import re
from typing import Protocol

from xiaoan.chatglm.tokenization_chatglm import (
    LONGEST_BLANK_RUN,
    NEWLINE_PIECE,
    TAB_PIECE,
    ChatGLMTokenizer,
    blank_piece,
)

TRAINING_TIME = ("[[训练时间]]", "2023年")
FULL_WIDTH_MARKS = str.maketrans({",": "，", "!": "！", ":": "：", ";": "；", "?": "？"})
_CHINESE = "\u4e00-\u9fff"
_MARK_BESIDE_CHINESE = re.compile(f"(?<=[{_CHINESE}])[,!:;?]|[,!:;?](?=[{_CHINESE}])")
_UNDECIDED_MARK = re.compile(rf"(?<![{_CHINESE}])[,!:;?]\Z")
_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")
_WHITESPACE_PIECES = (NEWLINE_PIECE, TAB_PIECE, *(blank_piece(n) for n in range(2, LONGEST_BLANK_RUN + 1)))
_CLEANUPS = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
"""What `clean_up_tokenization` replaces, in its order."""


def process_response(text: str) -> str:
    """Return a decoded answer as the published model shows it.

    Stripped; the training-time placeholder filled in; the marks `,!:;?` full-width where a Chinese character
    stands directly before or after.
    """
    text = text.strip().replace(*TRAINING_TIME)
    return _MARK_BESIDE_CHINESE.sub(lambda mark: mark[0].translate(FULL_WIDTH_MARKS), text)


class AnswerText:
    """The text of ids that come one at a time; all `feed` and the final `finish` joined are the whole answer.

    The cost of a token does not depend on how many came before. Ids without a piece (the published embedding
    has more rows than the vocabulary) say nothing, where `tokenizer.decode` would raise IndexError.
    """

    def __init__(self, tokenizer: ChatGLMTokenizer) -> None:
        self._pieces = _PieceText(tokenizer)
        cleanups = _CLEANUPS if tokenizer.clean_up_tokenization_spaces else ()
        self._stages: tuple[_Stage, ...] = (
            _WhitespaceNames(tokenizer),
            *(_Replacement(old, new) for old, new in cleanups),
            _Strip(),
            _Replacement(*TRAINING_TIME),
            _MarkWidth(),
        )

    def feed(self, token_id: int) -> str:
        """Return the text that `token_id` settles, often its own, sometimes none or more."""
        text = self._pieces.feed(token_id)
        for stage in self._stages:
            if not text:
                return ""
            text = stage.feed(text)
        return text

    def finish(self) -> str:
        """Return what was held back until the end."""
        text = self._pieces.finish()
        for stage in self._stages:
            text = stage.feed(text) + stage.finish()
        return text


class _Stage(Protocol):
    def feed(self, text: str) -> str: ...

    def finish(self) -> str: ...


class _PieceText:
    """`sp_model.decode_pieces` piece by piece: bytes wait for their character, the first blank is dropped."""

    def __init__(self, tokenizer: ChatGLMTokenizer) -> None:
        self._tokenizer = tokenizer
        self._padding, self._first_piece = tokenizer.pad_token_id, tokenizer.num_image_tokens
        self._bytes = bytearray()
        self._opening: list[str] | None = []  # pieces without text so far; None once there is text

    def feed(self, token_id: int) -> str:
        # Image tokens, which stand before the pieces, and padding say nothing.
        if token_id < self._first_piece or token_id == self._padding or not self._has_piece(token_id):
            return ""
        piece = str(self._tokenizer.convert_ids_to_tokens(token_id))
        byte = _BYTE_PIECE.fullmatch(piece)
        if byte is None:
            return self.finish() + self._surface(piece)
        self._opening = None
        self._bytes.append(int(byte[1], 16))
        return _take_characters(self._bytes, at_end=False)

    def finish(self) -> str:
        return _take_characters(self._bytes, at_end=True)

    def _has_piece(self, token_id: int) -> bool:
        return token_id < self._tokenizer.vocab_size or token_id in self._tokenizer.added_tokens_decoder

    def _surface(self, piece: str) -> str:
        decode_pieces = self._tokenizer.sp_model.decode_pieces
        if self._opening is None:
            return str(decode_pieces(["x", piece])[1:])  # after some text a blank is a blank
        text = str(decode_pieces([*self._opening, piece]))
        if text:
            self._opening = None
        elif not self._opening and decode_pieces(["x", piece]) != "x":
            self._opening.append(piece)  # one dropped blank tells all: a second one is kept or dropped alike
        return text


def _take_characters(pending: bytearray, *, at_end: bool) -> str:
    """Remove all complete characters from `pending` and return them; a wrong byte is one U+FFFD."""
    characters = []
    while pending:
        lead = pending[0]
        size = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        try:
            characters.append(pending[:size].decode())
        except UnicodeDecodeError as error:
            if not at_end and error.reason == "unexpected end of data":
                break
            characters.append("\ufffd")
            size = 1
        del pending[:size]
    return "".join(characters)


class _WhitespaceNames:
    """`tokenizer.restore_whitespace`; a `<` waits while it may still begin the name of a whitespace piece."""

    def __init__(self, tokenizer: ChatGLMTokenizer) -> None:
        self._tokenizer = tokenizer
        self._pending = ""

    def feed(self, text: str) -> str:
        text = self._pending + text
        place = text.rfind("<")
        self._pending = ""
        if place < 0:
            return text
        opened = text[place:]
        if any(len(opened) < len(name) and name.startswith(opened) for name in _WHITESPACE_PIECES):
            text, self._pending = text[:place], opened
        return self._tokenizer.restore_whitespace(text)

    def finish(self) -> str:
        return self._pending


class _Replacement:
    """`text.replace(old, new)`; an ending that may still become `old` waits."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new
        self._beginnings = tuple(old[:n] for n in range(len(old) - 1, 0, -1))
        self._pending = ""

    def feed(self, text: str) -> str:
        text = self._pending + text
        self._pending = ""
        if self._old[0] not in text:
            return text
        *before, rest = text.split(self._old)
        for beginning in self._beginnings:
            if rest.endswith(beginning):
                self._pending = beginning
                rest = rest[: -len(beginning)]
                break
        return self._new.join([*before, rest])

    def finish(self) -> str:
        return self._pending


class _Strip:
    """`text.strip()`; whitespace waits for what follows it."""

    def __init__(self) -> None:
        self._begun = False
        self._pending = ""

    def feed(self, text: str) -> str:
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        kept = text.rstrip()
        if not kept:
            self._pending += text
            return ""
        text, self._pending = self._pending + kept, text[len(kept) :]
        return text

    def finish(self) -> str:
        return ""


class _MarkWidth:
    """The full-width rule; a mark at the end waits when only the character after it can decide."""

    def __init__(self) -> None:
        self._previous = ""
        self._pending = ""

    def feed(self, text: str) -> str:
        if not text:
            return ""
        text = self._previous + self._pending + text
        self._pending = text[-1] if _UNDECIDED_MARK.search(text) else ""
        settled = _MARK_BESIDE_CHINESE.sub(lambda mark: mark[0].translate(FULL_WIDTH_MARKS), text)
        settled = settled[len(self._previous) : len(settled) - len(self._pending)]
        self._previous = text[len(text) - len(self._pending) - 1] if len(text) > len(self._pending) else ""
        return settled

    def finish(self) -> str:
        return self._pending
