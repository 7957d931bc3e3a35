from pathlib import Path

import pytest

from xiaoan.errors import UsageError
from xiaoan.repl.study.words import (
    WORDS,
    Act,
    Call,
    Mode,
    completions,
    find_call,
    read_place,
    read_switch,
    words_of,
)


def act_of(text: str) -> Act | None:
    call = find_call(text)
    return call.act if call else None


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("下一题", Act.NEXT),
        (" ＳＫＩＰ ", Act.NEXT),
        ("/next", Act.NEXT),
        ("＋", Act.NEXT),
        ("－", Act.BACK),
        ("—", Act.BACK),
        ("/上一题", Act.BACK),
        ("＊", Act.MARK),
        ("＝", Act.REVEAL),
        ("？", Act.ASK_BOT),
        ("/?", Act.ASK_BOT),
        ("交卷", Act.HAND_IN),
        ("HandIn", Act.HAND_IN),
        ("／收藏", Act.PIN),
        ("帮助", Act.HELP),
        ("Clear", Act.CLEAR),
        ("清屏", Act.CLEAR),
        ("stop", Act.LEAVE),
        ("ｅｘｉｔ", Act.LEAVE),
        ("/quit", Act.LEAVE),
        ("退出", Act.LEAVE),
    ],
)
def test_words_and_signs_are_known_in_any_width_and_case(text: str, act: Act) -> None:
    assert act_of(text) is act


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "ACD",
        "A、C",
        "对",
        "错",
        "√",
        "3",
        "12米",
        "绝缘靴",
        "停电；验电",
        "下一题是什么",
        "+5℃",
        "-10",
        "帮助 他人",
    ],
)
def test_answers_are_no_words(text: str) -> None:
    assert find_call(text) is None


@pytest.mark.parametrize("text", ["第3题", "第 3 题", "第三题", "goto 3", "去 ３", "/3", "／３"])
def test_a_question_is_gone_to_by_its_number(text: str) -> None:
    call = find_call(text)
    assert call is not None
    assert (call.act, read_place(call.argument)) == (Act.GO_TO, 3)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("8", 8),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("八十五", 85),
        ("一百零三", 103),
        ("两百", 200),
        ("x", None),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, number: int | None) -> None:
    assert read_place(written) == number


@pytest.mark.parametrize("text", ["答 下一题", "答：下一题", "/答 下一题", "答\n下一题"])
def test_an_answer_that_equals_a_word_is_forced(text: str) -> None:
    assert find_call(text) == Call(Act.FORCE_ANSWER, "下一题", "答")


def test_the_bot_is_switched_in_both_languages() -> None:
    assert find_call("/小安 ＯＮ") == Call(Act.SWITCH_BOT, "on", "小安")
    assert find_call("xiaoan off") == Call(Act.SWITCH_BOT, "off", "xiaoan")
    assert read_switch("开")
    assert not read_switch("ＯＦＦ")
    with pytest.raises(UsageError, match="on 或 off"):
        read_switch("maybe")


def test_a_slash_in_front_of_no_word_names_a_near_one() -> None:
    with pytest.raises(UsageError, match="没有 /nxet 这个命令。是不是 /next？"):
        find_call("/nxet")


def test_no_name_and_no_sign_belongs_to_two_words() -> None:
    names = [name for word in WORDS for name in word.names]
    signs = [word.sign for word in WORDS if word.sign]
    assert len(set(names)) == len(names)
    assert len(set(signs)) == len(signs)


def test_every_act_has_its_word() -> None:
    assert {word.act for word in WORDS} == set(Act)


def test_a_mode_completes_only_what_it_offers() -> None:
    assert [name for name, _ in completions("/交", Mode.QUIZ)] == ["/交卷"]
    assert completions("/交", Mode.PRACTICE) == []
    assert [name for name, _ in completions("／ＰＩ", Mode.REVIEW)] == ["/pin"]
    assert completions("交", Mode.QUIZ) == completions("/答 x", Mode.QUIZ) == []
    offered = [f"/{name}" for word in words_of(Mode.RECITAL) for name in word.names]
    assert [name for name, _ in completions("/", Mode.RECITAL)] == offered


@pytest.mark.parametrize("text", ["/quiz --resume", "/练习", "／统计 --days 3"])
def test_a_command_of_the_session_is_not_mistaken_for_a_slip(text: str) -> None:
    with pytest.raises(UsageError, match="要离开以后才能用。输入 exit 离开"):
        find_call(text)


def test_every_sign_has_a_name_for_people_who_listen() -> None:
    titles = {word.act: word.spoken_title for word in WORDS}
    assert titles[Act.BACK] == "上一题，back，减号 -"
    assert titles[Act.GO_TO] == "goto 题号，去 题号"


def test_the_table_of_words_in_the_docs_is_this_one() -> None:
    text = (Path(__file__).parents[3] / "docs" / "modes.md").read_text(encoding="utf-8")
    table = text.split("## Words")[1].split("\n\n")[2].split("\n")[2:]
    rows = [[cell.strip() for cell in row.replace("\\|", "/").split("|")[1:4]] for row in table]
    assert rows == [
        [
            f"`{word.sign}`" if word.sign else "",
            "，".join(f"`{name} {word.takes}`".replace(" `", "`") for name in word.names).replace("|", "/"),
            word.help,
        ]
        for word in WORDS
    ]


def test_figures_in_a_row_are_no_place() -> None:
    assert read_place("一二三") is None
    assert read_place("二十三") == 23
