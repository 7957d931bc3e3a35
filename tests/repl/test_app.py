import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.fakes import BOOTS, CONTENT_INFO, KEYS, PERMIT_SUBSTATION, FakeEngine, small_bank
from tests.repl.test_prefixes import put_prefix
from tests.repl.waiting import PATIENCE_S, meanwhile, press_ctrl_c, until, when
from xiaoan.assistant.engine import Engine
from xiaoan.assistant.open_bank import OpenBank
from xiaoan.config import Settings
from xiaoan.errors import BankError, CheckpointError, PrefixMismatchError, UsageError
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.store.stored_bank import StoredBank
from xiaoan.repl.app import Repl, Study
from xiaoan.repl.prefixes import Shelf
from xiaoan.repl.study.bot import Bot
from xiaoan.terminal.console import make_console
from xiaoan.terminal.screen import Screen
from xiaoan.terminal.wrapping import cell_width


def open_small_bank() -> OpenBank:
    bank = small_bank()
    return OpenBank((Path("小题库.xlsx"),), StoredBank.of(bank), Matcher(bank))


@dataclass
class Bench:
    """A session without a terminal: keys come from a pipe, everything shown is text."""

    keys: PipeInput
    engine: FakeEngine = field(default_factory=FakeEngine)
    load_bank: Callable[[], OpenBank | None] = open_small_bank
    load_engine: Callable[[Callable[[str], None]], Engine] | None = None
    history: History = field(default_factory=InMemoryHistory)
    clock: Callable[[], float] = field(default_factory=lambda: _Ticking())
    width: int = 80
    out: io.StringIO = field(default_factory=io.StringIO)
    released: threading.Event = field(default_factory=threading.Event)
    study: Study | None = None
    shelf: Shelf = field(default_factory=Shelf)
    shown: str = ""

    def run(self, *lines: str) -> int:
        """Type `lines`, each with Enter; return the exit code."""
        for line in lines:
            self.keys.send_text(line + "\r")
        session = Repl(
            settings=Settings(),
            version="9.9",
            screen=Screen(make_console(self.out, width=self.width)),
            history=self.history,
            load_engine=self.load_engine or (lambda _: self.engine),
            load_bank=self.load_bank,
            clock=self.clock,
            study=self.study,
            shelf=self.shelf,
            terminal_input=self.keys,
            terminal_output=DummyOutput(),
        )
        code = session.run()
        self.shown = self.out.getvalue()
        return code

    def after_banner(self) -> str:
        return self.shown.split("Ctrl-D 退出\n\n", 1)[1]


