"""One test for each kind of dirt found in banks: read right, repaired and said, or refused; never read wrong."""

from dataclasses import replace

import pytest

from tests.question_bank.made_sheets import (
    HEADER,
    question,
    read_one,
    read_rows,
    refusal,
    row,
    sheet_of,
    warnings,
)
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.rows.faults import FaultCode, Severity
from xiaoan.question_bank.rows.sheet_reader import read_sheet

JUDGE = {"题型": "判断题", "题干": "装设接地线之前必须验电。"}


def codes(**changed: str) -> set[FaultCode]:
    return warnings(read_one(**changed))


def test_a_range_larger_than_the_data_has_blank_rows_and_rows_with_only_a_number() -> None:
    header = ["序号", *HEADER]
    rows = [header, ["1", *row()], ["2"], [""], ["4", *row()], ["5", "", "单选题"], [" "]]
    reading = read_rows(rows)
    assert (reading.rows, reading.refused, reading.faults) == (2, 0, ())
    assert [(skipped.why, skipped.rows) for skipped in reading.skipped] == [
        ("只有序号，没有题目", (3,)),
        ("空行", (4, 7)),
        ("没有题干、选项和答案", (6,)),
    ]


def test_a_formula_for_the_number_in_an_empty_row_is_no_fault() -> None:
    remarks = {(3, 1): Remark(RemarkKind.NO_VALUE)}
    reading = read_rows([["序号", *HEADER], ["1", *row()], [""]], remarks=remarks)
    assert (reading.rows, reading.faults) == (1, ())


@pytest.mark.parametrize(
    ("cell", "warned"),
    [
        ("A-停电|B-验电|C-接地", False),
        ("A-停电｜B-验电｜C-接地", False),
        ("A-停电｜B-验电|C-接地", True),
        ("A-停电丨B-验电丨C-接地", True),
        ("A-停电||B-验电||C-接地", False),
        ("**A.停电**B.验电***C.接地", False),
        ("A.停电##B.验电##C.接地", False),
        ("停电$;$验电$;$接地", False),
        ("停电$|$验电$|$接地", False),
        ("A-停电，B-验电，C-接地", False),
        ("A-停电，B-验电|C-接地", True),
        ("A、停电 B、验电C、接地", True),
        ("A:停电B:验电C:接地", True),
        ("A-停电B-验电C-接地", True),
        ("A.停电B.验电C.接地", True),
        ("A、停电|B、验电C、接地", True),
        ("A-停电|B-验电|C-接地|", False),
        ("A.停电\nB.验电\nC.接地", False),
        ("A.停电;B.验电;C.接地", False),
    ],
)
def test_separators_that_look_alike_and_missing_ones(cell: str, warned: bool) -> None:
    read = question(选项=cell, 答案="C")
    assert (read.options, read.answer) == (("停电", "验电", "接地"), ("接地",))
    assert codes(选项=cell, 答案="C") == ({FaultCode.OPTION_SEPARATOR} if warned else set())


def test_a_comma_within_an_option_is_text() -> None:
    read = question(选项="A-停电，验电|B-接地,挂牌|C-装设遮栏", 答案="B")
    assert (read.options, read.answer) == (("停电，验电", "接地,挂牌", "装设遮栏"), ("接地,挂牌",))
    assert codes(选项="A-停电，验电|B-接地,挂牌|C-装设遮栏") == set()


@pytest.mark.parametrize(
    "cell",
    [
        "A.停电|B.验电",
        "A、停电|B、验电",
        "A:停电|B:验电",
        "A：停电|B：验电",
        "Ａ．停电　Ｂ．验电",
        "a、停电 b、验电",
        "（A）停电（B）验电",
        "(A)停电|(B)验电",
        "停电|验电",
        "A. 停电,B. 验电",
        "A)停电 B)验电",
        "选项：A.停电 B.验电",
    ],
)
def test_labels_of_every_style(cell: str) -> None:
    read = question(选项=cell, 答案="B")
    assert (read.options, read.answer) == (("停电", "验电"), ("验电",))
    assert codes(选项=cell, 答案="B") == set()


