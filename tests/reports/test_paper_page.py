import pytest

from tests.reports.page_reading import HOSTILE, Page
from tests.reports.papers import ALONE, BLANKS, BOOTS, TOOLS, WHY, paper_of, with_texts
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import Question
from xiaoan.reports.paper_page import PrintedItem, chinese_number, paper_page, printed_parts


def printed(question: Question) -> PrintedItem:
    return PrintedItem(1, ShownQuestion.as_stored(question), 1)


def test_parts_are_numbered_and_say_what_they_are_worth() -> None:
    paper = paper_of(BOOTS, with_texts(BOOTS, stem="另一题"), TOOLS, points={TOOLS: 1.5})
    headings = [part.heading for part in printed_parts(paper)]
    assert headings == ["一、单选题（每题 1 分，共 2 分）", "二、多选题（每题 1.5 分，共 1.5 分）"]


def test_numbers_of_parts_are_chinese() -> None:
    numbers = (1, 9, 10, 12, 20, 45, 99, 100)
    assert [chinese_number(number) for number in numbers] == [*"一 九 十 十二 二十 四十五 九十九 100".split()]


@pytest.mark.parametrize(
    ("texts", "columns"),
    [
        (("2m", "4m", "8m"), "four"),
        (("工作票签发人", "工作许可人", "值班调控人员和运维负责人"), "two"),
        (("停电", "在工作地段两端和有可能送电到停电线路的分支线上装设接地线"), "one"),
        (("停电\n验电", "接地"), "one"),
    ],
)
def test_short_options_stand_side_by_side(texts: tuple[str, ...], columns: str) -> None:
    question = Question("题", texts, texts[:1], "", "变电", BOOTS.question_type)
    assert printed(question).columns == columns


def test_questions_sheet_and_key_are_pages_apart() -> None:
    page = Page(paper_page(paper_of(), bank="安规题库"))
    questions, sheet, key = page.all("section")
    assert "绝缘靴" in questions.text
    assert "变电安规" not in questions.text + sheet.text
    assert "绝缘靴" not in sheet.text
    assert [len(page.all("section", "part")), page.source.count("break-before: page")] == [2, 1]
    assert "安规题库" in key.text
    assert "安规题库" not in questions.text


def test_the_key_gives_letters_marks_or_words_with_the_clause() -> None:
    keys = [printed(question).key for question in (BOOTS, TOOLS, ALONE, BLANKS, WHY)]
    assert keys == ["B", "AB", "× 错误", "验电\n接地", "确认设备无电压"]
    page = Page(paper_page(paper_of(), bank="安规题库"))
    assert "3 × 错误 配电安规 7.2.6.13" in page.all("section")[2].text


def test_the_sheet_has_bubbles_or_lines_for_each_answer() -> None:
    items = [printed(question) for question in (BOOTS, TOOLS, ALONE, BLANKS, WHY)]
    assert [item.bubbles for item in items] == [("A", "B", "C"), ("A", "B", "C"), ("√", "×"), (), ()]
    assert [item.lines for item in items] == [0, 0, 0, 2, 8]
    page = Page(paper_page(paper_of(), bank=""))
    assert [bubble.text for bubble in page.all("span", "bubble")] == [*"ABCABC√×"]


def test_each_page_says_which_paper_it_is() -> None:
    page = Page(paper_page(paper_of(), bank=""))
    rows = [element.text.replace("\n", "") for element in page.all("tr", "running")]
    assert len(rows) == 3
    assert all("安规模拟测验" in row and "卷号 20260305" in row for row in rows)
    assert "满分 5 分，时间 90 分钟，80% 及格" in page.text


def test_the_heading_says_how_some_of_the_options_count() -> None:
    paper = Paper("卷", paper_of(TOOLS).items, 7, partial_credit=PartialCredit.HALF, notes=("少 12 道",))
    page = Page(paper_page(paper, bank=""))
    assert "少选得一半分" in page.all("section")[0].text
    assert "少 12 道" in page.all("section")[2].text
    assert "少 12 道" not in page.all("section")[0].text


def test_many_questions_keep_their_numbers_in_order() -> None:
    items = [PaperItem(ShownQuestion.as_stored(with_texts(BOOTS, stem=f"题{n}"))) for n in range(60)]
    (part,) = printed_parts(Paper("卷", tuple(items), 7))
    assert [len(row.items) for row in part.sheet_rows] == [24, 24, 12]
    assert [item.number for row in part.sheet_rows for item in row.items] == list(range(1, 61))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_a_bank_does_anything(text: str) -> None:
    options = (f"甲{text}", f"乙{text}")
    question = Question(f"题{text}", options, options[:1], f"规{text}", text, BOOTS.question_type)
    item = PaperItem(ShownQuestion.as_stored(question))
    page = Page(paper_page(Paper(f"卷{text}", (item,), 7, notes=(text,)), bank=text))
    assert page.outside == []
    page.source.encode()
    assert not {
        character for character in page.source if character in "\x00\x07\x1b\x7f\x85\u202e\u2066\u200f"
    }


def test_an_empty_paper_is_a_page_too() -> None:
    assert "共 0 题" in Page(paper_page(Paper("卷", (), 7), bank="")).text
