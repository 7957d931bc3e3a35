import pytest

from xiaoan.question_bank.finding.lead_ins import LeadIn, lead_ins_agree, split_lead_in
from xiaoan.question_bank.normalization import normalize_stem

REST = "验电应戴绝缘手套"


def lead_in(text: str) -> LeadIn | None:
    found, rest = split_lead_in(normalize_stem(text + REST))
    assert (rest == REST) is (found is not None)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "依据变电安规，",
        "根据《国家电网公司电力安全工作规程（变电部分）》规定，",
        "按照变电安规的有关要求：",
        "《变电安规》中规定，",
        "根据Q/GDW 1799.1-2013《国家电网公司电力安全工作规程 变电部分》，",
    ],
)
def test_the_safety_rules_of_a_profession_are_known(text: str) -> None:
    found = lead_in(text)
    assert found is not None
    assert (found.professions, found.book) == (frozenset(["变电"]), "")


@pytest.mark.parametrize(
    "text", ["根据有关规定，", "按规定，", "按照安规要求，", "依据《电力安全工作规程》，"]
)
def test_rules_in_general_name_nothing(text: str) -> None:
    assert lead_in(text) == LeadIn()


@pytest.mark.parametrize(
    "text",
    ["在规定时间内，", "《安规》适用于变电站，", "工作负责人应根据规定，", "按规定填写（ ），", "停电时，"],
)
def test_other_words_in_front_are_no_lead_in(text: str) -> None:
    assert lead_in(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("按GB 26860，", "按安规，"),
        ("按GB 26860-2011，", "按GB 26860-2023，"),
        ("按GB 26860，", "按GB 26859，"),
        ("依据线路安规，", "依据配电安规，"),
        ("根据《安全生产法》规定，", "根据《电力法》规定，"),
        ("根据《安全生产工作规定》，", "根据《电力安全工作规程》，"),
        ("按线路安规附录R，", "按线路安规附录A，"),
        ("根据安规对工作票的规定，", "根据安规，"),
        ("按照工作负责人的要求，", "按照规定的要求，"),
        ("按上级要求，", "按规定，"),
        ("按工作要求，", "按有关要求，"),
        ("根据线路要求，", "根据线路安规要求，"),
    ],
)
def test_other_books_and_clauses_do_not_agree(one: str, other: str) -> None:
    for asked, banked in ((one, other), (other, one)):
        assert not lead_ins_agree(lead_in(asked), lead_in(banked), "线路", for_all=False)


def test_a_book_left_out_agrees_only_if_it_is_the_safety_rules() -> None:
    assert lead_ins_agree(None, lead_in("依据变电安规，"), "变电", for_all=False)
    assert lead_ins_agree(lead_in("依据变电安规，"), None, "变电", for_all=False)
    assert lead_ins_agree(lead_in("依据变电安规，"), None, "通用", for_all=True)
    assert not lead_ins_agree(lead_in("依据变电安规，"), None, "线路", for_all=False)
    assert not lead_ins_agree(None, lead_in("按GB 26860，"), "变电", for_all=False)
    assert lead_ins_agree(lead_in("按GB 26860，"), lead_in("按GB 26860-2011，"), "通用", for_all=True)
