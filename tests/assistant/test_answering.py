import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from tests.fakes import (
    ALONE,
    BOOTS,
    CONTENT_INFO,
    INFO,
    KEYS,
    PERMIT_DISTRIBUTION,
    PERMIT_SUBSTATION,
    PLAIN_INFO,
    FakeClock,
    FakeEngine,
    question,
    small_bank,
)
from xiaoan.assistant.answering import LONGEST_QUESTION, Answer, Assistant, read_question
from xiaoan.assistant.bank_check import CheckStatus
from xiaoan.assistant.confidence import Calibration, Confidence, Level
from xiaoan.assistant.engine import ModelInfo, Piece
from xiaoan.errors import UsageError
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question, QuestionBank, QuestionType

MATCHER = Matcher(small_bank())
WITH_OPTIONS = "雷雨天气巡视室外高压设备应穿（ ）。选项：A. 雨靴; B. 绝缘鞋; C. 绝缘靴"


def assistant(
    *pieces: str, info: ModelInfo = PLAIN_INFO, decode: str = "auto", chosen: Sequence[tuple[int, ...]] = ()
) -> Assistant:
    engine = FakeEngine(info=info).enqueue(*pieces)
    for places in chosen:
        engine.enqueue_choice(*places)
    return Assistant(engine, MATCHER, clock=FakeClock(), decode=decode)


def engine_of(asking: Assistant) -> FakeEngine:
    assert isinstance(asking.engine, FakeEngine)
    return asking.engine


def status(answer: Answer) -> CheckStatus:
    assert answer.check is not None
    return answer.check.status


def test_pieces_come_first_and_joined_are_the_answer() -> None:
    items = list(assistant("绝缘", "靴").ask(BOOTS.stem))
    assert items[:2] == [Piece("绝缘", 1), Piece("靴", 2)]
    assert isinstance(items[2], Answer)
    assert items[2].answer == "绝缘靴"
    assert items[2].tokens == 2


def test_the_right_answer_to_a_bank_question_matches() -> None:
    answer = assistant("绝缘靴").answer("雷雨天气巡视室外高压设备应穿( )")
    assert status(answer) is CheckStatus.MATCH
    assert answer.shown_from == "bank"


def test_a_wrong_answer_to_a_bank_question_is_a_mismatch_and_the_banks_is_shown() -> None:
    answer = assistant("绝缘鞋").answer(BOOTS.stem)
    assert status(answer) is CheckStatus.MISMATCH
    assert answer.shown_from == "bank"
    assert answer.bank_answer(BOOTS) == "绝缘靴"


def test_an_empty_answer_is_a_mismatch() -> None:
    assert status(assistant().answer(BOOTS.stem)) is CheckStatus.MISMATCH


def test_a_question_that_the_bank_does_not_have_is_the_models() -> None:
    answer = assistant("绝缘靴").answer("雪天巡视室外高压设备应穿（ ）。")
    assert status(answer) is CheckStatus.NOT_FOUND
    assert answer.shown_from == "model"


def test_a_blank_filled_with_something_else_is_never_verified() -> None:
    answer = assistant(chosen=[(0,)]).answer("高压室的钥匙至少应有2把。")
    assert (answer.answer, status(answer)) == ("正确", CheckStatus.NOT_FOUND)


def test_the_same_stem_in_two_professions_is_ambiguous_until_one_is_named() -> None:
    answer = assistant("工区").answer(PERMIT_SUBSTATION.stem)
    assert answer.check is not None
    assert answer.check.status is CheckStatus.AMBIGUOUS
    assert set(answer.check.questions) == {PERMIT_SUBSTATION, PERMIT_DISTRIBUTION}
    assert status(assistant("工区").answer(f"（配电）{PERMIT_SUBSTATION.stem}")) is CheckStatus.MATCH


def test_options_are_decided_by_content_when_the_card_knows_the_form() -> None:
    asking = assistant(info=CONTENT_INFO)
    engine_of(asking).enqueue_choice(2)
    items = list(asking.ask(WITH_OPTIONS))
    assert items[0] == Piece("C. 绝缘靴", 0)
    answer = items[1]
    assert isinstance(answer, Answer)
    assert (answer.answer, answer.selected, status(answer)) == ("C. 绝缘靴", ("C",), CheckStatus.MATCH)
    assert engine_of(asking).choices_asked == [
        ("雷雨天气巡视室外高压设备应穿___", ("雨靴", "绝缘鞋", "绝缘靴"), True)
    ]
    assert engine_of(asking).queries == []


