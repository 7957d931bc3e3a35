"""An answer shown as it comes: the model in a thread of its own, Ctrl-C heeded, the wait for a model said."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from xiaoan.assistant.answering import Answer
from xiaoan.assistant.engine import Piece, StopSignal
from xiaoan.repl.background import Background
from xiaoan.repl.interrupts import Interrupts
from xiaoan.terminal.screen import Screen

Ask = Callable[[StopSignal], Iterator[Piece | Answer]]
"""Begins one answer that ends when the signal says so."""

_TICK_S = 0.05
_FRAME_S = 1 / 30
"""Pieces that come within one frame are written together: at several hundred a second nobody sees the difference."""


@dataclass(frozen=True)
class Streamed:
    """A finished answer and the text that was shown of it on the way."""

    answer: Answer
    text: str


@dataclass(frozen=True)
class _Failure:
    """An exception on its way from the answering thread to the session."""

    error: Exception


_Item = Piece | Answer | _Failure | None


def stream_answer(
    ask: Ask, screen: Screen, interrupts: Interrupts, *, clock: Callable[[], float] = time.monotonic
) -> Streamed | None:
    """Show the pieces as they come and return the finished answer; None if the person is leaving.

    The model has a thread of its own, so that showing never slows it, and a slow terminal gets fewer and larger writes.
    The first piece is shown at once. What `ask` raises is raised here.
    """
    items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    threading.Thread(
        target=_answer_into, args=(items, ask, interrupts), name="xiaoan-answer", daemon=True
    ).start()
    screen.begin_answer()
    text = ""
    frame_end = clock()

    def frame_left_s() -> float:
        return frame_end - clock()

    while not interrupts.leaving:
        batch = _next_batch(items, frame_left_s)
        piece = "".join(item.text for item in batch if isinstance(item, Piece))
        if piece:
            text += piece
            screen.piece(piece)
            frame_end = clock() + _FRAME_S
        for item in batch:
            if isinstance(item, Answer):
                return Streamed(item, text)
            if isinstance(item, _Failure):
                raise item.error
            if item is None:
                raise AssertionError("an answer ends with an Answer")
    screen.close_line()
    return None


def wait_for_model(
    model: Background[Any], screen: Screen, interrupts: Interrupts, *also: Background[Any], saying: str
) -> bool:
    """Wait for the model and what else is needed, `saying` so; return False if the person would not wait."""
    model.start()
    said: set[str] = set()
    while not all(work.wait(_TICK_S) for work in (model, *also)):
        if interrupts.stopped:
            return False
        if not said:
            screen.notice(saying)
        # A stage is said once, not at every per cent: what is on the screen is never rewritten.
        stage = re.sub(r"\s*\d.*", "", model.progress)
        if stage not in said | {""}:
            screen.notice(f"… {stage}")
        said |= {stage, ""}
    return True


def _answer_into(items: "queue.SimpleQueue[_Item]", ask: Ask, interrupts: Interrupts) -> None:
    """Put the pieces, the finished answer or the failure into `items`, then None."""
    try:
        for item in ask(interrupts.should_stop):
            items.put(item)
    except Exception as error:  # noqa: BLE001 - handed to the session's loop, which shows it
        items.put(_Failure(error))
    finally:
        items.put(None)


def _next_batch(items: "queue.SimpleQueue[_Item]", frame_left_s: Callable[[], float]) -> list[_Item]:
    """Return all that waits and comes until the frame ends, or the answer does; maybe nothing."""
    batch: list[_Item] = []
    try:
        batch.append(items.get(timeout=_TICK_S))
        while isinstance(batch[-1], Piece):
            left_s = frame_left_s()
            batch.append(items.get(timeout=left_s) if left_s > 0 else items.get_nowait())
    except queue.Empty:
        return batch
    return batch