@pytest.mark.parametrize("cell", ["A-停电|B-验电|D-接地", "A.停电 B.验电 D.接地"])
def test_where_a_label_is_missing_the_letter_counts(cell: str) -> None:
    assert question(选项=cell, 答案="D").answer == ("接地",)
    assert codes(选项=cell, 答案="D") == {FaultCode.OPTION_LABEL}
    assert refusal(选项=cell, 答案="C") == FaultCode.BAD_ANSWER


@pytest.mark.parametrize(
    "cell",
    [
        "A-单位|B-时间|C-双方职位|D双方姓名",
        "A-单位|B-时间|双方职位|D-双方姓名",
        "单位|B-时间|C-双方职位|D-双方姓名",
    ],
)
def test_a_label_without_its_mark_is_put_right(cell: str) -> None:
    read = question(题型="多选题", 选项=cell, 答案="AD")
    assert read.options == ("单位", "时间", "双方职位", "双方姓名")
    assert read.answer == ("单位", "双方姓名")
    assert codes(题型="多选题", 选项=cell, 答案="AD") == {FaultCode.OPTION_LABEL}


@pytest.mark.parametrize(
    ("cell", "options", "warned"),
    [
        ("1.停电|2.验电|3.接地", ("停电", "验电", "接地"), False),
        ("1:5m|2:6m|3:8m", ("5m", "6m", "8m"), False),
        ("1.5m|2.6m|3.8m", ("1.5m", "2.6m", "3.8m"), False),
        ("1.5m|2.6m|3.8m|4.9m", ("1.5m", "2.6m", "3.8m", "4.9m"), True),
        ("1.1.0m|2.1.5m|3.2.0m", ("1.0m", "1.5m", "2.0m"), False),
        ("0.7m|1.0m|1.5m", ("0.7m", "1.0m", "1.5m"), False),
        ("1-3天|4-5天|6-7天", ("1-3天", "4-5天", "6-7天"), False),
        ("1、2号主变|3号主变|母线", ("1、2号主变", "3号主变", "母线"), False),
    ],
)
def test_figures_in_front_of_options(cell: str, options: tuple[str, ...], warned: bool) -> None:
    assert question(选项=cell, 答案="C").options == options
    assert codes(选项=cell, 答案="C") == ({FaultCode.OPTION_LABEL} if warned else set())


def test_a_label_that_comes_twice_is_never_guessed_at() -> None:
    cell = "A-停电|B-验电|B-接地|D-挂牌"
    assert question(选项=cell, 答案="D").answer == ("挂牌",)
    assert refusal(选项=cell, 答案="B") == FaultCode.OPTIONS_UNCLEAR
    assert refusal(选项=cell, 答案="C") == FaultCode.OPTIONS_UNCLEAR


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("A-Path.name|B-Fil|E-separator|C-换行符|D-空格", "File.separator"),
        ("A-a.ini|B-We|B-xml|C-c.txt|D-d.txt", "Web.xml"),
    ],
)
def test_an_option_torn_by_replacing_everywhere_is_joined_where_only_one_way_makes_sense(
    cell: str, word: str
) -> None:
    read = question(选项=cell, 答案="D")
    assert (len(read.options), read.options[1], read.answer) == (4, word, (read.options[3],))
    assert codes(选项=cell, 答案="D") == {FaultCode.OPTION_TORN}


def test_a_torn_option_that_could_be_joined_in_two_ways_is_refused() -> None:
    cell = "A-We|B-xml|B-struts.xml|C-a.xml|D-b.ini"
    for letter in "ABCD":
        assert refusal(选项=cell, 答案=letter) == FaultCode.OPTIONS_UNCLEAR


