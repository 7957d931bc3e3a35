from dataclasses import replace

import pytest

from tests.question_bank.factory import bank, fill, judge, multiple, single
from xiaoan.question_bank.finding.match_index import MatchIndex, Shelf
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import Question, Source

DISTANCE = single("10kV设备不停电时，安全距离不得小于（　　）m。", ["0.7", "1.0", "1.5"], "0.7")
TICKET = single("工作票应由（ ）签发。", ["工作票签发人", "工作负责人", "工作许可人"], "工作票签发人")
MEASURES = multiple(
    "保证安全的技术措施有（　　）。", ["停电", "验电", "监护", "接地"], ["停电", "验电", "接地"]
)
STATEMENT = judge("绝缘手套应每半年试验一次。（　　）")
ORDER = fill("装设接地线应先接（ ），后接（ ）。", ["接地端", "导体端"])
MATCHER = Matcher(bank(DISTANCE, TICKET, MEASURES, STATEMENT, ORDER))


def kind(typed: str, matcher: Matcher = MATCHER) -> MatchKind:
    return matcher.match(parse_question(typed)).kind


def matched(typed: str) -> Question | None:
    match = MATCHER.match(parse_question(typed))
    return match.questions[0] if match.kind is MatchKind.EQUIVALENT else None


@pytest.mark.parametrize(
    "typed",
    [
        "10kV设备不停电时，安全距离不得小于（　　）m。",
        "１０ＫＶ设备不停电时,安全距离不得小于( )m",
        "12. 10 kV 设备不停电时，安全距离不得小于____m。",
        "10kV设备不停电时，安全距离不得小于0.7m。",
        "10kV设备不停电时，安全距离不得小于（0.7）m。",
        "（单选题）10kV设备不停电时，安全距离不得小于（ ）m。A.0.7 B.1.0 C.1.5",
        "10kV设备不停电时，安全距离不得小于（ ）m。选项：A. 1.5; B. 0.7; C. 1.0;",
        "10kV设备不停电时，安全距离不得小于（B）m。A.1.5 B.0.7 C.1.0",
        "10kV设备不停电时，\n安全距离不得小于（ ）m\n1) 1.0\n2) 1.5\n3) 0.7",
    ],
)
def test_the_same_question_written_differently_is_found(typed: str) -> None:
    assert matched(typed) == DISTANCE


@pytest.mark.parametrize(
    ("typed", "question"),
    [
        ("保证安全的技术措施有", MEASURES),
        ("保证安全的技术措施有停电、验电、接地。", MEASURES),
        ("保证安全的技术措施有接地、停电、验电", MEASURES),
        ("绝缘手套应每半年试验一次", STATEMENT),
        ("判断题：绝缘手套应每半年试验一次（ ）。A.正确 B.错误", STATEMENT),
        ("绝缘手套应每半年试验一次。A、错 B、对", STATEMENT),
        ("装设接地线应先接____，后接____", ORDER),
        ("装设接地线应先接接地端，后接导体端。", ORDER),
        ("工作票应由工作票签发人签发", TICKET),
    ],
)
def test_left_out_and_rightly_filled_blanks_are_found(typed: str, question: Question) -> None:
    assert matched(typed) == question


NEAR_MISSES = [
    "10kV设备不停电时，安全距离不得小于1.0m。",
    "10kV设备不停电时，安全距离不得小于0.7mm。",
    "10kV设备不停电时，安全距离不得小于7m。",
    "10kV设备不停电时，安全距离不得小于m。",
    "10kV设备不停电时，安全距离不得小于（C）m。A.0.7 B.1.0 C.1.5",
    "10kV设备不停电时，安全距离不得小于（ ）mm。",
    "10kV设备不停电时，安全距离不得大于（ ）m。",
    "10kV设备停电时，安全距离不得小于（ ）m。",
    "110kV设备不停电时，安全距离不得小于（ ）m。",
    "10V设备不停电时，安全距离不得小于（ ）m。",
    "1.0kV设备不停电时，安全距离不得小于（ ）m。",
    "10kV设备不停电时，安全距离不得小于（ ）m。A.0.7 B.1.0 C.1.5 D.2.0",
    "10kV设备不停电时，安全距离不得小于（ ）m。A.0.7 B.1.0",
    "10kV设备不停电时，安全距离不得小于（ ）m。A.0.7m B.1.0 C.1.5",
    "多选题：10kV设备不停电时，安全距离不得小于（ ）m。",
    "工作票应由工作负责人签发",
    "工作票应由工作许可人签发",
    "工作票不应由（ ）签发。",
    "工作票可由（ ）签发。",
    "第一种工作票应由（ ）签发。",
    "保证安全的组织措施有（ ）。",
    "保证安全的技术措施有停电、验电。",
    "保证安全的技术措施有停电、验电、监护、接地。",
    "保证安全的技术措施有停电、验电、监护。",
    "绝缘手套应每一年试验一次",
    "绝缘手套不应每半年试验一次",
    "绝缘手套应每半年试验两次",
    "绝缘靴应每半年试验一次",
    "绝缘手套应每半年试验一次。A.正确 B.停电",
    "装设接地线应先接导体端，后接接地端。",
    "拆除接地线应先接（ ），后接（ ）。",
    "装设接地线应先接接地端，后接（ ）。",
]


