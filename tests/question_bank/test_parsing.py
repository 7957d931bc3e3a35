import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.patience import does_not_hang
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import QuestionType

STEM = "最小安全距离是（　　）。"


def texts(typed: str) -> list[str]:
    return [option.text for option in parse_question(typed).options]


@pytest.mark.parametrize(
    "options",
    [
        "选项：A. 2; B. 4; C. 6; D. 8;",
        "A.2 B.4 C.6 D.8",
        "\nA、2\nB、4\nC、6\nD、8",
        "（A）2（B）4（C）6（D）8",
        "(A) 2 (B) 4 (C) 6 (D) 8",
        "A-2|B-4|C-6|D-8",
        "Ａ．２　Ｂ．４　Ｃ．６　Ｄ．８",
        "a. 2, b. 4, c. 6, d. 8",
        "①2②4③6④8",
        "⑴2⑵4⑶6⑷8",
        "1) 2 2) 4 3) 6 4) 8",
        "A:2；B:4；C:6；D:8。",
        "**A.2**B.4**C.6**D.8",
        "A.2##B.4##C.6##D.8",
        "A.2B.4C.6D.8",
        "\nA 2\nB 4\nC 6\nD 8",
        "A 2 B 4 C 6 D 8",
        "选项：\n2\n4\n6\n8",
        "选项：2；4；6；8",
        "A.2;\n\n B.4;\r\nC.6;D.8 答案：B",
    ],
)
def test_options_are_found_under_any_labels(options: str) -> None:
    asked = parse_question(STEM + options)
    assert asked.stem == STEM
    assert [option.text.translate(str.maketrans("２４６８", "2468")) for option in asked.options] == [
        "2",
        "4",
        "6",
        "8",
    ]


def test_labels_are_kept_half_width_and_in_capitals() -> None:
    asked = parse_question("选哪个？ａ．停电ｂ．验电")
    assert [option.label for option in asked.options] == ["A", "B"]
    assert [option.label for option in parse_question("选哪个？①停电②验电").options] == ["①", "②"]


@pytest.mark.parametrize(
    "typed",
    [
        "220kV A相接地时，B相电压升高。",
        "噪声不超过85dB(A)，延伸率（A）合格。",
        "A、B、C三相短路时应先停电。",
        "A相 B相 C相均应验电",
        "工作人员应具备下列条件：（1）身体健康；（2）考试合格。",
        "B. 停电",
        "安全距离1.5m，2.0m均可",
        "What is the safe distance of a 10 kV line?",
        "😀",
    ],
)
def test_letters_and_figures_in_a_stem_are_no_options(typed: str) -> None:
    assert parse_question(typed).options == ()
    assert parse_question(typed).stem == typed


def test_letters_win_over_figures_that_number_the_stem() -> None:
    asked = parse_question("下列说法：①停电②验电③接地，正确的是（ ） A.①② B.②③")
    assert asked.stem == "下列说法：①停电②验电③接地，正确的是（ ）"
    assert [option.text for option in asked.options] == ["①②", "②③"]


def test_options_may_hold_letters_of_their_own() -> None:
    assert texts("短路的是（ ）。A.A相 B.A、B相 C.见图B.1") == ["A相", "A、B相", "见图B.1"]


def test_only_options_leave_no_stem() -> None:
    asked = parse_question("A. 停电\nB. 验电")
    assert (asked.stem, len(asked.options)) == ("", 2)


def test_empty_text_is_an_empty_question() -> None:
    asked = parse_question(" \n\x1b[2J ")
    assert (asked.text, asked.stem, asked.options) == ("", "", ())


@pytest.mark.parametrize(
    ("typed", "question_type", "stem"),
    [
        ("（多选题）下列属于措施的有（ ）", QuestionType.MULTIPLE, "下列属于措施的有（ ）"),
        ("判断题：应先验电。", QuestionType.JUDGE, "应先验电。"),
        ("3、单选题：应（ ）验电。", QuestionType.SINGLE, "应（ ）验电。"),
        ("【单选】应（ ）验电。", QuestionType.SINGLE, "应（ ）验电。"),
        ("应先验电。（判断）", QuestionType.JUDGE, "应先验电。"),
        ("题型：填空题；应先（ ）", QuestionType.BLANK, "应先（ ）"),
        ("判断设备是否带电应（ ）", None, "判断设备是否带电应（ ）"),
    ],
)
def test_a_written_type_is_understood(typed: str, question_type: QuestionType | None, stem: str) -> None:
    asked = parse_question(typed)
    assert (asked.question_type, asked.stem) == (question_type, stem)