def test_several_options_are_joined_with_the_letters_as_shown() -> None:
    asking = assistant(info=CONTENT_INFO)
    engine_of(asking).enqueue_choice(0, 2)
    answer = asking.answer("装卸高压熔断器应使用（ ）。A.绝缘手套 B.雨衣 C.护目镜")
    assert answer.answer == "A. 绝缘手套; C. 护目镜"
    assert answer.selected == ("A", "C")
    assert status(answer) is CheckStatus.MATCH


@pytest.mark.parametrize("typed", ["（单选题）" + WITH_OPTIONS, "单人操作时可以登杆。A. 对 B. 错"])
def test_a_question_that_allows_one_option_only_says_so(typed: str) -> None:
    asking = assistant(info=CONTENT_INFO)
    engine_of(asking).enqueue_choice(0)
    asking.answer(typed)
    assert engine_of(asking).choices_asked[0][2] is True


def test_without_a_card_options_stay_in_the_prompt_and_letters_are_read_back() -> None:
    asking = assistant("C", info=INFO)
    answer = asking.answer(WITH_OPTIONS)
    assert engine_of(asking).queries == [answer.asked.text]
    assert (answer.answer, answer.selected, status(answer)) == ("C. 绝缘靴", ("C",), CheckStatus.MATCH)


def test_figures_as_labels_are_not_taken_for_figures_as_texts() -> None:
    asking = assistant(info=CONTENT_INFO)
    engine_of(asking).enqueue_choice(2)
    answer = asking.answer("高压室的钥匙至少应有（ ）把。\n1) 4\n2) 2\n3) 3")
    assert (answer.answer, answer.bank_answer(KEYS), status(answer)) == ("3. 3", "3. 3", CheckStatus.MATCH)


def test_text_outranks_the_letter_before_it() -> None:
    assert assistant("A. 绝缘靴", info=INFO).answer(WITH_OPTIONS).selected == ("C",)


def test_free_decoding_can_be_forced_and_unreadable_text_stays_as_it_is() -> None:
    answer = assistant("穿好靴子", info=CONTENT_INFO, decode="free").answer(WITH_OPTIONS)
    assert (answer.answer, answer.selected, status(answer)) == ("穿好靴子", (), CheckStatus.MISMATCH)


def test_a_judgement_is_compared_in_any_words() -> None:
    assert status(assistant("错", decode="free").answer(ALONE.stem)) is CheckStatus.MATCH
    assert status(assistant("正确", decode="free").answer(ALONE.stem)) is CheckStatus.MISMATCH


def test_the_banks_judgement_carries_the_letter_that_was_shown() -> None:
    answer = assistant("B", info=INFO).answer("单人操作时可以登杆。A. 对 B. 错")
    assert answer.bank_answer(ALONE) == "B. 错误"
    assert status(answer) is CheckStatus.MATCH


def test_a_stopped_answer_keeps_what_came_and_selects_nothing() -> None:
    asking = assistant("C", "B", info=INFO)
    stops: Iterator[bool] = iter([False, True, True, True])
    answer = asking.answer(WITH_OPTIONS, lambda: next(stops, True))
    assert (answer.answer, answer.selected, answer.stopped) == ("C", (), True)


def test_without_a_bank_nothing_is_checked() -> None:
    answer = Assistant(FakeEngine().enqueue("3"), None, clock=FakeClock()).answer(KEYS.stem)
    assert answer.check is None
    assert answer.to_document()["bank"]["status"] == "not_found"


@pytest.mark.parametrize(
    "text", ["", "  \n", "？！", "🙋🤖", "\x1b[31m\x1b[0m", "A. 2; B. 4; C. 6", "选项：A. 2; B. 4"]
)
def test_what_is_no_question_says_so_and_never_reaches_the_model(text: str) -> None:
    asking = assistant("x")
    with pytest.raises(UsageError):
        asking.answer(text)
    assert engine_of(asking).queries == []


