"""The interactive session: prompt, answer, commands."""

import logging
import queue
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from xiaoan.assistant.answering import Answer, Assistant, read_question
from xiaoan.assistant.bank_check import check, official_answer
from xiaoan.assistant.engine import Piece
from xiaoan.config import OFF, Settings, default_paths
from xiaoan.errors import XiaoanError
from xiaoan.repl.background import Background, Progress
from xiaoan.repl.commands import Order, Page, State, find_command
from xiaoan.repl.completer import CommandCompleter
from xiaoan.repl.interrupts import LEAVE_WITHIN_S, Interrupts
from xiaoan.repl.quiet_keyboard import quiet_keyboard
from xiaoan.terminal.screen import Fact, Screen

if TYPE_CHECKING:
    from xiaoan.assistant.engine import Engine
    from xiaoan.assistant.open_bank import OpenBank

logger = logging.getLogger(__name__)

PROMPT = "🙋 "
_TICK_S = 0.05
_REFRESH_S = 0.25
_BANNER_WAIT_S = 0.5


@dataclass(frozen=True)
class Failure:
    """An exception on its way from the answering thread to the session."""

    error: Exception


class Repl:
    """One session at the terminal. `run` returns the exit code."""

    def __init__(
        self,
        *,
        settings: Settings,
        version: str,
        screen: Screen,
        history: History,
        load_engine: Callable[[Progress], "Engine"],
        load_bank: Callable[[], "OpenBank | None"],
        clock: Callable[[], float],
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
    ) -> None:
        """Take what to show on, what to load (in the background) and, in tests, where keys come from."""
        self._version = version
        self._screen = screen
        self._clock = clock
        self._session: PromptSession[str] = PromptSession(
            history=history,
            completer=CommandCompleter(),
            complete_while_typing=True,
            bottom_toolbar=self._toolbar,
            input=terminal_input,
            output=terminal_output,
        )
        self._state = State(
            settings=settings,
            engine=Background("载入模型", load_engine),
            bank=Background("读题库", lambda _: load_bank()),
            history=history,
        )
        self._interrupted_at_s: float | None = None
        self._bank_reported = False

    def run(self) -> int:
        """Show the banner at once, load behind it, and answer until the person leaves."""
        self._state.bank.start()
        self._state.bank.wait(_BANNER_WAIT_S)
        self._banner()
        # Importing torch holds everything up for a moment: the prompt is painted first.
        self._session.app.after_render += lambda _: self._state.engine.start()
        while True:
            try:
                with patch_stdout(raw=True):
                    text = self._session.prompt(PROMPT, refresh_interval=self._refresh_s())
            except EOFError:
                return self._goodbye(0)
            except KeyboardInterrupt:
                if self._leaves_at_prompt():
                    return self._goodbye(130)
                continue
            self._interrupted_at_s = None
            try:
                code = self._handle(text)
            except KeyboardInterrupt:
                self._screen.close_line()
                continue
            if code is not None:
                return self._goodbye(code)

    def _handle(self, text: str) -> int | None:
        """Do what one line asks for; return an exit code to leave with, None to go on."""
        if not text.strip():
            return None
        try:
            found = find_command(text)
            if found is None:
                return self._ask(text)
            command, arguments = found
            return self._show(command.run(self._state, arguments))
        except XiaoanError as error:
            self._screen.error(error.message)
        except Exception as error:
            logger.exception("while handling a line")
            self._screen.error(
                f"出了意外：{type(error).__name__}: {error}。可以接着问；反复出现请运行 xiaoan doctor。"
            )
        return None

    def _show(self, shown: Page | Order) -> int | None:
        if shown is Order.LEAVE:
            return 0
        if shown is Order.CLEAR:
            self._screen.clear()
            self._banner()
        elif isinstance(shown, Page):
            self._screen.page(shown.title, shown.facts, shown.notes)
        return None

    def _ask(self, text: str) -> int | None:
        read_question(text)  # what cannot be asked is said before the model is waited for
        with Interrupts(self._clock) as interrupts, quiet_keyboard(self._keyboard()):
            try:
                self._answer(text, interrupts)
            finally:
                # The second Ctrl-C of a pair often comes when the prompt is back already.
                self._interrupted_at_s = interrupts.last_s
        return 130 if interrupts.leaving else None

    def _answer(self, text: str, interrupts: Interrupts) -> None:
        """Answer one question, as soon as there is a model."""
        if not self._wait_until_loaded(interrupts):
            return
        engine, bank = self._state.engine.result, self._state.bank.result
        if engine is None:
            self._answer_from_bank(text)
            return
        matcher = bank.matcher if bank else None
        assistant = Assistant(engine, matcher, clock=self._clock, decode=self._state.settings.decode)
        self._stream(assistant, text, interrupts)

    def _wait_until_loaded(self, interrupts: Interrupts) -> bool:
        """Wait for model and bank, saying so; return False if the person would not wait."""
        self._state.engine.start()  # a dumb terminal paints nothing
        said: set[str] = set()
        while not (self._state.engine.wait(_TICK_S) and self._state.bank.wait(_TICK_S)):
            if interrupts.stopped:
                self._screen.notice("不等了，这道题没有问。模型还在后台载入。")
                return False
            if not said:
                self._screen.notice("模型还在载入，载好马上回答（Ctrl-C 不等）。")
            # A stage is said once, not at every per cent: what is on the screen is never rewritten.
            stage = re.sub(r"\s*\d.*", "", self._state.engine.progress)
            if stage not in said | {""}:
                self._screen.notice(f"… {stage}")
            said |= {stage, ""}
        self._report_bank()
        return True

    def _report_bank(self) -> None:
        """Say once what was wrong with the bank."""
        if self._bank_reported:
            return
        self._bank_reported = True
        bank = self._state.bank
        if bank.error is not None:
            self._screen.warning(f"{_sentence(bank.error)}没有题库也能接着问，只是不核对。")
        elif bank.result is not None and bank.result.fault_count:
            self._screen.warning(f"题库有 {bank.result.fault_count} 处问题，/bank 查看。")

    def _stream(self, assistant: Assistant, text: str, interrupts: Interrupts) -> None:
        """Show the answer as it comes; the model has a thread of its own, so that showing never slows it."""
        items: queue.SimpleQueue[Piece | Answer | Failure | None] = queue.SimpleQueue()
        threading.Thread(
            target=_answer_into, args=(items, assistant, text, interrupts), name="xiaoan-answer", daemon=True
        ).start()
        self._screen.begin_answer()
        streamed = ""
        while not interrupts.leaving:
            batch = _next_batch(items)
            piece = "".join(item.text for item in batch if isinstance(item, Piece))
            if piece:
                streamed += piece
                self._screen.piece(piece)
            for item in batch:
                if isinstance(item, Answer):
                    self._screen.end_answer(item, streamed)
                elif isinstance(item, Failure):
                    raise item.error
                elif item is None:
                    return
        self._screen.close_line()

    def _answer_from_bank(self, text: str) -> None:
        """Without a model: say why, and show what the bank has."""
        error = self._state.engine.error
        self._screen.error(f"模型没有载入，不能回答。{_sentence(error) if error else ''}")
        bank = self._state.bank.result
        if bank is not None:
            asked = read_question(text)
            found = check("", bank.matcher.match(asked, asked.profession))
            self._screen.bank_only(found, lambda question: official_answer(question, asked.options))

    def _keyboard(self) -> int | None:
        """The descriptor that keys come from, None where there is none."""
        try:
            return self._session.app.input.fileno()
        except (NotImplementedError, OSError, ValueError):
            return None

    def _banner(self) -> None:
        settings, bank = self._state.settings, self._state.bank
        engine = self._state.engine.result
        if engine is not None:
            model, prefix = engine.info.name, engine.info.prefix
            device, dtype, demo = engine.info.device, engine.info.dtype, engine.info.demo
        else:
            demo = settings.uses_default_model
            defaults = default_paths()
            model = settings.model or defaults.model.name
            prefix = settings.effective_prefix or defaults.prefix.name
            device, dtype = settings.device, settings.dtype
        facts = [
            Fact("模型", f"{model}（演示模型，只学过示例题库）" if demo else model),
            Fact("前缀", prefix if prefix not in (None, OFF) else "不用"),
            Fact("设备", f"{_automatic(device)}　精度 {_automatic(dtype)}"),
            Fact("题库", _bank_title(bank)),
        ]
        self._screen.banner(self._version, facts, demo=demo)
        if bank.finished:
            self._report_bank()

    def _toolbar(self) -> str:
        engine = self._state.engine
        if engine.error is not None:
            return " ✗ 模型没有载入，/model 看原因；题库照常可查"
        if engine.result is None:
            return f" 正在载入模型：{engine.progress or '请稍候'}"
        info = engine.result.info
        bank = self._state.bank.result
        count = f" · 题库 {len(bank.bank)} 题" if bank else " · 没有题库"
        return f" {'演示模型 ' if info.demo else ''}{info.name} · {info.device} · {info.dtype}{count}"

    def _refresh_s(self) -> float:
        """How often the toolbar is painted anew: while the model loads, its progress shows there."""
        return 0 if self._state.engine.finished else _REFRESH_S

    def _leaves_at_prompt(self) -> bool:
        """Whether this Ctrl-C, on an empty line, is the second within a second."""
        now_s = self._clock()
        empty = not self._session.default_buffer.text
        leaves = (
            empty and self._interrupted_at_s is not None and now_s - self._interrupted_at_s <= LEAVE_WITHIN_S
        )
        if empty and not leaves:
            self._screen.notice("（再按一次 Ctrl-C 或输入 exit 退出）")
        self._interrupted_at_s = now_s
        return leaves

    def _goodbye(self, code: int) -> int:
        self._screen.close_line()
        self._screen.notice("再见。")
        return code


