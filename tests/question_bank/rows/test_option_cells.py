"""Cells of options that are damaged: parted or joined where that is certain, else no answer rests on them."""

import pytest

from tests.question_bank.made_sheets import question, read_one, read_rows, refusal, warnings
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.option_cells import read_options


def texts(cell: str) -> list[str]:
    return [option.text for option in read_options(cell).options]


@pytest.mark.parametrize(
    "cell",
    [
        "A-85|B-90C-95|D-100",
        "A-85|90C-95|D-100",
        "A-85|B-90C95|D-100",
        "A-85|B-90|C-95D.100",
        "A-85|B-90C-95D.100",
        "A.85B.90C.95|D.100",
        "A、85、B、90、C、95|D、100",
        "A-85|B-90|C-95|D100",
    ],
)
def test_a_missing_separator_after_a_figure_is_found_by_the_label(cell: str) -> None:
    assert texts(cell) == ["85", "90", "95", "100"]
    assert read_options(cell).repairs
    assert question(选项=cell, 答案="C").answer == ("95",)
    assert refusal(选项=cell, 答案="95D.100") is FaultCode.BAD_ANSWER


def test_decimals_are_parted_by_their_labels() -> None:
    assert texts("A、2.55B、2.7|C、2.75|D、2.8") == ["2.55", "2.7", "2.75", "2.8"]
    assert question(选项="A、2.55B、2.7|C、2.75|D、2.8", 答案="B").answer == ("2.7",)


@pytest.mark.parametrize(
    "cell",
    [
        "A-停电|B-验电C接地|D-挂牌",
        "A-停电|B-验电，见图C|D-挂牌",
        "A：SF6|B：UPS|C：NAD：挂牌",
        "A-停电|B-验电|C-图1D-10kV",
        "A:停电;B:验电;C:接地;挂牌",
        "A.停电\nB.验电\nC.接地\n挂牌",
        "A:4m，B:3m，C:1m，5m",
        "A.-5℃|B.0℃|C.5℃|D-10℃",
        "A:停电，B:验电，CUPS",
    ],
)
def test_a_text_that_may_hold_one_more_option_is_refused_whatever_the_answer(cell: str) -> None:
    for answer in ("A", "B", "C", texts(cell)[0]):
        assert refusal(选项=cell, 答案=answer) is FaultCode.OPTIONS_UNCLEAR


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("A.停电\nB.验电\nC接地", ["停电", "验电", "接地"]),
        (
            "A.停电\nB.工作负责人应向全体工作班成员交代\n安全措施",
            ["停电", "工作负责人应向全体工作班成员交代安全措施"],
        ),
        ("A-停电\nB-先验电\n后接地\nC-挂牌", ["停电", "先验电后接地", "挂牌"]),
        ("A-A-B相|B-B-C相|C-C-A相", ["A-B相", "B-C相", "C-A相"]),
        ("A-SF6|B-VPN|C-UPS|D-E-mail系统", ["SF6", "VPN", "UPS", "E-mail系统"]),
        ("A-先停电,后验电,B-验电,C-停电,再接地", ["先停电,后验电", "验电", "停电,再接地"]),
        ("A班|B班|C班", ["A班", "B班", "C班"]),
        ("A-A班|B班|C-C班", ["A班", "B班", "C班"]),
    ],
)
def test_what_only_looks_like_one_more_option_is_text(cell: str, expected: list[str]) -> None:
    assert texts(cell) == expected
    assert question(选项=cell, 答案="B").answer == (expected[1],)


@pytest.mark.parametrize(
    "cell", ["A-停电;B-;C-接地;D-挂牌", "A. 停电 B. C. 接地 D. 挂牌", "A：停电，B：，C：接地"]
)
def test_an_empty_option_between_weak_separators_is_empty(cell: str) -> None:
    assert (texts(cell)[:2], read_options(cell).empty) == (["停电", "接地"], ("B",))
    assert refusal(选项=cell, 答案="B") is FaultCode.BAD_ANSWER


def test_a_label_that_is_missing_is_not_taken_for_a_torn_word() -> None:
    assert texts("A：点检|B：1号主变C：Windows|D：route") == ["点检", "1号主变", "Windows", "route"]