def test_a_question_of_ten_thousand_characters_names_the_limit() -> None:
    with pytest.raises(UsageError, match=str(LONGEST_QUESTION)):
        assistant().answer("高压" * 5000)


@pytest.mark.parametrize("text", ["How many keys?", "\x1b[31m高压室\x1b[0m的钥匙\x07", "🙋高压室的钥匙几把"])
def test_odd_but_real_questions_are_answered(text: str) -> None:
    answer = assistant("3").answer(text)
    assert answer.answer == "3"
    assert "\x1b" not in answer.asked.text


def test_the_document_has_exactly_the_agreed_shape() -> None:
    clock = FakeClock()
    answer = Assistant(FakeEngine(info=INFO).enqueue("B"), MATCHER, clock=clock).answer(
        "高压室的钥匙至少应有（ ）把。选项：A. 2; B. 3; C. 4"
    )
    assert json.dumps(answer.to_document(), ensure_ascii=False) == (
        '{"question": "高压室的钥匙至少应有（ ）把。选项：A. 2; B. 3; C. 4", '
        '"options": ["A. 2", "B. 3", "C. 4"], '
        '"answer": "B. 3", "selected": ["B"], "shown_from": "bank", '
        f'"bank": {{"status": "match", "id": "{KEYS.id}", "stem": "高压室的钥匙至少应有（ ）把。", '
        '"answer": "B. 3", "clause": "变电安规 5.2", "profession": "变电", "type": "单选题", '
        '"source": "小题库.xlsx:题库:2"}, "similar": [], '
        '"model": {"name": "fake", "prefix": "fake-prefix", "device": "cpu", "dtype": "float32", '
        '"demo": true, "lora": null}, '
        '"timing": {"load_s": 0.5, "first_token_s": 0.0, "total_s": 0.0, "tokens": 1}, '
        '"type": {"value": "单选题", "source": "bank"}, "confidence": null, "needs_options": false, '
        '"remarks": []}'
    )


def test_an_unknown_question_has_the_same_keys_with_nothing_in_them() -> None:
    document = assistant("x").answer("变压器的颜色是什么").to_document()
    assert document["bank"] == {
        "status": "not_found",
        **dict.fromkeys(["id", "stem", "answer", "clause", "profession", "type", "source"]),
    }


def test_an_ambiguous_question_lists_what_it_could_be() -> None:
    document = assistant("工区").answer(PERMIT_SUBSTATION.stem).to_document()
    assert document["bank"]["status"] == "ambiguous"
    assert {entry["profession"] for entry in document["similar"]} == {"变电", "配电"}


def test_times_are_measured_from_the_question() -> None:
    clock = FakeClock()
    asking = Assistant(FakeEngine().enqueue("甲", "乙"), None, clock=clock)
    answers = []
    for item in asking.ask("题目"):
        clock.now_s += 0.25
        answers.append(item)
    final = answers[-1]
    assert isinstance(final, Answer)
    assert (final.first_token_s, final.total_s) == (0.0, 0.5)


@pytest.mark.parametrize("letter", ["B", "b", "答案：B", "选B"])
def test_a_bare_letter_is_never_verified_where_no_options_were_shown(letter: str) -> None:
    assert KEYS.answer_letters == ("B",)
    assert status(assistant(letter).answer(KEYS.stem)) is CheckStatus.MISMATCH
    assert status(assistant(letter, decode="free").answer(ALONE.stem)) is CheckStatus.MISMATCH


def test_a_stopped_answer_is_never_verified() -> None:
    stops: Iterator[bool] = iter([False, True])
    answer = assistant("绝缘靴", "和雨衣").answer(BOOTS.stem, lambda: next(stops, True))
    assert (answer.answer, answer.stopped, status(answer)) == ("绝缘靴", True, CheckStatus.MISMATCH)
    assert answer.check is not None
    assert answer.check.question == BOOTS