@pytest.mark.parametrize("typed", NEAR_MISSES)
def test_a_near_miss_is_never_the_question(typed: str) -> None:
    match = MATCHER.match(parse_question(typed))
    assert match.kind is MatchKind.SIMILAR
    assert match.questions == ()
    assert 1 <= len(match.similar) <= 3


TWINS = [
    ("剩余电流不得超过150%", "剩余电流不得超过125%"),
    ("工作负责人可以变更", "工作负责人不可以变更"),
    ("距离不小于2m", "距离不小于1.5m"),
    ("应填用第一种工作票", "应填用第二种工作票"),
    ("严禁使用梯子", "可以使用梯子"),
    ("雷雨天气不得巡视", "雷雨天气应巡视"),
    ("室内高压设备", "室外高压设备"),
    ("送电前应检查", "送电后应检查"),
    ("先验电后接地", "先接地后验电"),
    ("交流220V", "直流220V"),
    ("许可人和负责人", "许可人或负责人"),
    ("电阻不大于10Ω", "电阻不大于10MΩ"),
    ("电流为5mA", "电流为5MA"),
    ("温度为-5℃", "温度为5℃"),
    ("误差±5%", "误差5%"),
    ("截面25mm²", "截面25mm"),
    ("电阻为10²Ω", "电阻为102Ω"),
    ("间隔1、2", "间隔12"),
    ("1、2号主变检修", "2号主变检修"),
    ("220 千伏线路检修", "110 千伏线路检修"),
    ("高度≥2m", "高度≤2m"),
    ("电压为1.5kV", "电压为15kV"),
    ("比例为1:2", "比例为12"),
    ("正确的是①③", "正确的是②③"),
    ("4-6m", "46m"),
    ("电阻不低于（ ）MΩ", "电阻不低于（ ）mΩ"),
    ("距离不小于.5m", "距离不小于5m"),
    ("（1）号主变检修", "（2）号主变检修"),
    ("距离不小于(1)5m", "距离不小于15m"),
]


@pytest.mark.parametrize(("asked", "banked"), [*TWINS, *((other, one) for one, other in TWINS)])
def test_a_twin_is_not_taken_for_its_like(asked: str, banked: str) -> None:
    for question in (judge(banked + "。（ ）"), single(banked + "，是（ ）")):
        typed = question.stem.replace(banked, asked)
        assert kind(typed, Matcher(bank(question))) in (MatchKind.SIMILAR, MatchKind.NONE)


def test_a_wrong_filling_is_never_verified_and_the_right_question_is_shown() -> None:
    match = MATCHER.match(parse_question("10kV设备不停电时，安全距离不得小于1.5m"))
    assert match.kind is MatchKind.SIMILAR
    assert match.similar[0] == DISTANCE


def test_an_answer_with_a_unit_fills_a_blank_before_the_same_unit_once() -> None:
    matcher = Matcher(bank(single("距离为（ ）m", ["4m", "5m"], "4m")))
    assert kind("距离为4m", matcher) is MatchKind.EQUIVALENT
    assert kind("距离为4mm", matcher) is MatchKind.SIMILAR