def _answer_into(
    items: "queue.SimpleQueue[Piece | Answer | Failure | None]",
    assistant: Assistant,
    text: str,
    interrupts: Interrupts,
) -> None:
    """Put the pieces, the finished answer or the failure into `items`, then None."""
    try:
        for item in assistant.ask(text, interrupts.should_stop):
            items.put(item)
    except Exception as error:  # noqa: BLE001 - handed to the session's loop, which shows it
        items.put(Failure(error))
    finally:
        items.put(None)


def _next_batch(
    items: "queue.SimpleQueue[Piece | Answer | Failure | None]",
) -> list[Piece | Answer | Failure | None]:
    """Return everything that waits, so that a slow terminal gets fewer and larger writes; maybe nothing."""
    batch: list[Piece | Answer | Failure | None] = []
    try:
        batch.append(items.get(timeout=_TICK_S))
        while True:
            batch.append(items.get_nowait())
    except queue.Empty:
        return batch


def _bank_title(bank: "Background[OpenBank | None]") -> str:
    if bank.result is not None:
        return bank.result.title
    if not bank.finished:
        return "正在读"
    return "读不了" if bank.error else "没有打开"


def _sentence(error: XiaoanError) -> str:
    return error.message.rstrip("。") + "。"


def _automatic(word: str) -> str:
    return "自动" if word == "auto" else word