@pytest.mark.parametrize(
    ("answer", "right", "warning"),
    [
        ("BC\n", "BC", None),
        ("ABCD  ", "ABCD", None),
        ("A,C", "AC", None),
        ("A、C", "AC", None),
        ("A，C", "AC", None),
        ("ＡＣ", "AC", None),
        ("A. 停电；C. 接地", "AC", None),
        ("ADCB", "ABCD", FaultCode.LETTER_ORDER),
        ("ABCDDE", "ABCDE", FaultCode.LETTER_TWICE),
        ("ac", "AC", FaultCode.LETTER_CASE),
        ("c", "C", FaultCode.LETTER_CASE),
        ("停电；接地", "AC", FaultCode.ANSWER_AS_TEXT),
        ("C", "C", FaultCode.ONE_OPTION_ONLY),
    ],
)
def test_answers_in_every_form(answer: str, right: str, warning: FaultCode | None) -> None:
    cell = "A-停电|B-验电|C-接地|D-挂牌|E-装设遮栏"
    changed = {"题型": "多选题", "选项": cell, "答案": answer}
    assert "".join(question(**changed).answer_letters) == right
    expected = {warning} if warning else set()
    assert codes(**changed) - {FaultCode.ONE_OPTION_ONLY} == expected - {FaultCode.ONE_OPTION_ONLY}
    assert (FaultCode.ONE_OPTION_ONLY in codes(**changed)) == (len(right) == 1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("", FaultCode.NO_ANSWER),
        ("\\", FaultCode.NO_ANSWER),
        ("/", FaultCode.NO_ANSWER),
        (" ", FaultCode.NO_ANSWER),
        ("D", FaultCode.BAD_ANSWER),
        ("Z", FaultCode.BAD_ANSWER),
        ("送电", FaultCode.BAD_ANSWER),
        ("A. 开始工作", FaultCode.BAD_ANSWER),
        ("A-C", FaultCode.BAD_ANSWER),
        ("1", FaultCode.BAD_ANSWER),
        ("AB", FaultCode.ANSWER_COUNT),
    ],
)
def test_answers_that_are_none_are_refused(answer: str, code: FaultCode) -> None:
    assert refusal(答案=answer) == code


def test_a_refusal_says_where_what_why_and_what_to_do() -> None:
    (fault,) = read_one(答案="D").faults
    assert (fault.file, fault.sheet, fault.row, fault.column) == ("题库.xlsx", "Sheet1", 2, "F")
    assert (fault.severity, fault.value) == (Severity.REFUSED, "D")
    assert "没有对应的选项" in fault.message
    assert "A、B、C" in fault.message
    assert "请改答案或补上选项" in fault.message


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        *(("A", "正确"), ("B", "错误"), ("正确", "正确"), ("错误", "错误"), ("对", "正确"), ("错", "错误")),
        *(("√", "正确"), ("×", "错误"), ("T", "正确"), ("F", "错误"), ("1", "正确"), ("0", "错误")),
        *(("是", "正确"), ("否", "错误"), ("TRUE", "正确"), ("FALSE", "错误"), ("Y", "正确"), ("x", "错误")),
        *(("A-正确", "正确"), ("B. 错误", "错误"), ("不正确", "错误"), ("正确\n", "正确")),
    ],
)
def test_judgements_in_every_form(written: str, verdict: str) -> None:
    for cell in ("", "A-正确|B-错误"):
        read = question(**JUDGE, 选项=cell, 答案=written)
        assert (read.question_type, read.options, read.answer) == (QuestionType.JUDGE, (), (verdict,))
        assert codes(**JUDGE, 选项=cell, 答案=written) == set()