def test_an_option_that_looks_like_a_label_is_checked_by_its_text() -> None:
    levels = question("绝缘等级是（ ）。", "A", options=("B", "A", "C"))
    for chosen, expected in [(0, CheckStatus.MISMATCH), (1, CheckStatus.MATCH)]:
        engine = FakeEngine(info=CONTENT_INFO).enqueue_choice(chosen)
        asking = Assistant(engine, Matcher(QuestionBank([levels])), clock=FakeClock())
        assert status(asking.answer("绝缘等级是（ ）。A. B; B. A; C. C")) is expected


def test_the_banks_answer_carries_its_letter_though_the_option_was_typed_with_other_marks() -> None:
    sign = question("应挂（ ）牌。", "禁止分闸！", options=("禁止分闸！", "在此工作！"))
    engine = FakeEngine(info=CONTENT_INFO).enqueue_choice(1)
    asking = Assistant(engine, Matcher(QuestionBank([sign])), clock=FakeClock())
    answer = asking.answer("应挂（ ）牌。A. 在此工作 B. “禁止分闸”")
    assert (status(answer), answer.bank_answer(sign)) == (CheckStatus.MATCH, "B. 禁止分闸！")


def ask_known(asking: Assistant, known: Question, *options: str) -> Answer:
    shown = [AskedOption(label, text) for label, text in zip("ABCDEF", options, strict=False)]
    answer = list(asking.ask_known(known, shown))[-1]
    assert isinstance(answer, Answer)
    return answer


def test_a_bank_question_is_put_as_a_person_would_type_it() -> None:
    asking = assistant("绝缘靴", info=INFO)
    answer = ask_known(asking, BOOTS, "雨靴", "绝缘靴", "绝缘鞋")
    assert engine_of(asking).queries == ["雷雨天气巡视室外高压设备应穿（ ）。\nA. 雨靴\nB. 绝缘靴\nC. 绝缘鞋"]
    assert (answer.answer, answer.selected, status(answer)) == ("B. 绝缘靴", ("B",), CheckStatus.MATCH)


def test_a_bank_question_is_checked_against_itself_without_a_matcher() -> None:
    # The same stem stands in two professions: matching would not know which.
    for known, expected in (
        (PERMIT_DISTRIBUTION, CheckStatus.MATCH),
        (PERMIT_SUBSTATION, CheckStatus.MISMATCH),
    ):
        engine = FakeEngine(info=PLAIN_INFO).enqueue("工区")
        answer = ask_known(Assistant(engine, None, clock=FakeClock()), known)
        assert (status(answer), answer.check and answer.check.question) == (expected, known)


def test_letters_of_the_model_are_read_by_the_options_as_shown() -> None:
    asking = assistant("A", info=INFO)
    assert status(ask_known(asking, BOOTS, "绝缘靴", "绝缘鞋", "雨靴")) is CheckStatus.MATCH


def test_a_judgement_is_decided_between_right_and_wrong() -> None:
    asking = assistant(info=CONTENT_INFO)
    engine_of(asking).enqueue_choice(1)
    answer = ask_known(asking, ALONE, "正确", "错误")
    assert (answer.answer, status(answer)) == ("B. 错误", CheckStatus.MATCH)
    assert engine_of(asking).choices_asked == [("单人操作时可以登杆", ("正确", "错误"), True)]


def test_a_bank_question_too_long_for_the_model_is_refused() -> None:
    with pytest.raises(UsageError, match="这道题小安答不了"):
        ask_known(assistant(), question("高压" * LONGEST_QUESTION, "3"))


def test_a_stopped_answer_to_a_bank_question_keeps_the_question() -> None:
    asking = assistant("绝缘", "靴", info=INFO)
    *_, answer = asking.ask_known(BOOTS, (), lambda: True)
    assert isinstance(answer, Answer)
    assert answer.stopped
    assert answer.check is not None
    assert answer.check.question is BOOTS


SURE, DOUBTING = -0.001, -4.0
CALIBRATION = Calibration(temperature=1.0, familiarity_weight=0.0, bias=0.0)
CALIBRATED = replace(PLAIN_INFO, calibration=CALIBRATION)
UNKNOWN = "水电厂的检修人员应穿（ ）。A. 绝缘靴 B. 雨靴"


