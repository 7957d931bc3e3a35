"""Stand-ins for what is slow or outside: an engine with canned answers, a small bank, a clock."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xiaoan.assistant.engine import (
    Choice,
    Evidence,
    ModelInfo,
    OptionQuestion,
    Piece,
    StopSignal,
    never_stop,
)
from xiaoan.errors import XiaoanError
from xiaoan.question_bank.question import Question, QuestionBank, QuestionType, Source

INFO = ModelInfo(name="fake", prefix="fake-prefix", device="cpu", dtype="float32", demo=True, load_s=0.5)
PLAIN_INFO = ModelInfo("fake", "fake-prefix", "cpu", "float32", demo=True, forms=frozenset({"plain"}))
CONTENT_INFO = ModelInfo(
    "fake", "fake-prefix", "cpu", "float32", demo=True, forms=frozenset({"plain", "options"})
)


@dataclass
class CannedAnswer:
    """Pieces to stream; after each, `hold` has to be set (or the answer stopped, unless `deaf`) to go on."""

    pieces: tuple[str, ...]
    hold: threading.Event | None = None
    error: BaseException | None = None
    deaf: bool = False


@dataclass
class FakeEngine:
    """Streams what was enqueued and remembers what it was asked."""

    info: ModelInfo = INFO
    queries: list[str] = field(default_factory=list)
    choices_asked: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)
    weighed: list[tuple[str, str]] = field(default_factory=list)
    first_piece_sent: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    prefixes: list[Path | None] = field(default_factory=list)
    prefix_forms: frozenset[str] = frozenset({"plain"})
    prefix_error: XiaoanError | None = None
    log_probability: float = -0.1
    familiarity: float | None = None
    _answers: deque[CannedAnswer] = field(default_factory=deque)
    _choices: deque[tuple[int, ...]] = field(default_factory=deque)

    def enqueue(
        self,
        *pieces: str,
        hold: threading.Event | None = None,
        error: BaseException | None = None,
        deaf: bool = False,
    ) -> "FakeEngine":
        self._answers.append(CannedAnswer(pieces, hold, error, deaf))
        return self

    def enqueue_choice(self, *selected: int) -> "FakeEngine":
        self._choices.append(selected)
        return self

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        self.queries.append(query)
        answer = self._answers.popleft()
        for number, text in enumerate(answer.pieces, 1):
            if should_stop():
                return
            yield Piece(text, number)
            self.first_piece_sent.set()
            while answer.hold is not None and not answer.hold.wait(0.01):
                if should_stop() and not answer.deaf:
                    return
        self.finished.set()
        if answer.error is not None:
            raise answer.error

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        self.choices_asked += [(one.prompt, one.options, one.only_one) for one in questions]
        return [Choice(self._choices.popleft(), self.log_probability, self.familiarity) for _ in questions]

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        return [
            Piece("".join(piece.text for piece in pieces), len(pieces))
            for pieces in (list(self.stream(query)) for query in queries)
        ]

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        self.weighed += written
        return [Evidence(self.log_probability, self.familiarity) for _ in written]

    def use_prefix(self, prefix: Path | None) -> None:
        if self.prefix_error is not None:
            raise self.prefix_error
        self.prefixes.append(prefix)
        self.info = replace(
            self.info,
            prefix=prefix.name if prefix else None,
            prefix_path=prefix,
            forms=self.prefix_forms if prefix else frozenset(),
        )


class FakeClock:
    """A clock in seconds that moves only when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def question(
    stem: str,
    *answer: str,
    options: tuple[str, ...] = (),
    profession: str = "变电",
    clause: str = "变电安规 5.2",
    question_type: QuestionType = QuestionType.SINGLE,
    row: int = 2,
) -> Question:
    source = Source("小题库.xlsx", "题库", row)
    return Question(stem, options, answer, clause, profession, question_type, (source,))


KEYS = question("高压室的钥匙至少应有（ ）把。", "3", options=("2", "3", "4"))
BOOTS = question("雷雨天气巡视室外高压设备应穿（ ）。", "绝缘靴", options=("绝缘鞋", "绝缘靴", "雨靴"), row=3)
TOOLS = question(
    "装卸高压熔断器应使用（ ）。",
    "护目镜",
    "绝缘手套",
    options=("护目镜", "绝缘手套", "雨衣"),
    question_type=QuestionType.MULTIPLE,
    row=4,
)
ALONE = question(
    "单人操作时可以登杆。",
    "错误",
    profession="配电",
    clause="配电安规 7.2.6.13",
    question_type=QuestionType.JUDGE,
    row=5,
)
PERMIT = "停用防误闭锁装置应经（ ）批准。"
APPROVERS = ("工区", "设备运维管理单位", "调度")
PERMIT_SUBSTATION = question(PERMIT, "设备运维管理单位", options=APPROVERS, row=6)
PERMIT_DISTRIBUTION = question(PERMIT, "工区", options=APPROVERS, profession="配电", row=7)


def small_bank() -> QuestionBank:
    return QuestionBank([KEYS, BOOTS, TOOLS, ALONE, PERMIT_SUBSTATION, PERMIT_DISTRIBUTION])