@pytest.mark.parametrize("cell", ["A-错误|B-正确", "A-不正确|B-正确", "A.×B.√", "错,对", "A-否|B-是"])
def test_judgements_whose_options_stand_the_other_way_round(cell: str) -> None:
    assert question(**JUDGE, 选项=cell, 答案="A").answer == ("错误",)
    assert question(**JUDGE, 选项=cell, 答案="B").answer == ("正确",)
    assert question(**JUDGE, 选项=cell, 答案="正确").answer == ("正确",)


def test_a_letter_without_options_is_not_judged_where_other_rows_mean_the_opposite() -> None:
    swapped = row(**JUDGE, 选项="A-错误|B-正确", 答案="A")
    reading = read_rows([HEADER, swapped, row(**JUDGE, 选项="", 答案="A")])
    assert [fault.code for fault in reading.faults] == [FaultCode.OPTIONS_UNCLEAR]
    assert reading.faults[0].row == 3


@pytest.mark.parametrize(
    ("word", "answer", "expected"),
    [
        *(("单选", "A", QuestionType.SINGLE), ("单选题", "A", QuestionType.SINGLE)),
        *(("单项选择题", "A", QuestionType.SINGLE), ("多选", "AB", QuestionType.MULTIPLE)),
        *(("多选题", "AB", QuestionType.MULTIPLE), ("多项选择题", "AB", QuestionType.MULTIPLE)),
        *(("一、单选题", "A", QuestionType.SINGLE), ("不定项选择题", "AB", QuestionType.MULTIPLE)),
    ],
)
def test_words_for_choices(word: str, answer: str, expected: QuestionType) -> None:
    assert question(题型=word, 答案=answer).question_type is expected
    assert codes(题型=word, 答案=answer) == set()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *(("判断", QuestionType.JUDGE), ("判断题", QuestionType.JUDGE), ("是非题", QuestionType.JUDGE)),
        *(("填空题", QuestionType.BLANK), ("简答题", QuestionType.SHORT), ("问答题", QuestionType.SHORT)),
    ],
)
def test_words_for_the_other_types(word: str, expected: QuestionType) -> None:
    assert question(题型=word, 选项="", 答案="正确").question_type is expected
    assert codes(题型=word, 选项="", 答案="正确") == set()


@pytest.mark.parametrize(
    ("word", "answer"), [("数字类选择题", "A"), ("选择题", "AB"), ("", "A"), ("?", "AB")]
)
def test_a_type_that_is_not_said_is_inferred_and_that_is_said(word: str, answer: str) -> None:
    expected = QuestionType.MULTIPLE if len(answer) > 1 else QuestionType.SINGLE
    assert question(题型=word, 答案=answer).question_type is expected
    assert codes(题型=word, 答案=answer) == {FaultCode.TYPE_INFERRED}


@pytest.mark.parametrize(
    ("kind", "detail", "code"),
    [
        (RemarkKind.DATE, "yyyy-mm-dd", FaultCode.DATE_CELL),
        (RemarkKind.UNKNOWN_FORMAT, "[h]:mm", FaultCode.UNKNOWN_FORMAT),
    ],
)
def test_a_date_and_an_unknown_format_are_worth_a_look(
    kind: RemarkKind, detail: str, code: FaultCode
) -> None:
    line = row(题型="填空题", 选项="", 答案="2009-05-01")
    reading = read_rows([HEADER, line], remarks={(2, 6): Remark(kind, detail)})
    assert reading.questions[0].answer == ("2009-05-01",)
    assert [(fault.code, fault.column) for fault in reading.faults] == [(code, "F")]


def test_a_number_as_shown_is_read_as_shown() -> None:
    header = ["题型", "题干", "A", "B", "答案", "分数"]
    line = ["单选题", "载荷不得超过额定值的（ ）。", "75%", "16.07%", "A", "\\"]
    reading = read_rows([header, line], remarks={(2, 3): Remark(RemarkKind.NUMBER_AS_SHOWN, "0%")})
    assert (reading.questions[0].answer, reading.faults) == (("75%",), ())