def measured(
    *pieces: str, log_probability: float, chosen: Sequence[tuple[int, ...]] = (), decode: str = "auto"
) -> Assistant:
    """An assistant whose model is as sure as that of whatever it says."""
    asking = assistant(*pieces, info=CALIBRATED, chosen=chosen, decode=decode)
    engine_of(asking).log_probability = log_probability
    engine_of(asking).familiarity = 0.5
    return asking


def test_nobody_says_how_sure_an_answer_is_where_nobody_has_measured_it() -> None:
    answer = assistant(chosen=[(0,)]).answer(UNKNOWN)
    assert (answer.confidence, answer.shown_from, answer.shown) == (None, "model", "A. 绝缘靴")
    asking = measured(log_probability=SURE, chosen=[(0,)])
    engine_of(asking).familiarity = None
    assert asking.answer(UNKNOWN).confidence is None


@pytest.mark.parametrize(
    ("log_probability", "level", "shown_from", "shown"),
    [
        (SURE, Level.HIGH, "model", "A. 绝缘靴"),
        (-0.3, Level.MIDDLE, "model", "A. 绝缘靴"),
        (DOUBTING, Level.LOW, "none", "没有把握，硬要选的话：A. 绝缘靴"),
    ],
)
def test_a_doubtful_answer_says_so_before_it_says_anything(
    log_probability: float, level: Level, shown_from: str, shown: str
) -> None:
    asking = measured(log_probability=log_probability, chosen=[(0,)])
    piece, answer = asking.ask(UNKNOWN)
    assert piece == Piece(shown, 0)
    assert isinstance(answer, Answer)
    assert answer.confidence is not None
    assert (answer.confidence.level, answer.shown_from, answer.answer) == (level, shown_from, "A. 绝缘靴")


def test_what_the_bank_knows_is_shown_whatever_the_model_thinks_of_itself() -> None:
    piece, answer = measured(log_probability=DOUBTING, chosen=[(2,)]).ask(WITH_OPTIONS)
    assert isinstance(answer, Answer)
    assert (piece, answer.shown_from) == (Piece("C. 绝缘靴", 0), "bank")


def test_a_model_that_takes_a_near_miss_for_the_question_it_knows_is_not_believed() -> None:
    piece, answer = measured(log_probability=SURE, chosen=[(0,)]).ask("单人操作时不可以登杆。")
    assert isinstance(answer, Answer)
    assert answer.confidence == Confidence(0.5)
    assert piece == Piece("没有把握，硬要选的话：正确", 0)


def test_a_verdict_on_what_is_no_statement_is_a_guess() -> None:
    answer = measured("正", "确", log_probability=SURE).answer("安全距离")
    assert (answer.confidence, answer.shown_from) == (Confidence(0.5), "none")
    judged = measured("正确", log_probability=SURE, decode="free").answer("水电厂的检修人员不得登杆。")
    assert judged.shown_from == "model"


def test_one_of_several_bank_questions_is_a_guess() -> None:
    answer = measured("工区", log_probability=SURE).answer(PERMIT_SUBSTATION.stem)
    assert (status(answer), answer.shown_from) == (CheckStatus.AMBIGUOUS, "none")


def test_a_free_answer_is_weighed_in_the_spelling_that_was_trained() -> None:
    asking = measured("护目镜；", " 绝缘手套", log_probability=DOUBTING)
    first, second, answer = asking.ask("水电厂里应使用（ ）。")
    assert (first, second) == (Piece("护目镜；", 1), Piece(" 绝缘手套", 2))
    assert isinstance(answer, Answer)
    assert (answer.shown_from, answer.shown) == ("none", "没有把握，硬要说的话：护目镜； 绝缘手套")
    assert engine_of(asking).weighed == [("水电厂里应使用___", "护目镜; 绝缘手套")]


def test_a_stopped_answer_is_not_weighed() -> None:
    stops: Iterator[bool] = iter([False, True])
    asking = measured("绝缘靴", "和雨衣", log_probability=SURE)
    answer = asking.answer("水电厂里应使用（ ）。", lambda: next(stops, True))
    assert (answer.confidence, engine_of(asking).weighed) == (None, [])


MISSING = "在水电厂检修，下列说法正确的是（ ）。"