def test_the_same_stem_in_two_professions_is_ambiguous_until_one_is_named() -> None:
    substation = single("高处作业指（ ）以上", ["1.5m", "2m"], "2m", "变电")
    line = single("高处作业指（ ）以上", ["1.5m", "2m"], "1.5m", "线路")
    matcher = Matcher(bank(substation, line))
    asked = parse_question("高处作业指（ ）以上")
    assert matcher.match(asked).questions == (substation, line)
    assert matcher.match(asked).kind is MatchKind.AMBIGUOUS
    assert matcher.match(asked, "线路").questions == (line,)
    assert matcher.match(parse_question("【变电】高处作业指（ ）以上"), "线路").questions == (substation,)
    assert matcher.match(asked, "配电").kind is MatchKind.SIMILAR
    assert matcher.match(parse_question("高处作业指2m以上")).questions == (substation,)


def test_options_tell_two_questions_of_one_stem_apart() -> None:
    first = single("下列正确的是（ ）", ["甲", "乙"], "甲")
    second = single("下列正确的是（ ）", ["丙", "丁"], "丙")
    matcher = Matcher(bank(first, second))
    assert matcher.match(parse_question("下列正确的是（ ）")).kind is MatchKind.AMBIGUOUS
    assert matcher.match(parse_question("下列正确的是（ ）A.丁 B.丙")).questions == (second,)
    assert matcher.match(parse_question("下列正确的是（ ）A.甲 B.丙")).kind is MatchKind.SIMILAR


def test_a_question_for_every_profession_fits_each() -> None:
    question = judge("应先验电。", profession="通用")
    assert Matcher(bank(question)).match(parse_question("应先验电"), "线路").questions == (question,)


def test_figures_that_number_a_statement_are_no_options() -> None:
    question = judge("人员应具备：（1）身体健康？（2）考试合格。")
    assert kind(question.stem, Matcher(bank(question))) is MatchKind.EQUIVALENT


@pytest.mark.parametrize("typed", ["", "A.停电 B.验电", "😀", "( )", "今天天气怎么样", "a" * 10_000])
def test_what_the_bank_does_not_know_is_none(typed: str) -> None:
    assert kind(typed) is MatchKind.NONE
    assert kind(typed, Matcher(bank())) is MatchKind.NONE


def test_several_blanks_of_a_multiple_choice_are_filled_in_no_order() -> None:
    question = multiple(
        "装设接地线应先接（ ），后接（ ）。", ["导体端", "接地端", "中性点"], ["导体端", "接地端"]
    )
    matcher = Matcher(bank(question))
    assert kind("装设接地线应先接导体端，后接接地端。", matcher) is MatchKind.SIMILAR
    assert kind(question.stem, matcher) is MatchKind.EQUIVALENT


@pytest.mark.parametrize(
    ("options", "other_order"),
    [
        (["停电", "验电", "A和B"], "A.A和B B.停电 C.验电"),
        (["停电", "验电", "以上都是"], "A.以上都是 B.停电 C.验电"),
        (["停电", "验电", "B项错误"], "A.验电 B.停电 C.B项错误"),
    ],
)
def test_options_that_speak_of_others_must_speak_of_the_same(options: list[str], other_order: str) -> None:
    matcher = Matcher(bank(single("措施是（ ）", options, options[2])))
    as_banked = " ".join(f"{label}.{text}" for label, text in zip("ABC", options, strict=True))
    assert kind(f"措施是（ ）{as_banked}", matcher) is MatchKind.EQUIVALENT
    assert kind(f"措施是（ ）{other_order}", matcher) is MatchKind.SIMILAR


def test_options_that_only_begin_alike_may_stand_in_any_order() -> None:
    matcher = Matcher(bank(single("应（ ）", ["以上2m", "A相停电", "两人以上"], "A相停电")))
    assert kind("应（ ）A.两人以上 B.A相停电 C.以上2m", matcher) is MatchKind.EQUIVALENT


@pytest.mark.parametrize(
    "typed", ["（非专业）电工应经考试", "（其他专业）电工应经考试", "电工（变电专业）应经考试"]
)
def test_words_in_brackets_are_not_dropped_as_a_profession(typed: str) -> None:
    assert kind(typed, Matcher(bank(judge("电工应经考试", profession="通用")))) is not MatchKind.EQUIVALENT


def test_words_behind_the_options_heading_belong_to_the_question() -> None:
    typed = "10kV设备不停电时，安全距离不得小于（ ）m。选项：不正确的是 A.0.7; B.1.0; C.1.5"
    assert kind(typed) is MatchKind.SIMILAR