@pytest.mark.parametrize(
    ("kind", "code"),
    [(RemarkKind.ERROR, FaultCode.CELL_ERROR), (RemarkKind.NO_VALUE, FaultCode.NO_STORED_VALUE)],
)
def test_a_cell_without_a_value_refuses_the_row_only_if_the_question_needs_it(
    kind: RemarkKind, code: FaultCode
) -> None:
    for column in (3, 5, 6):
        reading = read_rows([HEADER, row()], remarks={(2, column): Remark(kind)})
        assert [(fault.severity, fault.code) for fault in reading.faults] == [(Severity.REFUSED, code)]
    beside = read_rows([HEADER, row(依据="#N/A")], remarks={(2, 4): Remark(kind)})
    assert (beside.questions[0].clause, warnings(beside)) == ("", {code})


@pytest.mark.parametrize("front", ["1.", "1、", "1．", "56\t", "（3）", "第4题：", "\t"])
def test_a_number_in_front_of_a_stem_goes(front: str) -> None:
    assert question(题干=f"{front}工作前应（ ）。\t").stem == "工作前应（ ）。"


@pytest.mark.parametrize("stem", ["7.23 工作前应（ ）。", "220 千伏母线应（ ）。", "1、2号主变应（ ）。"])
def test_a_clause_number_or_a_quantity_in_front_stays(stem: str) -> None:
    assert question(题干=stem).stem == stem


@pytest.mark.parametrize("blank", ["（ ）", "（　　）", "( )", "（)", "____", "_(1)_", "___", ""])
def test_blanks_of_every_form_have_one_id(blank: str) -> None:
    same = question(题干=f"接地前应{blank}设备")
    assert (same.id == question(题干="接地前应（　）设备").id) is bool(blank)
    assert codes(题干=f"接地前应{blank}设备") == set()


def test_a_judgement_may_end_in_an_empty_bracket() -> None:
    read = question(**(JUDGE | {"题干": "装设接地线之前必须验电。（ ）"}), 选项="A-正确|B-错误", 答案="A")
    assert read.id == question(**JUDGE, 选项="", 答案="正确").id


@pytest.mark.parametrize(
    ("stem", "options", "answer", "right"),
    [
        ("接地之前应为（B）。", "A-停电|B-验电", "", "验电"),
        ("接地之前应为（ B ）", "A-停电|B-验电", "B", "验电"),
        ("安全措施有（AB）。", "A-停电|B-验电|C-送电", "", None),
    ],
)
def test_an_answer_given_away_in_the_stem_is_taken_out(
    stem: str, options: str, answer: str, right: str | None
) -> None:
    changed = {"题干": stem, "选项": options, "答案": answer, "题型": "单选题" if right else "多选题"}
    read = question(**changed)
    assert read.answer == ((right,) if right else ("停电", "验电"))
    assert "（　　）" in read.stem
    assert codes(**changed) == {FaultCode.ANSWER_IN_STEM}


@pytest.mark.parametrize(
    "stem", ["噪声不应超过85dB(A)", "下列影响延伸率（A）的因素有", "设备（A）与（ ）相连", "延伸率（A）"]
)
def test_a_symbol_in_brackets_is_no_answer_given_away(stem: str) -> None:
    assert refusal(题干=stem, 答案="") == FaultCode.NO_ANSWER
    assert question(题干=stem, 答案="A").stem == stem
    assert codes(题干=stem, 答案="A") == set()


@pytest.mark.parametrize(
    ("stem", "left"),
    [
        ("验电的用处是防止（ A ）。", "验电的用处是防止（　　）。"),
        (
            "停电之后要做的第一件事就是验电，并（A），再记录。",
            "停电之后要做的第一件事就是验电，并（　　），再记录。",
        ),
        ("若有疑问，也应当找（ a ）核实。", "若有疑问，也应当找（　　）核实。"),
    ],
)
def test_the_answer_in_the_stem_becomes_a_blank_whatever_word_is_before_it(stem: str, left: str) -> None:
    assert question(题干=stem, 答案="A").stem == left
    assert codes(题干=stem, 答案="A") == {FaultCode.ANSWER_IN_STEM}


