import pytest

from xiaoan.question_bank.finding.stem_keys import (
    other_blanks,
    plain_stem,
    split_verdict,
    stem_forms,
    without_number,
)


@pytest.mark.parametrize(
    "number", ["一、", "（一）", "第3题", "第三题：", "Q5.", "5)", "①", "⑵", "【3】", "题目：", "● ", "12. "]
)
def test_numbering_of_every_kind_goes(number: str) -> None:
    assert without_number(number + "工作票应由谁签发") == "工作票应由谁签发"


@pytest.mark.parametrize(
    "stem",
    ["一、二次设备应停电", "1号主变应停电", "7.23 工作前应验电", "2 人一组巡视线路", "（一）级动火应监护", "①停电②验电③接地",
     "#1 主变应停电", "10 千伏线路停电", "三、四类工器具试验"],
)  # fmt: skip
def test_content_that_looks_like_numbering_stays_in_a_bank_stem(stem: str) -> None:
    assert plain_stem(stem) == plain_stem(plain_stem(stem))
    assert plain_stem(stem)[0] == stem[0].translate(str.maketrans("（", "("))


@pytest.mark.parametrize(
    "stem", ["一、二次设备应停电", "2 人一组巡视线路", "10 千伏线路停电", "#1 主变应停电"]
)
def test_rows_of_figures_and_quantities_stay_in_a_typed_stem(stem: str) -> None:
    assert without_number(stem) == plain_stem(stem)


@pytest.mark.parametrize("blank", ["——", "□□", "??", "（/）", "{ }", "…", "_"])
def test_blanks_in_other_signs_are_blanks(blank: str) -> None:
    assert other_blanks(f"距离不小于{blank}m") == "距离不小于___m"


@pytest.mark.parametrize(
    ("stem", "verdict"),
    [
        ("应先验电(√)", "正确"),
        ("应先验电(错误)", "错误"),
        ("应先验电。(F)", "错误"),
        ("应先验电×", "错误"),
        ("应先验电。对", "正确"),
        ("(×)应先验电", "错误"),
        ("应先验电__√__", "正确"),
    ],
)
def test_a_verdict_filled_in_is_taken_off(stem: str, verdict: str) -> None:
    assert split_verdict(stem) == ("应先验电", verdict)


@pytest.mark.parametrize("stem", ["电流为(1)", "应先验电对", "操作(A)", "下列说法正确", "应先验电(停电)"])
def test_what_is_no_verdict_stays(stem: str) -> None:
    assert split_verdict(stem) == (stem, None)


def test_a_lead_in_gives_a_second_form_and_a_numbered_thing_keeps_its_number() -> None:
    whole, rest = stem_forms("依据安规,(1)号主变应停电")
    assert whole.words == "依据安规1号主变应停电"
    assert rest.words == "1号主变应停电"


@pytest.mark.parametrize(
    "stem", ["人员进入电缆隧道应通风", "台风过后应巡视线路", "条件具备时应停电", "个人保安线应接地"]
)
def test_a_bare_number_goes_where_it_counts_nothing(stem: str) -> None:
    assert without_number("56\t" + stem) == stem
    assert without_number("56 人一组巡视线路") == plain_stem("56 人一组巡视线路")