@pytest.mark.parametrize(
    ("log_probability", "shown", "shown_from"),
    [(SURE, "雨靴", "model"), (-0.3, "没有看到选项，答不了。", "none")],
)
def test_a_question_without_its_options_gets_an_answer_only_if_that_is_sure(
    log_probability: float, shown: str, shown_from: str
) -> None:
    *pieces, answer = measured("雨", "靴", log_probability=log_probability).ask(MISSING)
    assert pieces == [Piece(shown, 2)]
    assert isinstance(answer, Answer)
    assert (answer.needs_options, answer.answer, answer.shown_from) == (True, "雨靴", shown_from)


def test_a_bank_question_without_its_options_is_answered_as_it_comes() -> None:
    listed = question("下列应穿戴的是（ ）。", "雨靴", options=("雨靴", "布鞋"))
    engine = FakeEngine(info=PLAIN_INFO).enqueue("雨", "靴")
    *pieces, answer = Assistant(engine, Matcher(QuestionBank([listed])), clock=FakeClock()).ask(listed.stem)
    assert pieces == [Piece("雨", 1), Piece("靴", 2)]
    assert isinstance(answer, Answer)
    assert (answer.needs_options, answer.shown_from, status(answer)) == (True, "bank", CheckStatus.MATCH)


@pytest.mark.parametrize(
    ("typed", "expected", "source"),
    [
        ("（多选题）" + BOOTS.stem, QuestionType.MULTIPLE, "said"),
        (BOOTS.stem, QuestionType.SINGLE, "bank"),
        ("水电厂至少应有（ ）把钥匙。", QuestionType.SINGLE, "text"),
        ("水电厂的检修人员应穿（ ）。", None, None),
    ],
)
def test_the_kind_of_question_and_where_it_comes_from(
    typed: str, expected: QuestionType | None, source: str | None
) -> None:
    answer = assistant("3").answer(typed)
    assert (answer.question_type, answer.type_source) == (expected, source)


def test_a_statement_is_judged_without_the_words_that_ask_for_it() -> None:
    asking = assistant(chosen=[(1,), (1,)])
    for typed in ("水电厂的检修人员可以登杆，对吗？", "（判断题）水电厂的检修人员可以登杆"):
        answer = asking.answer(typed)
        assert (answer.answer, answer.selected, answer.question_type) == ("错误", (), QuestionType.JUDGE)
    assert engine_of(asking).choices_asked == [("水电厂的检修人员可以登杆", ("正确", "错误"), True)] * 2


def test_right_and_wrong_in_other_words_are_decided_by_the_words_of_training() -> None:
    asking = assistant(chosen=[(1,)])
    answer = asking.answer("单人操作时可以登杆。A. √ B. ×")
    assert (answer.answer, status(answer)) == ("B. ×", CheckStatus.MATCH)
    assert engine_of(asking).choices_asked == [("单人操作时可以登杆", ("正确", "错误"), True)]


def test_a_model_that_knows_only_lettered_options_gets_them_in_one_order() -> None:
    info = replace(PLAIN_INFO, forms=frozenset({"options"}))
    asking = assistant(info=info, chosen=[(1,), (1,)])
    answer = asking.answer(WITH_OPTIONS)
    assert engine_of(asking).choices_asked == [
        (
            "雷雨天气巡视室外高压设备应穿___\nA. 绝缘靴\nB. 绝缘鞋\nC. 雨靴",
            ("A. 绝缘靴", "B. 绝缘鞋", "C. 雨靴"),
            True,
        )
    ]
    assert (answer.answer, answer.selected, status(answer)) == ("B. 绝缘鞋", ("B",), CheckStatus.MISMATCH)
    assert asking.answer(ALONE.stem).answer == "错误"
    assert engine_of(asking).choices_asked[1] == (
        "单人操作时可以登杆\nA. 正确\nB. 错误",
        ("正确", "错误"),
        True,
    )


def test_more_options_than_letters_are_refused_before_the_model_is_asked() -> None:
    options = "\n".join(f"{number}) 第{number}种" for number in range(1, 28))
    with pytest.raises(UsageError, match="27 个选项"):
        assistant("x").answer(f"应选（ ）。\n{options}")


