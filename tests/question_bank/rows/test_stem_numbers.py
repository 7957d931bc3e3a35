import pytest

from tests.question_bank.made_sheets import HEADER, read_rows, row
from xiaoan.question_bank.rows.stem_numbers import find_serials, has_unclear_number, numbers_to_cut

PLAIN = "应先停电，再验电（ ）。"


def stem_after(stem: str, place: int, others: str = PLAIN) -> str:
    """Return what is left of `stem` at `place` (from 1) in a sheet of twelve rows."""
    stems = [others.format(number) for number in range(1, 13)]
    stems[place - 1] = stem
    return stem[numbers_to_cut(stems).get(place - 1, 0) :]


@pytest.mark.parametrize(
    ("stem", "left"),
    [
        ("9．20kV母线检修", "20kV母线检修"),
        ("56\t10kV线路检修", "10kV线路检修"),
        ("73\t人员在单梯上作业", "人员在单梯上作业"),
        ("5\t 35kV线路检修", "35kV线路检修"),
    ],
)
def test_a_wide_point_or_a_tab_always_parts_a_number(stem: str, left: str) -> None:
    assert has_unclear_number([PLAIN, stem])
    assert stem_after(stem, 2) == left


@pytest.mark.parametrize("front", ["11、", "11.", "11、 ", "１１、", "11．"])
def test_figures_that_are_the_place_of_the_question_are_its_number(front: str) -> None:
    assert stem_after(f"{front}35kV环网柜检修前应（ ）。", 11) == "35kV环网柜检修前应（ ）。"


@pytest.mark.parametrize(
    "stem",
    [
        *("7.23 工作前应（ ）。", "7.23工作前应（ ）。", "7.2.3 抢修单应（ ）。", "7．23 工作前应（ ）。"),
        *("7、8号主变应（ ）。", "7.5m以上的脚手架应（ ）。", "7:30开工应（ ）。", "7、8、9号杆应（ ）。"),
        *("220\t千伏线路应（ ）。", "0.4kV线路应（ ）。", "700kV线路应（ ）。"),
    ],
)
def test_clauses_lists_quantities_and_times_stay_though_they_begin_with_the_place(stem: str) -> None:
    assert stem_after(stem, 7) == stem


def test_figures_elsewhere_stay_unless_they_run_on_or_are_the_serial_number() -> None:
    stem = "10、20kV线路应（ ）。"
    assert stem_after(stem, 3) == stem
    assert numbers_to_cut([PLAIN, f"9、{PLAIN}", stem, PLAIN]) == {2: 3}
    assert numbers_to_cut([PLAIN, "", stem], ["8", "9", "10"]) == {2: 3}


def test_where_all_stems_are_numbered_a_list_or_a_quantity_may_follow_the_number() -> None:
    numbered = "{}、" + PLAIN
    assert stem_after("7、8号主变应（ ）。", 7, numbered) == "8号主变应（ ）。"
    assert stem_after("7.5m以上应（ ）。", 7, numbered) == "5m以上应（ ）。"
    assert stem_after("3.5m以上应（ ）。", 7, numbered) == "3.5m以上应（ ）。"


def test_below_a_title_numbers_begin_anew() -> None:
    assert numbers_to_cut([PLAIN, PLAIN, None, "1、10kV线路应（ ）。"]) == {3: 2}


def test_serial_numbers_are_the_column_that_runs_on() -> None:
    rows = [["1", "易", "5"], ["2", "易", "5"], ["3", "", "5"]]
    assert find_serials(rows, frozenset()) == 0
    assert find_serials(rows, frozenset([0])) is None


def test_a_number_goes_before_the_question_is_made_and_its_id_knows_nothing_of_it() -> None:
    plain = "10kV线路停电后应（ ）。"
    rows = [HEADER, row(题干="1、停电后应（ ）。"), [], row(题干=f"2、{plain}"), row(题干=f"9．{plain}")]
    questions = read_rows(rows).questions
    assert [question.stem for question in questions] == ["停电后应（ ）。", plain, plain]
    assert questions[1].id == read_rows([HEADER, row(题干=plain)]).questions[0].id


def test_the_fault_of_a_row_shows_the_cell_with_its_number() -> None:
    (fault,) = read_rows([HEADER, row(题干="9．10kV线路[图片]停电后应（ ）。")]).faults
    assert fault.value == "9．10kV线路[图片]停电后应（ ）。"