@pytest.mark.parametrize(
    ("cell", "last"),
    [
        ("(A)+5℃|(B)10℃|(C)0℃|(D)-5℃", "-5℃"),
        ("（A）5℃|（B）0℃|（C）-5℃|（D）-10℃", "-10℃"),
        ("(A)+5℃(B)10℃(C)0℃(D)-5℃", "-5℃"),
        ("A-5℃|B-0℃|C--5℃|D--10℃", "-10℃"),
        ("(A)-停电|(B)-验电", "验电"),
    ],
)
def test_a_sign_behind_a_label_in_brackets_belongs_to_the_number(cell: str, last: str) -> None:
    assert texts(cell)[-1] == last


def test_a_sign_in_a_column_of_options_belongs_to_the_number() -> None:
    header = ["题型", "题干", "A", "B", "答案"]
    reading = read_rows([header, ["单选题", "下限是（ ）。", "(A)-5℃", "(B)-10℃", "B"]])
    assert reading.questions[0].options == ("-5℃", "-10℃")


@pytest.mark.parametrize(
    ("cell", "last"),
    [
        ("A-0.6|B-0.95|C-2.15|D2.2", "2.2"),
        ("A-100%|B-95%|C-90%|D105%", "105%"),
        ("A-0℃|B--5℃|C-+5℃|D35℃", "35℃"),
        ("A-半年|B-一年|C-两年|D3年", "3年"),
        ("A-5A|B-10A|C-15A|D20A", "20A"),
        ("A-把手处|B-铭牌旁|C-接地处|D相邻间隔", "相邻间隔"),
        ("A-技术|B-安全|C-管理|D组织措施", "组织措施"),
        ("A-A1|B-B2|C-C3|D4", "D4"),
        ("A-E级|B-F级|C-H级|D级", "D级"),
    ],
)
def test_a_letter_without_a_mark_is_a_label_unless_it_makes_a_name(cell: str, last: str) -> None:
    read = question(选项=cell, 答案="D")
    assert (len(read.options), read.options[-1], read.answer) == (4, last, (last,))
    assert warnings(read_one(选项=cell, 答案="D")) == {FaultCode.OPTION_LABEL}


def test_a_class_behind_its_own_letter_stays_text() -> None:
    assert texts("A.A级绝缘|B级绝缘|C.C级绝缘") == ["A级绝缘", "B级绝缘", "C级绝缘"]


@pytest.mark.parametrize("first", ["85|B-90|C-95", "电源侧|B-母线侧|C-线路侧"])
def test_damage_in_the_last_option_is_joined(first: str) -> None:
    cell = f"A-{first}|D-Fil|E-separator"
    assert texts(cell)[3:] == ["File.separator"]
    assert question(选项=cell, 答案="D").answer == ("File.separator",)
    assert warnings(read_one(选项=cell, 答案="D")) == {FaultCode.OPTION_TORN}
    assert refusal(选项=cell, 答案="E") is FaultCode.BAD_ANSWER


@pytest.mark.parametrize("cell", ["A-Java|B-Go|C-Ruby|D-Fil|E-separator", "A-停电|B-验电|C-接地|D-fil|E-sep"])
def test_damage_in_the_last_option_that_is_not_certain_is_refused(cell: str) -> None:
    for answer in ("A", "D", "E", texts(cell)[0]):
        assert refusal(选项=cell, 答案=answer) is FaultCode.OPTIONS_UNCLEAR


@pytest.mark.parametrize(
    "words",
    [
        ["不确定", "yes", "no"],
        ["NA", "N/A级", "None", "null"],
        ["ping", "ipconfig", "netstat", "route"],
        ["V", "kV", "mA", "km"],
        ["IPv4", "IPv6", "HTTP", "https"],
    ],
)
def test_latin_words_are_not_taken_for_torn_ones(words: list[str]) -> None:
    cell = "|".join(f"{letter}-{word}" for letter, word in zip("ABCD", words, strict=False))
    assert texts(cell) == words
    assert warnings(read_one(选项=cell, 答案="C")) == set()