@pytest.mark.parametrize(
    "stem",
    [
        *(
            "测得的电流（A）应记入记录。",
            "下列设备（A）说法正确的是",
            "应断开（A）相的开关。",
            "找（A）和（B）核实。",
        ),
        *("噪声应低于85dB(A)，另有规定的除外。", "在图中用字母（A）表示。", "（A）型设备应（ ）。"),
    ],
)
def test_a_symbol_that_is_also_the_answers_letter_stays(stem: str) -> None:
    assert question(题干=stem, 答案="A").stem == stem
    assert codes(题干=stem, 答案="A") == set()


def test_an_answer_in_the_stem_that_differs_is_said_and_left() -> None:
    changed = {"题干": "接地之前应为（C）。", "答案": "A"}
    assert question(**changed).answer == ("装设接地线",)
    assert question(**changed).stem == "接地之前应为（C）。"
    assert codes(**changed) == {FaultCode.ANSWER_IN_STEM}


def test_a_verdict_at_the_end_of_a_statement_is_its_answer() -> None:
    changed = JUDGE | {"题干": "装设接地线之前必须验电。（√）", "选项": "", "答案": ""}
    assert question(**changed).answer == ("正确",)
    assert question(**changed).id == question(**JUDGE, 选项="", 答案="对").id


def test_the_same_option_twice_is_said() -> None:
    changed = {"选项": "A-安装|B-调试|C-安全加固|D-安全加固", "答案": "D"}
    assert question(**changed).answer == ("安全加固",)
    assert codes(**changed) == {FaultCode.OPTION_TWICE}


def test_empty_options_are_said_and_cannot_be_the_answer() -> None:
    assert question(选项="A-停电|B-|C-接地", 答案="C").options == ("停电", "接地")
    assert codes(选项="A-停电|B-|C-接地", 答案="C") == {FaultCode.OPTION_EMPTY}
    assert refusal(选项="A-停电|B-|C-接地", 答案="B") == FaultCode.BAD_ANSWER
    columns = read_rows(
        [["题型", "题干", "A", "B", "C", "答案"], ["单选题", "应（ ）。", "停电", "", "接地", "C"]]
    )
    assert (columns.questions[0].answer, warnings(columns)) == (("接地",), {FaultCode.OPTION_EMPTY})


@pytest.mark.parametrize(
    "cell",
    [
        '=DISPIMG("ID_1",1)|=DISPIMG("ID_2",1)',
        "A-[图片]|B-[图片]",
        "A-停电|B-<img src='b.png'>",
        "A.【图片】B.【图片】",
    ],
)
def test_options_that_are_only_pictures_are_refused(cell: str) -> None:
    assert refusal(选项=cell) == FaultCode.PICTURE_ONLY


def test_a_picture_that_lies_on_an_empty_option_is_refused() -> None:
    header = ["题型", "题干", "A", "B", "答案"]
    line = ["单选题", "下列标示牌中用于接地的是（ ）。", "", "", "A"]
    reading = read_rows([header, line], remarks={(2, 3): Remark(RemarkKind.PICTURE)})
    refused = [fault.code for fault in reading.faults if fault.severity is Severity.REFUSED]
    assert (refused, reading.questions) == ([FaultCode.PICTURE_ONLY], ())
    beside = read_rows([HEADER, row()], remarks={(2, 3): Remark(RemarkKind.PICTURE)})
    assert (beside.warned, warnings(beside)) == (1, {FaultCode.PICTURE})