def shelf(*questions: Question) -> Shelf:
    return Shelf(questions.__getitem__, MatchIndex.build(questions))


def test_one_question_in_two_files_is_one_question_with_both_places() -> None:
    elsewhere = replace(TICKET, sources=(Source("另一份.xlsx", "题库", 7),))
    match = Matcher([shelf(DISTANCE, TICKET), shelf(elsewhere)]).match(parse_question(TICKET.stem))
    assert match.kind is MatchKind.EQUIVALENT
    assert match.questions[0].sources == TICKET.sources + elsewhere.sources


def test_rows_that_ask_and_answer_the_same_are_one_question() -> None:
    again = replace(TICKET, stem="工作票应当由（ ）签发", options=("工作票签发人", "调控人员"))
    assert Matcher(bank(TICKET, again)).match(parse_question("工作票应由（ ）签发")).questions == (TICKET,)


def test_the_same_answer_all_of_the_above_is_not_the_same() -> None:
    first = single("正确的是（ ）", ["停电", "验电", "以上都对"], "以上都对")
    second = single("正确的是（ ）", ["接地", "监护", "以上都对"], "以上都对")
    assert kind("正确的是（ ）", Matcher(bank(first, second))) is MatchKind.AMBIGUOUS


def test_the_named_profession_goes_before_a_question_for_all() -> None:
    general = judge("应先验电再接地。", "错误", profession="通用")
    own = judge("应先验电再接地。", "正确", profession="线路")
    matcher = Matcher(bank(general, own))
    assert matcher.match(parse_question("应先验电再接地"), "线路").questions == (own,)
    assert matcher.match(parse_question("依据线路安规，应先验电再接地")).questions == (own,)
    assert kind("应先验电再接地", matcher) is MatchKind.AMBIGUOUS


@pytest.mark.parametrize("typed", ["（√）", "（正确）", "。对", "（T）", "（A）\nA.正确 B.错误"])
def test_a_statement_with_the_official_verdict_is_the_question_and_with_the_other_is_not(typed: str) -> None:
    right, wrong = STATEMENT, replace(STATEMENT, answer=("错误",))
    assert Matcher(bank(right)).match(parse_question("绝缘手套应每半年试验一次" + typed)).questions == (
        right,
    )
    match = Matcher(bank(wrong)).match(parse_question("绝缘手套应每半年试验一次" + typed))
    assert (match.kind, match.similar) == (MatchKind.SIMILAR, (wrong,))


@pytest.mark.parametrize(
    ("filling", "expected"),
    [
        ("（A. 工作票签发人）", MatchKind.EQUIVALENT),
        ("__工作票签发人__", MatchKind.EQUIVALENT),
        ("（A）", MatchKind.SIMILAR),
        ("（B. 工作负责人）", MatchKind.SIMILAR),
        ("__工作负责人__", MatchKind.SIMILAR),
        ("（A. 工作负责人）", MatchKind.SIMILAR),
    ],
)
def test_a_blank_may_hold_label_and_text_of_the_official_answer(filling: str, expected: MatchKind) -> None:
    assert kind(f"工作票应由{filling}签发。") is expected


def test_blanks_in_any_order_are_filled_in_any_order_and_others_are_not() -> None:
    typed = "装设接地线应先接导体端，后接接地端。"
    assert kind(typed, Matcher(bank(replace(ORDER, any_order=True)))) is MatchKind.EQUIVALENT
    assert kind(typed, Matcher(bank(ORDER))) is MatchKind.SIMILAR


def test_an_index_of_other_questions_verifies_nothing() -> None:
    other = MatchIndex.build([TICKET, DISTANCE])
    matcher = Matcher([Shelf((DISTANCE, TICKET).__getitem__, other)])
    for question in (DISTANCE, TICKET):
        assert matcher.match(parse_question(question.stem)).questions == ()


def test_a_stem_of_hundreds_of_questions_is_told_by_its_options_or_filling() -> None:
    questions = [single("正确的是（ ）", [f"措施{n}", f"办法{n}"], f"措施{n}") for n in range(300)]
    matcher = Matcher(bank(*questions))
    assert matcher.match(parse_question("正确的是（ ）A.办法250 B.措施250")).questions == (questions[250],)
    assert matcher.match(parse_question("正确的是措施251")).questions == (questions[251],)
    assert kind("正确的是（ ）", matcher) is MatchKind.AMBIGUOUS