@pytest.mark.parametrize(
    ("cell", "expected", "empty"),
    [
        ("A.停电B.验电C.", ["停电", "验电"], ("C",)),
        ("A.停电 B.验电 C. D.", ["停电", "验电"], ("C", "D")),
        ("A.停电B.验电C.D.", ["停电", "验电"], ("C", "D")),
    ],
)
def test_labels_without_a_text_behind_the_last_option_are_empty_options(
    cell: str, expected: list[str], empty: tuple[str, ...]
) -> None:
    assert (texts(cell), read_options(cell).empty) == (expected, empty)


@pytest.mark.parametrize("word", ["案例题", "论述题", "填空题", "综合题", "选择题"])
@pytest.mark.parametrize(("cell", "answer"), [("A-正确|B-错误", "A"), ("对|错", "对"), ("A-√|B-×", "√")])
def test_options_right_and_wrong_make_a_judgement_of_any_type(word: str, cell: str, answer: str) -> None:
    changed = {"题型": word, "题干": "装设接地线之前必须验电。", "选项": cell, "答案": answer}
    read = question(**changed)
    assert (read.question_type, read.options, read.answer) == (QuestionType.JUDGE, (), ("正确",))
    assert warnings(read_one(**changed)) & {FaultCode.TYPE_CHANGED, FaultCode.TYPE_INFERRED}


def test_an_unlabelled_list_that_lacks_a_separator_has_no_option_for_the_last_letter() -> None:
    assert refusal(选项="停电|验电接地|挂牌", 答案="D") is FaultCode.BAD_ANSWER


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("A. 停电,B. 验电", ["停电", "验电"]),
        ("A-正确|B-错误", ["正确", "错误"]),
        ("A、省级部门B、国务院", ["省级部门", "国务院"]),
        ("A. 停电。,B. 验电（挂牌）", ["停电。", "验电（挂牌）"]),
        ("停电$;$验电", ["停电", "验电"]),
        ("A. 2,5m,B. 见图C.1", ["2,5m", "见图C.1"]),
        ("停电", []),
        ("", []),
    ],
)
def test_a_cell_of_options_is_parted(cell: str, expected: list[str]) -> None:
    assert texts(cell) == expected


@pytest.mark.parametrize(("first", "second"), [("#1主变", "#2主变"), ("1#杆", "2#杆"), ("*.exe", "*.com")])
def test_a_sign_that_belongs_to_an_option_is_never_lost(first: str, second: str) -> None:
    cells = [
        f"A-{first}|B-{second}",
        f"{first}|{second}",
        f"A.{first}**B.{second}",
        f"A. {first}##B. {second}",
    ]
    assert [texts(cell) for cell in cells] == [[first, second]] * 4
    assert texts("A-*|B-?|C-#") == ["*", "?", "#"]


@pytest.mark.parametrize("mark", ["；", ";", "，", "、", "|"])
def test_a_last_mark_counts_no_more_in_columns_than_in_one_cell(mark: str) -> None:
    header = ["题型", "题干", "A", "B", "答案"]
    rows = read_rows([header, ["单选题", "应先（ ）。", f"停电{mark}", f"验电{mark}", "B"]])
    cell = question(题干="应先（ ）。", 专业="", 选项=f"A-停电{mark}|B-验电{mark}", 答案="B")
    assert (
        rows.questions[0].id
        == cell.id
        == question(题干="应先（ ）。", 专业="", 选项="A-停电|B-验电", 答案="B").id
    )
    assert not rows.faults
    by_text = ["单选题", "应先（ ）。", f"停电{mark}", f"验电{mark}", f"验电{mark}"]
    assert read_rows([header, by_text]).questions[0].id == cell.id


def test_a_word_that_may_have_been_torn_in_two_places_is_not_joined() -> None:
    cell = "A-port|B-host|C-name|D-Fil|E-separator|E-path"
    assert [repair.code for repair in read_options(cell).repairs] == [FaultCode.OPTION_LABEL]
    assert refusal(选项=cell, 答案="E") is FaultCode.OPTIONS_UNCLEAR