def test_a_judgement_with_the_options_of_another_row_is_judged_without_them() -> None:
    cell = "A-停电|B-验电|C-接地|D-送电"
    assert question(**JUDGE, 选项=cell, 答案="正确").answer == ("正确",)
    assert question(**JUDGE, 选项=cell, 答案="B").answer == ("错误",)
    assert codes(**JUDGE, 选项=cell, 答案="B") == {FaultCode.OPTIONS_IGNORED}


@pytest.mark.parametrize(
    ("stem", "answer"),
    [("装设接地线之前必须验电。", "C"), ("接地之前应（ ）", "A"), ("下列说法正确的是", "B")],
)
def test_a_judgement_that_may_be_a_choice_is_refused_and_both_ways_out_are_named(
    stem: str, answer: str
) -> None:
    changed = JUDGE | {"题干": stem, "选项": "A-停电|B-验电|C-接地", "答案": answer}
    assert refusal(**changed) == FaultCode.TYPE_CONFLICT
    message = read_one(**changed).faults[-1].message
    assert "把题型改为单选题" in message
    assert "把选项改为正确和错误" in message


def test_a_type_that_options_and_answer_contradict_is_changed_or_refused() -> None:
    judging = {"题型": "单选题", "题干": "装设接地线之前必须验电。", "选项": "A-正确|B-错误", "答案": "A"}
    assert question(**judging).question_type is QuestionType.JUDGE
    assert codes(**judging) == {FaultCode.TYPE_CHANGED}
    assert question(题型="填空题", 答案="AB").question_type is QuestionType.MULTIPLE
    assert codes(题型="填空题", 答案="AB") == {FaultCode.TYPE_CHANGED}
    (fault,) = read_one(答案="ABC").faults
    assert "改为一个答案" in fault.message
    assert "多选题" in fault.message


def test_merged_cells_are_filled_and_a_merged_answer_is_said() -> None:
    rows = [HEADER, row(), row(专业="", 题型="", 答案="")]
    merged = [MergedRange(2, 1, 3, 1), MergedRange(2, 2, 3, 2), MergedRange(2, 6, 3, 6)]
    reading = read_rows(rows, merged=merged)
    assert [read.profession for read in reading.questions] == ["变电", "变电"]
    assert [read.answer_letters for read in reading.questions] == [("A",), ("A",)]
    assert [(fault.code, fault.row, fault.column) for fault in reading.faults] == [
        (FaultCode.MERGED_CELLS, 3, "F")
    ]


def test_options_below_one_another_beside_a_merged_stem_are_one_question() -> None:
    header = ["题型", "题干", "选项", "答案"]
    rows = [header, ["单选题", "接地前应（ ）。", "A.停电", "B"], ["", "", "B.验电"], ["", "", "C.挂牌"]]
    reading = read_rows(rows, merged=[MergedRange(2, column, 4, column) for column in (1, 2, 4)])
    assert reading.questions[0].options == ("停电", "验电", "挂牌")
    assert (reading.rows, reading.questions[0].answer) == (1, ("验电",))
    assert [(skipped.rows, skipped.why) for skipped in reading.skipped] == [((3, 4), "与第 2 行合并成一题")]


def test_duplicates_are_all_kept_with_their_rows() -> None:
    reordered = row(选项="A-开始工作|B-装设接地线|C-填写工作票", 答案="B")
    reading = read_rows([HEADER, row(), row(), reordered, row(专业="线路")])
    ids = [read.id for read in reading.questions]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert [read.sources[0].row for read in reading.questions] == [2, 3, 4, 5]
    assert reading.faults == ()


def test_all_rows_of_a_hidden_sheet_are_hidden() -> None:
    sheet = replace(sheet_of([HEADER, row(), row(答案="Z")]), hidden=True)
    reading = read_sheet(sheet, "题库.xlsx")
    assert (len(reading.questions), reading.refused, reading.hidden) == (1, 1, 2)


def test_hidden_rows_are_read_and_counted() -> None:
    reading = read_rows([HEADER, row(), row(答案="B"), row(答案="Z")], hidden_rows=[3, 4])
    assert (len(reading.questions), reading.refused, reading.hidden) == (2, 1, 2)


