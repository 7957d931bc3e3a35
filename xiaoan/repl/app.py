"""The interactive session: prompt, answer, commands."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from xiaoan.assistant.answering import Assistant, read_question
from xiaoan.assistant.bank_check import check, official_answer
from xiaoan.config import OFF, Settings, default_paths
from xiaoan.errors import UsageError, XiaoanError
from xiaoan.repl.background import Background, Progress
from xiaoan.repl.commands import Launch, Order, Page, State, find_command
from xiaoan.repl.completer import CommandCompleter
from xiaoan.repl.harmless_keys import harmless_keys
from xiaoan.repl.interrupts import LEAVE_WITHIN_S, Interrupts
from xiaoan.repl.prefixes import Shelf
from xiaoan.repl.quiet_keyboard import quiet_keyboard
from xiaoan.repl.streaming import stream_answer, wait_for_model
from xiaoan.repl.study.bot import Bot
from xiaoan.terminal.screen import Fact, Screen

if TYPE_CHECKING:
    from xiaoan.assistant.engine import Engine, ModelInfo
    from xiaoan.assistant.open_bank import OpenBank

logger = logging.getLogger(__name__)

PROMPT = "🙋 "
_REFRESH_S = 0.25
_BANNER_WAIT_S = 0.5


Study = Callable[[Sequence[str], Bot], int]
"""Does the command line of a study mode (`["practice", "--count", "5"]`) inside the session; returns its exit code."""


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
        study: Study | None = None,
        shelf: Shelf = Shelf(),  # noqa: B008 - frozen
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
    ) -> None:
        """Take what to show on, what to load (in the background), how to practise, and in tests where keys are.

        `shelf` is where /prefix looks for prefixes.
        """
        self._version = version
        self._screen = screen
        self._clock = clock
        self._study = study
        engine = Background("载入模型", load_engine)
        self._state = State(
            settings=settings,
            engine=engine,
            bot=Bot(engine, decode=settings.decode),
            bank=Background("读题库", lambda _: load_bank()),
            history=history,
            shelf=shelf,
        )
        self._session: PromptSession[str] = PromptSession(
            history=history,
            completer=CommandCompleter(self._state),
            complete_while_typing=True,
            bottom_toolbar=self._toolbar,
            key_bindings=harmless_keys(),
            input=terminal_input,
            output=terminal_output,
        )
        self._interrupted_at_s: float | None = None
        self._bank_reported = False
        self._reported_model: ModelInfo | None = None

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

    def _show(self, shown: Page | Order | Launch) -> int | None:
        if shown is Order.LEAVE:
            return 0
        if shown is Order.CLEAR:
            self._screen.clear()
            self._banner()
        elif isinstance(shown, Page):
            self._screen.page(shown.title, shown.facts, shown.notes)
        elif isinstance(shown, Launch):
            self._launch(shown)
        return None

    def _launch(self, launch: Launch) -> None:
        """Do a study mode inside the session; whatever its ending, the session goes on."""
        if self._study is None:
            raise UsageError("这里只能问答，做不了题。")
        self._study(launch.arguments, self._state.bot)
        self._screen.notice("回到问答，可以接着提问。")

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
        streamed = stream_answer(lambda stop: assistant.ask(text, stop), self._screen, interrupts)
        if streamed is not None:
            self._screen.end_answer(streamed.answer, streamed.text)

    def _wait_until_loaded(self, interrupts: Interrupts) -> bool:
        """Wait for model and bank, saying so; return False if the person would not wait."""
        saying = "模型还在载入，载好马上回答（Ctrl-C 不等）。"
        if not wait_for_model(self._state.engine, self._screen, interrupts, self._state.bank, saying=saying):
            self._screen.notice("不等了，这道题没有问。模型还在后台载入。")
            return False
        self._report_bank()
        self._report_model()
        return True

    def _report_model(self) -> None:
        """Say what the person should know of the model before its first answer, once for every prefix."""
        engine = self._state.engine.result
        if engine is None or engine.info == self._reported_model:
            return
        self._reported_model = engine.info
        for warning in engine.info.warnings:
            self._screen.warning(warning)

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
        lora = engine.info.lora if engine is not None else settings.effective_lora
        facts = [
            Fact("模型", f"{model}（演示模型，只学过示例题库）" if demo else model),
            Fact("前缀", prefix if prefix not in (None, OFF) else "不用"),
            *([Fact("适配器", lora)] if lora else []),
            Fact("设备", f"{_automatic(device)}　精度 {_automatic(dtype)}"),
            Fact("题库", _bank_title(bank)),
        ]
        self._screen.banner(self._version, facts, demo=demo)
        if bank.finished:
            self._report_bank()
        self._report_model()

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