def test_sf6_and_thousands_are_written_in_two_ways_each() -> None:
    gas = single("SF₆断路器应（ ）检修", ["停电", "带电"], "停电")
    assert Matcher(bank(gas)).match(parse_question("SF6断路器应停电检修")).questions == (gas,)
    gauge = single("应使用1000V的（ ）", ["SF₆表", "兆欧表"], "SF₆表")
    asked = parse_question("应使用1,000V的（ ）A.兆欧表 B.SF6表")
    assert Matcher(bank(gauge)).match(asked).questions == (gauge,)
    for other in ("应使用1,500V的（ ）", "应使用100V的（ ）", "应使用1、00V的（ ）"):
        assert kind(other, Matcher(bank(gauge))) is MatchKind.SIMILAR


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("绳索与设备的距离为（1.5m）m。", MatchKind.EQUIVALENT),
        ("绳索与设备的距离为（1.50）m。", MatchKind.EQUIVALENT),
        ("绳索与设备的距离为__1.5__m。", MatchKind.EQUIVALENT),
        ("绳索与设备的距离为（1.5m）mm。", MatchKind.SIMILAR),
        ("绳索与设备的距离为（1.50）mm。", MatchKind.SIMILAR),
        ("绳索与设备的距离为（15.0）m。", MatchKind.SIMILAR),
        ("绳索与设备的距离为（1.05）m。", MatchKind.SIMILAR),
        ("绳索与设备的距离为（10.5）m。", MatchKind.SIMILAR),
    ],
)
def test_a_filling_may_hold_the_unit_again_or_zeros_at_its_end(typed: str, expected: MatchKind) -> None:
    assert kind(typed, Matcher(bank(fill("绳索与设备的距离为（ ）m。", ["1.5"])))) is expected


def test_a_mark_at_the_end_of_a_lined_filling_does_no_harm() -> None:
    sign = single("操作处应挂（ ）。", ["禁止分闸！", "禁止合闸！"], "禁止分闸！")
    assert kind("操作处应挂__禁止分闸！__。", Matcher(bank(sign))) is MatchKind.EQUIVALENT
    assert kind("操作处应挂__禁止合闸！__。", Matcher(bank(sign))) is MatchKind.SIMILAR


@pytest.mark.parametrize(
    "last",
    [
        "A和B",
        "选项A和B都正确",
        "A、B均可",
        "AB说法正确",
        "仅A",
        "只有A正确",
        "除A外",
        "A对B错",
        "前两种情况",
        "后两项",
        "A+B",
    ],
)
def test_an_option_that_names_others_fixes_their_order(last: str) -> None:
    question = single("检修前应做（ ）的工作", ["停电", "验电", "接地", last], last)
    among = Matcher(bank(question))
    in_order = f"{question.stem} A.停电 B.验电 C.接地 D.{last}"
    other_order = f"{question.stem} A.接地 B.验电 C.停电 D.{last}"
    assert among.match(parse_question(in_order)).kind is MatchKind.EQUIVALENT
    assert among.match(parse_question(other_order)).kind is MatchKind.SIMILAR


@pytest.mark.parametrize("last", ["A相", "B级检修", "三者都是", "全部正确", "AB线"])
def test_an_option_with_a_letter_of_its_own_leaves_their_order_open(last: str) -> None:
    question = single("检修前应做（ ）的工作", ["停电", "验电", "接地", last], last)
    other_order = f"{question.stem} A.接地 B.{last} C.停电 D.验电"
    assert Matcher(bank(question)).match(parse_question(other_order)).kind is MatchKind.EQUIVALENT


@pytest.mark.parametrize(
    ("typed", "filled"),
    [
        ("10kV设备不停电时，安全距离不得小于0.7m。", True),
        ("保证安全的技术措施有接地、停电、验电。", True),
        ("保证安全的技术措施有", False),
        (DISTANCE.stem, False),
        ("绝缘手套应每半年试验一次（√）", False),
        ("10kV设备不停电时，安全距离不得小于1.0m。", False),
    ],
)
def test_a_match_says_whether_the_official_answer_stood_in_the_blank(typed: str, *, filled: bool) -> None:
    assert MATCHER.match(parse_question(typed)).filled is filled
