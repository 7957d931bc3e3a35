import pytest

from tests.reports.page_reading import HOSTILE, Page
from tests.reports.papers import BOOTS, WHEN, paper_of, result_of, small_result, with_texts
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.results import PaperResult
from xiaoan.reports.result_page import chosen_labels, result_page


def page_of(result: PaperResult, *, user: str = "张三", bank: str = "安规题库") -> Page:
    return Page(result_page(result, when=WHEN, user=user, bank=bank))


def test_the_score_comes_first_in_words() -> None:
    page = page_of(small_result())
    assert [element.text for element in page.all("p", "verdict")] == ["不及格：1.5 分"]
    for fact in ("1.5 / 5 分（30%）", "及格线80%", "张三", "2026-03-05 14:30", "50 秒", "20260305"):
        assert fact in page.text.replace(" ", "") or fact in page.text


def test_a_paper_without_a_pass_mark_is_neither_passed_nor_failed() -> None:
    paper = Paper("练习", paper_of(BOOTS).items, 7)
    page = page_of(result_of(paper, "B"))
    assert [element.text for element in page.all("p", "verdict")] == ["1 分"]
    assert "及格：" not in page.text
    assert "没有错题" in page.text


def test_mistakes_come_before_all_questions_and_lead_to_them() -> None:
    page = page_of(small_result())
    links = [element.attributes["href"] for element in page.all("a")]
    assert links == ["#q2", "#q3", "#q4", "#q5"]
    assert [element.attributes["id"] for element in page.all("article")] == [f"q{n}" for n in range(1, 6)]
    first = " ".join(page.all("li")[0].text.split())
    assert "错；你的答案：A. 护目镜；C. 雨衣；正确答案：A. 护目镜；B. 绝缘手套；依据：变电安规 5.2" in first
    assert page.source.index('class="mistakes"') < page.source.index("<article")


def test_each_question_has_both_answers_the_clause_and_the_time() -> None:
    first, second, third, fourth, fifth = (
        " ".join(element.text.split()) for element in page_of(small_result()).all("article")
    )
    assert "B. 绝缘靴（正确答案）（所选）" in first
    assert "你的答案 A. 护目镜 C. 雨衣 正确答案 A. 护目镜 B. 绝缘手套 依据 变电安规 5.2" in second
    assert "你的答案 正确 正确答案 错误 依据 配电安规 7.2.6.13" in third
    assert "部分对" in fourth
    assert "得分 0.5 / 1；用时 10 秒" in fourth
    assert "（未作答）" in fifth


def test_letters_are_those_that_were_shown() -> None:
    paper = Paper("练习", (PaperItem(ShownQuestion(BOOTS, (1, 2, 0))),), 7)
    result = result_of(paper, "C")
    assert chosen_labels(result.items[0]) == {"C"}
    assert "A. 绝缘靴（正确答案）" in page_of(result).text


def test_tables_name_their_rows_and_columns() -> None:
    page = page_of(small_result())
    assert all(element.attributes.get("scope") for element in page.all("th"))
    assert {"变电", "配电", "单选题", "简答题"} <= {element.text for element in page.all("th")}
    assert page.all("html")[0].attributes["lang"] == "zh-CN"
    assert "@media print" in page.source


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_a_bank_does_anything(text: str) -> None:
    question = with_texts(
        BOOTS, stem=f"雨天{text}", profession=f"变{text}", clause=f"规{text}", explanation=f"因{text}"
    )
    paper = Paper(f"卷{text}", (PaperItem(ShownQuestion.as_stored(question)),), 7, notes=(text,))
    page = page_of(result_of(paper, "A"), user=text, bank=text)
    assert page.outside == []
    page.source.encode()
    assert not {
        character for character in page.source if character in "\x00\x07\x1b\x7f\x85\u202e\u2066\u200f"
    }


def test_what_looks_like_a_template_is_shown_to_the_letter() -> None:
    question = with_texts(BOOTS, stem=HOSTILE["template"])
    page = page_of(result_of(paper_of(question), "A"))
    assert HOSTILE["template"] in page.all("article")[0].text


def test_rare_characters_and_families_arrive_whole() -> None:
    question = with_texts(BOOTS, stem=HOSTILE["rare"] + HOSTILE["emoji"], explanation=HOSTILE["long"])
    article = page_of(result_of(paper_of(question), "A")).all("article")[0].text
    assert HOSTILE["rare"] + HOSTILE["emoji"] in article
    assert HOSTILE["long"] in article
