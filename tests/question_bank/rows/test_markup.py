import pytest

from tests.patience import does_not_hang
from tests.question_bank.made_sheets import question, read_one, warnings
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.markup import may_hold_markup, without_markup


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<p>接地前应（ ）。</p>", "接地前应（ ）。"),
        ("<p class=\"MsoNormal\"><span style='x:1'>应先</span>验电。</p>", "应先验电。"),
        ("<P>应先验电。</P><p><br></p>", "应先验电。"),
        ("应&nbsp;先验电&ldquo;十步&rdquo;&lt;5m&#12290;", "应 先验电“十步”<5m。"),
        ("A.停电<br>B.验电<br/>C.接地", "A.停电\nB.验电\nC.接地"),
        ("10<sup>2</sup>mm<sup>-1</sup>，SF<sub>6</sub>气体", "10²mm⁻¹，SF6气体"),
        ("接地前应<u>&nbsp;&nbsp;</u>。", "接地前应____。"),
        ("&lt;p&gt;应先验电。&lt;/p&gt;", "应先验电。"),
        ("<b>应</b>先<font color=red>验电</font>", "应先验电"),
    ],
)
def test_tags_and_entities_of_a_web_page_go(cell: str, text: str) -> None:
    assert may_hold_markup(cell)
    assert without_markup(cell) == text


@pytest.mark.parametrize(
    "cell",
    [
        *("若 U<b 且 c>d，则应断开。", "电流<5A", "R&D 部门", "网页里表示段落的标签是<p>。", "<p>"),
        *("A-<p>|B-<br>|C-<div>", "A-<b></b>|B-<i></i>", "<div></div>", "<!-- -->", "5 < 6 > 4"),
    ],
)
def test_less_than_and_tags_that_are_asked_about_stay(cell: str) -> None:
    assert without_markup(cell) == cell


def test_the_row_is_read_without_markup_and_it_is_said() -> None:
    changed = {"题干": "<p>接地前应（ ）。</p>", "选项": "A.停电<br>B.验电", "答案": "<p>B</p>"}
    read = question(**changed)
    assert (read.stem, read.options, read.answer) == ("接地前应（ ）。", ("停电", "验电"), ("验电",))
    assert warnings(read_one(**changed)) == {FaultCode.MARKUP}
    assert read_one(**changed).faults[0].value == "<p>接地前应（ ）。</p>"


@pytest.mark.parametrize(
    "cell", ["<p>" * 10_000, "<p>停</p>" * 4_000, "<" * 30_000, "&" * 30_000, "<p a=" * 6_000]
)
def test_long_cells_cost_little(cell: str) -> None:
    with does_not_hang():
        without_markup(cell)
