"""小安 takes its turn at the question on the screen: waits for the model, streams, says whether the bank agrees."""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xiaoan.assistant.answering import Answer, Assistant
from xiaoan.errors import XiaoanError
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.results import Tally
from xiaoan.repl.streaming import Streamed, stream_answer, wait_for_model
from xiaoan.terminal.verdict import AGREES, DIFFERS, QUIET, UNKNOWN, Line, confidence_lines

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.shuffling import ShownQuestion
    from xiaoan.repl.study.bot import Bot
    from xiaoan.repl.study.surroundings import Surroundings


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """What came of it: `right` is None where nobody can say (a 简答题, an answer that was stopped)."""

    right: bool | None
    stopped: bool


def take_turn(bot: "Bot", shown: "ShownQuestion", around: "Surroundings") -> Turn | None:
    """Stream the bot's answer to `shown` and its check; None if it did not answer, which is said with the reason."""
    screen, interrupts = around.screen, around.interrupts
    if not wait_for_model(
        bot.engine, screen, interrupts, saying="模型还在载入，载好小安就作答（Ctrl-C 不等）。"
    ):
        screen.notice("不等了，这题小安没有作答。模型还在后台载入。")
        return None
    engine = bot.engine.result
    if engine is None:
        bot.on = False
        reason = bot.engine.error.message if bot.engine.error is not None else ""
        screen.error(f"模型没有载入，小安不能作答。{reason}")
        return None
    assistant = Assistant(engine, None, clock=around.clock, decode=bot.decode)
    try:
        streamed = stream_answer(
            lambda should_stop: assistant.ask_known(shown.question, shown.options, should_stop),
            screen,
            interrupts,
        )
    except XiaoanError as error:
        screen.error(error.message)
        return None
    except Exception as error:
        logger.exception("the bot answered along")
        screen.error(f"小安作答时出了意外：{type(error).__name__}: {error}。题可以接着做。")
        return None
    if streamed is None:
        return None
    screen.close_line()
    screen.lines(_lines_below(streamed, shown))
    return Turn(_is_right(streamed.answer, shown), streamed.answer.stopped)


def tally_of(turns: Collection[Turn]) -> Tally:
    """Return the bot's tally over the questions that it answered."""
    rights = [turn.right for turn in turns]
    return Tally(len(rights), right=rights.count(True), wrong=rights.count(False), open=rights.count(None))


def _lines_below(streamed: Streamed, shown: "ShownQuestion") -> Iterator[Line]:
    answer = streamed.answer
    if answer.selected and not streamed.text.strip().endswith(answer.answer.strip()):
        yield Line(answer.answer, "", "即：", 3)
    right = _is_right(answer, shown)
    if answer.stopped:
        yield Line("已停止，没有核对。", QUIET, "⏹ ")
    elif right is None:
        yield Line("简答题请对照参考答案看小安答得怎样。", UNKNOWN, "? ")
    elif right:
        yield Line("小安答的与题库一致", AGREES, "✓ ")
    else:
        yield Line("小安答的与题库不一致，以题库答案为准。", DIFFERS, "✗ ")
    yield from confidence_lines(answer)


def _is_right(answer: Answer, shown: "ShownQuestion") -> bool | None:
    if answer.stopped or shown.question.question_type is QuestionType.SHORT:
        return None
    return answer.check is not None and answer.check.status == "match"