@pytest.mark.parametrize("typed", ["【变电】应先验电", "专业：变电；应先验电", "（变电专业）应先验电"])
def test_a_written_profession_is_understood(typed: str) -> None:
    asked = parse_question(typed)
    assert (asked.profession, asked.stem) == ("变电", "应先验电")


def test_a_question_pasted_over_lines_is_one_stem() -> None:
    assert parse_question("在电气设备上\n工作，应\n（ ）\n停电").stem == "在电气设备上工作，应（ ）停电"


@given(st.text(max_size=200))
def test_any_text_is_a_question_of_some_kind(text: str) -> None:
    asked = parse_question(text)
    assert len(asked.options) != 1
    assert "\n" not in asked.stem


@pytest.mark.parametrize(
    "text",
    [
        "A." * 5_000,
        "A.x B." * 1_700,
        "(A)" * 3_300,
        "(" * 10_000,
        "选项：" * 3_300,
        "1、\t" * 3_000,
        "a\n" * 5_000,
    ],
)
def test_ten_thousand_characters_are_parsed_at_once(text: str) -> None:
    with does_not_hang():
        parse_question(text)


def test_a_stem_may_begin_with_the_sign_of_a_number() -> None:
    asked = parse_question("1. #1主变停电时，应先断开（ ）。A.#1开关 B.#2开关")
    assert asked.stem == "#1主变停电时，应先断开（ ）。"
    assert [option.text for option in asked.options] == ["#1开关", "#2开关"]
    assert parse_question("** 应先停电 **").stem == "应先停电"


@pytest.mark.parametrize(
    "typed",
    [
        "应得到（　　）认可。 A 班长 B 签发人 C 调度",
        "应得到（　　）认可。A 班长；B 签发人；C 调度",
        "应得到____认可。 A班长 B签发人 C调度",
        "应得到（ ）认可 A 班长, B 签发人, C 调度",
        "应得到谁的认可是安规写明了的。A 班长 B 签发人 C 调度",
    ],
)
def test_bare_letters_behind_the_words_after_a_blank_are_labels(typed: str) -> None:
    assert texts(typed) == ["班长", "签发人", "调度"]
    assert parse_question(typed).stem.endswith(("认可。", "认可", "写明了的。"))


def test_bare_letters_before_verdicts_are_labels_and_units_are_none() -> None:
    assert texts("应先验电。 A 正确 B 错误") == ["正确", "错误"]
    assert texts("电压为（ ）的是低压。 A 250 V B 380 V C 1000 V") == ["250 V", "380 V", "1000 V"]


@pytest.mark.parametrize(
    "typed",
    [
        "在（ ）时，A相电压升高，B相电压降低。",
        "在（ ）的情况下 A相停电 B相带电 C相接地。",
        "由 A 到 B 再到（ ）的线路。",
        "在（ ）时断开 A 开关 B 刀闸",
        "先断开 A 开关。B 站再断开。",
        "应先验电。 A 停电 B 接地",
        "应得到（ ）认可。 A 班长 B 签发人 D 调度 E 值班员 A 其他",
    ],
)
def test_bare_letters_that_may_be_names_are_no_labels(typed: str) -> None:
    assert texts(typed) == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("应得到（ ）认可。 A 班长 C 签发人 D 调度", "ACD"),
        ("应得到（ ）。C. 班长 B. 签发人 A. 调度", "CBA"),
        ("应得到（ ）认可。 A 班长 B 签发人 C 调度", ""),
        ("噪声不超过85dB(A)，B相合格。", ""),
        ("A相 B相 C相均应验电", ""),
        ("A、B、C三相短路时应先停电。", ""),
        ("在A站、B站和C站之间", ""),
    ],
)
def test_letters_of_which_no_options_were_made_are_told(typed: str, expected: str) -> None:
    assert "".join(parse_question(typed).unread_labels) == expected


@pytest.mark.parametrize("text", ["A x C " * 1_700, "(" * 5_000 + " A x" * 1_200, "( " * 5_000])
def test_ten_thousand_bare_letters_are_parsed_at_once(text: str) -> None:
    with does_not_hang():
        parse_question(f"应（ ）。 {text}")


def test_a_type_may_stand_before_the_stem_in_short() -> None:
    assert parse_question("多选 应先（ ）").question_type is QuestionType.MULTIPLE
    assert parse_question("判断 设备是否带电应（ ）").question_type is None