@pytest.mark.parametrize(
    ("stem", "written", "answers"),
    [
        ("停电后应（ ）并（ ）。", "验电；接地", ("验电", "接地")),
        ("停电后应（ ）并（ ）。", "验电|接地", ("验电", "接地")),
        ("停电后应（ ）并（ ）。", "验电、接地", ("验电", "接地")),
        ("停电后应（ ）并（ ）。", "验电$;$接地", ("验电", "接地")),
        ("停电后应（ ）。", "验电、接地", ("验电、接地",)),
        ("停电后应____", "验电", ("验电",)),
    ],
)
def test_answers_of_a_fill_in_are_parted_by_blank(stem: str, written: str, answers: tuple[str, ...]) -> None:
    assert question(题型="填空题", 题干=stem, 选项="", 答案=written).answer == answers
    assert codes(题型="填空题", 题干=stem, 选项="", 答案=written) == set()


def test_a_fill_in_may_say_behind_its_answers_that_any_order_will_do() -> None:
    read = question(题型="填空题", 题干="停电后应（ ）并（ ）。", 选项="", 答案="验电;接地（无序）")
    assert (read.answer, read.any_order) == (("验电", "接地"), True)


def test_answers_that_do_not_fit_the_blanks_are_said() -> None:
    changed = {"题型": "填空题", "题干": "停电后应（ ）并（ ）。", "选项": "", "答案": "验电"}
    assert question(**changed).answer == ("验电",)
    assert codes(**changed) == {FaultCode.BLANK_COUNT}
    header = ["题干", "答案A", "答案B", "答案C", "填空顺序"]
    reading = read_rows([header, ["先（ ）后（ ）再（ ）", "停电", "", "接地", ""]], "填空题")
    assert [(fault.code, fault.column) for fault in reading.faults] == [(FaultCode.NO_ANSWER, "C")]


def test_options_within_the_stem_are_taken_out_if_the_answer_names_them() -> None:
    rows = [["题干", "答案"], ["接地之前应（ ）。A.停电 B.验电 C.挂牌", "B"], ["接地之前应（ ）。", "B"]]
    reading = read_rows(rows)
    assert reading.questions[0].options == ("停电", "验电", "挂牌")
    assert (reading.questions[0].stem, reading.questions[0].answer) == ("接地之前应（ ）。", ("验电",))
    assert FaultCode.OPTIONS_IN_STEM in warnings(reading)
    assert reading.faults[-1].code is FaultCode.NO_OPTIONS


def test_a_type_in_front_of_the_stem_is_taken_off() -> None:
    read = question(题型="", 题干="（单选题）接地之前应（ ）。")
    assert (read.stem, read.question_type) == ("接地之前应（ ）。", QuestionType.SINGLE)
    assert codes(题型="", 题干="（单选题）接地之前应（ ）。") == {FaultCode.TYPE_IN_STEM}


def test_a_note_behind_a_verdict_becomes_the_explanation() -> None:
    read = question(**JUDGE, 选项="", 答案="错误，应先停电。")
    assert (read.answer, read.explanation) == (("错误",), "应先停电。")
    assert codes(**JUDGE, 选项="", 答案="错误，应先停电。") == {FaultCode.ANSWER_NOTE}


def test_a_heading_between_the_rows_says_the_type_below_it() -> None:
    header = ["题干", "选项", "答案"]
    rows = [
        header,
        ["一、多选题（每题2分）"],
        ["应（ ）。", "A-停电|B-验电|C-送电", "AB"],
        ["二、判断题"],
        ["应先验电。", "", "B"],
    ]
    reading = read_rows(rows)
    assert (reading.faults, reading.skipped[0].rows) == ((), (2, 4))
    assert [read.answer for read in reading.questions] == [("停电", "验电"), ("错误",)]