def test_of_a_batch_each_answer_took_its_share_of_the_time() -> None:
    clock = FakeClock()
    engine = FakeEngine(info=PLAIN_INFO).enqueue("甲").enqueue("乙")
    asking = Assistant(engine, None, clock=clock)
    asked = [read_question(text) for text in ("应穿什么", "应戴什么")]

    def tick() -> float:
        clock.now_s += 1
        return clock.now_s

    timed = Assistant(engine, None, clock=tick).answer_all(asked)
    assert [(one.answer, one.first_token_s, one.total_s) for one in timed] == [
        ("甲", 0.5, 0.5),
        ("乙", 0.5, 0.5),
    ]
    assert asking.answer_all([]) == []


def test_the_document_says_how_sure_the_answer_is() -> None:
    document = (
        measured(log_probability=SURE, chosen=[(0,)]).answer("水电厂的检修人员不得登杆。").to_document()
    )
    assert (document["type"], document["needs_options"]) == ({"value": "判断题", "source": "text"}, False)
    assert document["confidence"] == {"probability": 0.999, "level": "high"}


@pytest.mark.parametrize(("chosen", "expected"), [(0, CheckStatus.MATCH), (1, CheckStatus.MISMATCH)])
def test_a_bank_question_with_its_answer_filled_in_is_a_statement(chosen: int, expected: CheckStatus) -> None:
    answer = assistant(chosen=[(chosen,)]).answer("高压室的钥匙至少应有3把。")
    assert (answer.question_type, answer.type_source) == (QuestionType.JUDGE, "text")
    assert (answer.answer, status(answer)) == (("正确", "错误")[chosen], expected)
    assert answer.judges_filling


def test_a_filled_blank_is_agreed_with_in_either_way_of_saying_so() -> None:
    for said, expected in (
        ("正确", "match"),
        ("对", "match"),
        ("3", "match"),
        ("错误", "mismatch"),
        ("B", "mismatch"),
    ):
        assert status(assistant(said, decode="free").answer("高压室的钥匙至少应有3把。")) == expected


def test_a_filled_blank_with_options_is_answered_by_the_options() -> None:
    answer = assistant(chosen=[(2,)]).answer("高压室的钥匙至少应有3把。A. 4 B. 2 C. 3")
    assert (answer.question_type, answer.answer, status(answer)) == (QuestionType.SINGLE, "C. 3", "match")


@pytest.mark.parametrize("options", ["A.正确 B.正确", "A. 雨靴 B. 雨靴"])
@pytest.mark.parametrize("decode", ["auto", "free"])
def test_of_options_that_are_all_the_same_none_is_an_answer(options: str, decode: str) -> None:
    asking = measured("A", log_probability=SURE, chosen=[(0,)], decode=decode)
    *pieces, answer = asking.ask(f"水电厂的检修人员应穿雨靴。{options}")
    assert isinstance(answer, Answer)
    assert [piece.text for piece in pieces if isinstance(piece, Piece)] == ["选项都一样，没有可选的。"]
    assert (answer.confidence, answer.shown_from) == (None, "none")
    document = answer.to_document()
    assert (document["answer"], document["selected"]) == ("选项都一样，没有可选的。", [])


def test_a_verdict_among_options_that_say_more_is_a_guess() -> None:
    mixed = "水电厂的雨靴不合格的（ ）。A.不应使用 B.应报废 C.正确 D.错误"
    for chosen, expected in ((2, 0.5), (0, 0.999)):
        found = measured(log_probability=SURE, chosen=[(chosen,)]).answer(mixed).confidence
        assert found is not None
        assert found.probability == pytest.approx(expected, abs=1e-3)


def test_the_document_says_what_the_screen_says_where_there_is_no_answer() -> None:
    answer = measured("雨靴", log_probability=DOUBTING).answer(MISSING)
    assert answer.to_document()["answer"] == answer.shown == "没有看到选项，答不了。"
    unread = measured("雨靴", log_probability=DOUBTING).answer(f"{MISSING} A 雨靴 C 布鞋 D 草鞋")
    assert unread.to_document()["answer"] == unread.shown == "选项没有读懂，答不了。"
    assert unread.to_document()["remarks"] == list(unread.remarks)
    assert "A、C、D" in unread.remarks[0]