class _Ticking:
    """A clock that goes on by ten seconds at every look, so that no two key presses belong together."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 10.0
        return self.now_s


@pytest.fixture
def bench() -> Iterator[Bench]:
    with create_pipe_input() as keys:
        made = Bench(keys)
        yield made
        made.released.set()


def pasted(text: str) -> str:
    """The keys that a terminal sends for a pasted text."""
    return f"\x1b[200~{text}\x1b[201~"


def test_the_banner_says_who_answers_what_with_what(bench: Bench) -> None:
    assert bench.run("exit") == 0
    for word in (
        "小安",
        "演示模型",
        "单选题",
        "多选题",
        "判断题",
        "clear",
        "stop",
        "exit",
        "模型",
        "前缀",
        "设备",
        "精度",
    ):
        assert word in bench.shown
    assert "小题库.xlsx（6 题）" in bench.shown


def test_a_question_is_answered_and_verified(bench: Bench) -> None:
    bench.engine.enqueue("绝缘", "靴")
    bench.run(BOOTS.stem, "exit")
    assert bench.after_banner() == (
        "🤖 绝缘靴\n"
        "✓ 与题库一致\n"
        "  题干：雷雨天气巡视室外高压设备应穿（ ）。\n"
        "  专业：变电　题型：单选题\n"
        "  依据：变电安规 5.2\n"
        "\n"
        "再见。\n"
    )


def test_a_wrong_answer_shows_the_banks_as_the_one_that_holds(bench: Bench) -> None:
    bench.engine.enqueue("A")
    bench.run("高压室的钥匙至少应有（ ）把。 选项：A. 4; B. 3; C. 2", "exit")
    assert bench.after_banner() == (
        "🤖 A\n"
        "   即：A. 4\n"
        "✗ 与题库不一致，以题库答案为准。\n"
        "  题库答案：B. 3\n"
        "  题干：高压室的钥匙至少应有（ ）把。\n"
        "  专业：变电　题型：单选题\n"
        "  依据：变电安规 5.2\n"
        "\n"
        "再见。\n"
    )


def test_options_decided_by_content_are_shown_at_once(bench: Bench) -> None:
    bench.engine.info = CONTENT_INFO
    bench.engine.enqueue_choice(1)
    bench.run("高压室的钥匙至少应有（ ）把。 选项：A. 4; B. 3; C. 2", "exit")
    assert bench.after_banner().startswith("🤖 B. 3\n✓ 与题库一致\n")


def test_an_unknown_question_is_called_unknown_and_similar_ones_only_similar(bench: Bench) -> None:
    bench.engine.enqueue("绝缘靴")
    bench.run("雪天巡视室外高压设备应穿（ ）。", "exit")
    assert bench.after_banner() == (
        "🤖 绝缘靴\n"
        "? 题库中没有这道题，小安的回答无从核对。\n"
        "  相近的题（只是相近，不能作为依据）：\n"
        "  1. 雷雨天气巡视室外高压设备应穿（ ）。（变电，单选题）\n"
        "     题库答案：绝缘靴\n"
        "     依据：变电安规 5.2\n"
        "\n"
        "再见。\n"
    )


def test_an_ambiguous_question_shows_each_candidate(bench: Bench) -> None:
    bench.engine.enqueue("工区")
    bench.run(PERMIT_SUBSTATION.stem, "exit")
    assert "? 题库里有 2 道这样的题" in bench.shown
    assert "题库答案：设备运维管理单位" in bench.shown
    assert "题库答案：工区" in bench.shown
    assert "✓" not in bench.shown


def test_a_pasted_block_is_one_question(bench: Bench) -> None:
    bench.engine.enqueue("B")
    block = "高压室的钥匙至少应有（ ）把。\r\nA、2\r\nB、3\r\nC、4"
    bench.run(pasted(block), "exit")
    assert bench.engine.queries == ["高压室的钥匙至少应有（ ）把。\nA、2\nB、3\nC、4"]
    assert "✓ 与题库一致" in bench.shown


def test_every_question_stands_alone(bench: Bench) -> None:
    bench.engine.enqueue("甲").enqueue("乙")
    bench.run("第一道题是什么", "第二道题是什么", "exit")
    assert bench.engine.queries == ["第一道题是什么", "第二道题是什么"]


@pytest.mark.parametrize(
    "word", ["stop", "exit", "STOP", "ｅｘｉｔ", " quit ", "退出", "/exit", "/退出", "／ｅｘｉｔ"]
)
def test_words_that_leave(bench: Bench, word: str) -> None:
    assert bench.run(word) == 0
    assert bench.engine.queries == []


def test_ctrl_d_leaves(bench: Bench) -> None:
    bench.keys.send_text("\x04")
    assert bench.run() == 0


def test_clear_begins_again_with_the_banner(bench: Bench) -> None:
    bench.run("clear", "/清屏", "exit")
    assert bench.shown.count("电力安规考试问答") == 3
    assert bench.engine.queries == []


def test_an_empty_line_asks_nothing(bench: Bench) -> None:
    bench.run("", "   ", "exit")
    assert bench.after_banner() == "再见。\n"


@pytest.mark.parametrize(
    ("line", "said"), [("A. 2; B. 3", "没有题干"), ("🙋🙋", "没有看到问题"), (pasted("高压" * 5000), "2000")]
)
def test_what_cannot_be_asked_is_said_and_the_session_goes_on(bench: Bench, line: str, said: str) -> None:
    bench.engine.enqueue("3")
    assert bench.run(line, KEYS.stem, "exit") == 0
    assert said in bench.shown
    assert "✓ 与题库一致" in bench.shown


def test_ctrl_c_stops_the_answer_and_the_session_goes_on(bench: Bench) -> None:
    bench.engine.enqueue("绝缘", "靴", hold=bench.released).enqueue("3")
    with when(bench.engine.first_piece_sent, press_ctrl_c):
        assert bench.run(BOOTS.stem, KEYS.stem, "exit") == 0
    assert bench.after_banner().startswith("🤖 绝缘\n⏹ 已停止，没有核对。\n  题库答案：绝缘靴\n")
    assert "🤖 3\n✓ 与题库一致" in bench.shown


def test_a_second_ctrl_c_within_a_second_leaves(bench: Bench) -> None:
    first_was_noted = threading.Event()

    def clock() -> float:
        # While an answer streams, this thread looks at the clock only for a Ctrl-C.
        if bench.engine.first_piece_sent.is_set() and threading.current_thread() is threading.main_thread():
            first_was_noted.set()
        return 0.0

    def press_twice() -> None:
        press_ctrl_c()
        assert first_was_noted.wait(PATIENCE_S)
        press_ctrl_c()

    bench.clock = clock
    bench.engine.enqueue("绝缘", "靴", hold=bench.released, deaf=True)
    with when(bench.engine.first_piece_sent, press_twice):
        assert bench.run(BOOTS.stem) == 130
    assert bench.shown.endswith("🤖 绝缘\n再见。\n")


def test_a_second_ctrl_c_leaves_even_when_the_prompt_is_back_already(bench: Bench) -> None:
    bench.clock = lambda: 0.0
    bench.engine.enqueue("绝缘", "靴", hold=bench.released)
    with when(bench.engine.first_piece_sent, press_ctrl_c):
        assert bench.run(BOOTS.stem, "\x03") == 130


def test_ctrl_c_at_the_prompt_clears_the_line(bench: Bench) -> None:
    bench.keys.send_text("半句话\x03")
    assert bench.run("exit") == 0
    assert bench.engine.queries == []


def test_ctrl_c_twice_on_an_empty_line_leaves(bench: Bench) -> None:
    bench.clock = lambda: 0.0
    bench.keys.send_text("\x03\x03")
    assert bench.run() == 130


def test_a_question_asked_while_the_model_loads_waits_and_says_so(bench: Bench) -> None:
    go_on = threading.Event()

    def load(progress: Callable[[str], None]) -> Engine:
        progress("读权重")
        assert go_on.wait(PATIENCE_S)
        return bench.engine

    def go_on_when_waiting_was_said() -> None:
        until(lambda: "… 读权重" in bench.out.getvalue())
        go_on.set()

    bench.load_engine = load
    bench.engine.enqueue("3")
    with meanwhile(go_on_when_waiting_was_said):
        bench.run(KEYS.stem, "exit")
    assert bench.after_banner().startswith(
        "模型还在载入，载好马上回答（Ctrl-C 不等）。\n… 读权重\n🤖 3\n✓ 与题库一致\n"
    )


def test_without_a_model_the_session_says_why_and_shows_what_the_bank_has(bench: Bench) -> None:
    def load(_: Callable[[str], None]) -> Engine:
        raise CheckpointError("模型文件夹 x 里没有权重。重新下载。")

    bench.load_engine = load
    assert bench.run(KEYS.stem, "/model", "exit") == 0
    assert "✗ 模型没有载入，不能回答。模型文件夹 x 里没有权重。" in bench.shown.replace("\n  ", "")
    assert "✓ 题库里有这道题：\n  题库答案：3\n" in bench.shown
    assert "没有载入：模型文件夹 x 里没有权重。重新下载。" in bench.shown


def test_a_loader_that_fails_unexpectedly_is_one_line(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def load(_: Callable[[str], None]) -> Engine:
        raise RuntimeError("CUDA exploded")

    bench.load_engine = load
    assert bench.run(KEYS.stem, "exit") == 0
    assert "CUDA exploded" in bench.shown
    assert "Traceback" not in bench.shown
    assert "Traceback" in caplog.text


def test_an_engine_that_fails_in_an_answer_is_one_line_and_the_session_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.engine.enqueue("绝缘", error=RuntimeError("out of memory")).enqueue("3")
    assert bench.run(BOOTS.stem, KEYS.stem, "exit") == 0
    assert "🤖 绝缘\n✗ 出了意外：RuntimeError: out of memory" in bench.shown
    assert "Traceback" not in bench.shown
    assert "Traceback" in caplog.text
    assert "✓ 与题库一致" in bench.shown


def test_an_unreadable_bank_is_said_once_and_answers_go_on_unchecked(bench: Bench) -> None:
    def load() -> OpenBank | None:
        raise BankError("打不开 x.xlsx：不是工作簿。")

    bench.load_bank = load
    bench.engine.enqueue("3").enqueue("3")
    assert bench.run(KEYS.stem, KEYS.stem, "exit") == 0
    assert bench.shown.count("打不开 x.xlsx") == 1
    assert bench.shown.count("没有打开题库，这个回答没有核对过。") == 2


def test_control_characters_of_the_model_never_reach_the_terminal(bench: Bench) -> None:
    bench.engine.enqueue("\x1b[31m3\x1b]0;x\x07", "[bold]\x07")
    bench.run(KEYS.stem, "exit")
    assert "\x1b" not in bench.shown
    assert "🤖 3[bold]\n" in bench.shown


def test_control_characters_of_the_person_end_nothing(bench: Bench) -> None:
    bench.engine.enqueue("3")
    assert bench.run(f"\x1b[31m{KEYS.stem}\x1b[0m", "exit") == 0
    assert "🤖 3\n✓ 与题库一致\n" in bench.shown


def test_pages_come_from_the_registry_in_both_languages(bench: Bench) -> None:
    bench.engine.enqueue("3")
    bench.run(KEYS.stem, "/help", "/帮助", "/bank", "/题库", "/model", "/模型", "/history", "/历史", "exit")
    assert bench.shown.count("最近问过的题") == 2
    assert bench.shown.count("小题库.xlsx") >= 3
    assert bench.shown.count("  载入  0.5 秒\n") == 2
    assert bench.shown.count("  1.  高压室的钥匙至少应有（ ）把。\n") == 2


def test_an_unknown_command_names_a_near_one(bench: Bench) -> None:
    bench.run("/hepl", "exit")
    assert "没有 /hepl 这个命令。是不是 /help？" in bench.shown


def loaded(bench: Bench, *lines: str) -> str:
    """What is shown after a first question, which waits for the model."""
    bench.engine.enqueue("3")
    bench.run(KEYS.stem, *lines, "exit")
    return bench.shown.split("依据：变电安规 5.2\n\n")[1]


def test_a_prefix_is_swapped_by_name_and_the_way_of_deciding_follows(bench: Bench, tmp_path: Path) -> None:
    bench.shelf = Shelf(folders=(tmp_path,))
    bench.engine.enqueue_choice(1)
    put_prefix(tmp_path / "变电")
    question = "高压室的钥匙至少应有（ ）把。 选项：A. 4; B. 3; C. 2"
    shown = loaded(bench, "/前缀 变电", question)
    assert bench.engine.prefixes == [tmp_path / "变电"]
    assert "  学过的问法  plain\n  带选项的题  按选项内容打分\n" in shown
    assert "🤖 B. 3\n" in shown


def test_prefixes_are_listed_with_the_one_in_use(bench: Bench, tmp_path: Path) -> None:
    put_prefix(tmp_path / "home" / "变电")
    put_prefix(tmp_path / "别处" / "甲")
    bench.shelf = Shelf(folders=(tmp_path / "home",))
    shown = loaded(bench, "/prefix", "/prefix 变电", "/prefix", f"/prefix {tmp_path / '别处'}", "/prefix off")
    assert "  正在用  fake-prefix\n  变电    底座 小底座，问法 plain，长度 16" in shown
    assert "变电（正在用）" in shown
    assert str(tmp_path / "别处" / "甲") in shown.replace("\n", "").replace(" ", "")
    assert bench.engine.prefixes == [tmp_path / "home" / "变电", None]


def test_a_prefix_that_does_not_fit_is_said_and_the_old_one_stays(bench: Bench, tmp_path: Path) -> None:
    bench.engine.prefix_error = PrefixMismatchError("前缀是在另一个底座上训练的。")
    assert "✗ 前缀是在另一个底座上训练的。\n" in loaded(bench, f"/prefix {put_prefix(tmp_path / 'x')}")


def test_no_prefix_is_swapped_before_the_model_is_there(bench: Bench) -> None:
    def load(_: Callable[[str], None]) -> Engine:
        assert bench.released.wait(PATIENCE_S)
        return bench.engine

    bench.load_engine = load
    bench.run("/prefix off", "/prefix", "exit")
    assert "✗ 模型还在载入（请稍候），载好以后再换前缀。\n" in bench.shown
    assert "  正在用  模型还在载入\n" in bench.shown


def test_warnings_about_the_model_are_said_once_before_its_first_answer(bench: Bench) -> None:
    bench.engine.info = replace(bench.engine.info, warnings=("前缀在 float16 上训练，现在是 int4",))
    bench.engine.enqueue("3")
    loaded(bench, KEYS.stem)
    assert bench.shown.count("前缀在 float16 上训练，现在是 int4") == 1


@dataclass
class Studies:
    """Remembers which study modes were begun, with what, and whether the bot was on."""

    error: Exception | None = None
    begun: list[tuple[list[str], bool]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str], bot: Bot) -> int:
        self.begun.append((list(arguments), bot.on))
        if self.error is not None:
            raise self.error
        return 0


def test_study_modes_begin_inside_the_session_with_their_options(bench: Bench) -> None:
    bench.study = studies = Studies()
    bench.run("/练习 --count 5", "／ＱＵＩＺ", "/错题 --profession 变电", "/统计", "exit")
    assert [arguments for arguments, _ in studies.begun] == [
        ["practice", "--count", "5"],
        ["quiz"],
        ["review", "--profession", "变电"],
        ["stats"],
    ]
    assert bench.after_banner() == "回到问答，可以接着提问。\n" * 4 + "再见。\n"


def test_a_study_mode_that_cannot_begin_leaves_the_session_alive(bench: Bench) -> None:
    bench.study = Studies(error=UsageError("没有题可做。"))
    bench.engine.enqueue("3")
    bench.run("/practice", KEYS.stem, "exit")
    assert bench.after_banner().startswith("✗ 没有题可做。\n🤖 3\n✓ 与题库一致\n")


def test_the_bot_is_told_to_answer_along_or_not(bench: Bench) -> None:
    bench.study = studies = Studies()
    bench.run("/小安 on", "/practice", "/xiaoan ＯＦＦ", "/practice", "/小安", "/小安 也许", "exit")
    assert [on for _, on in studies.begun] == [True, False]
    assert "做题时小安跟着作答" in bench.shown
    assert bench.shown.count("做题时小安不跟着作答") == 2
    assert "✗ 小安 后面写 on 或 off，不是“也许”。" in bench.shown


def test_without_study_modes_the_command_says_so(bench: Bench) -> None:
    bench.run("/quiz", "exit")
    assert "✗ 这里只能问答，做不了题。" in bench.shown


class PatientTerminal(io.StringIO):
    """A terminal so slow that the first piece is shown only after the model has finished."""

    def __init__(self, finished: threading.Event) -> None:
        super().__init__()
        self.finished = finished
        self.waited_in_vain = False

    def write(self, text: str) -> int:
        if text == "0":
            self.waited_in_vain = not self.finished.wait(PATIENCE_S)
        return super().write(text)


def test_a_slow_terminal_does_not_slow_the_model(bench: Bench) -> None:
    terminal = PatientTerminal(bench.engine.finished)
    bench.out = terminal
    bench.engine.enqueue(*(str(number) for number in range(500)))
    bench.run("数到五百是多少", "exit")
    assert not terminal.waited_in_vain
    assert "".join(str(number) for number in range(500)) in bench.shown


def test_no_line_is_wider_than_a_narrow_terminal(bench: Bench) -> None:
    bench.width = 50
    bench.engine.enqueue("绝缘鞋").enqueue("工区").enqueue("x")
    bench.run(
        BOOTS.stem, PERMIT_SUBSTATION.stem, "雪天巡视高压设备应穿（ ）", "/help", "/bank", "/model", "exit"
    )
    assert max(cell_width(line) for line in bench.shown.splitlines()) <= 50
