"""How the questions of a bank are spread over 专业, 题型 and chapters, and how evenly their answers over the options."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType

_FIRST_CLAUSE = re.compile(r"[^;；\n、]+")
# A clause's number stands alone; 1799.1 and 26860-2011 belong to the name of a standard.
_CLAUSE_NUMBER = re.compile(r"(?<![0-9A-Za-z./-])(\d{1,2})((?:\.\d{1,3})*)(?![0-9A-Za-z/-])")
_APPENDIX = re.compile(r"附录 ?[A-Za-z]")
_FIGURES = re.compile(r"\d+|\D+")


@dataclass(frozen=True, slots=True)
class LongestOption:
    """How often the right option of a 单选题 is the longest: much over `expected`, and length gives it away.

    Counted where one option alone is the longest; `expected` is what blind choice among the options gives.
    """

    questions: int = 0
    right: int = 0
    expected: float = 0.0


@dataclass(frozen=True)
class BankStatistics:
    """Counts over the questions of a bank; every mapping in the order to show it."""

    questions: int = 0
    by_profession: Mapping[str, int] = field(default_factory=dict)
    by_type: Mapping[str, int] = field(default_factory=dict)
    by_chapter: Mapping[str, int] = field(default_factory=dict)
    without_clause: int = 0
    single_letters: Mapping[str, int] = field(default_factory=dict)
    judgements: Mapping[str, int] = field(default_factory=dict)
    multiple_sizes: Mapping[int, int] = field(default_factory=dict)
    longest_option: LongestOption = LongestOption()

    def to_document(self) -> dict[str, object]:
        """Return everything as JSON knows it, with shares from 0 to 1 beside the answers' counts."""
        return {
            "questions": self.questions,
            "by_profession": dict(self.by_profession),
            "by_type": dict(self.by_type),
            "by_chapter": dict(self.by_chapter),
            "without_clause": self.without_clause,
            "single_letters": _with_shares(self.single_letters),
            "judgements": _with_shares(self.judgements),
            "multiple_sizes": {str(size): count for size, count in self.multiple_sizes.items()},
            "longest_option": {
                "questions": self.longest_option.questions,
                "right": self.longest_option.right,
                "expected": round(self.longest_option.expected, 1),
            },
        }


def bank_statistics(questions: Iterable[Question]) -> BankStatistics:
    """Return the counts over `questions`, each once.

    专业 come by size, 题型 in the usual order, chapters by name and number. Letters count the right option's
    place in the bank's own order, over 单选题.
    """
    professions, types, chapters = Counter[str](), Counter[QuestionType](), Counter[str]()
    letters, judgements, sizes = Counter[str](), Counter[str](), Counter[int]()
    longest = LongestOption()
    for question in questions:
        professions[question.profession] += 1
        types[question.question_type] += 1
        chapters[clause_chapter(question.clause)] += 1
        if question.question_type is QuestionType.JUDGE:
            judgements[question.answer[0]] += 1
        elif question.question_type is QuestionType.MULTIPLE and question.options:
            sizes[len(question.answer)] += 1
        elif question.question_type is QuestionType.SINGLE and question.options:
            letters.update(question.answer_letters)
            longest = _count_longest(longest, question)
    without_clause = chapters.pop("", 0)
    return BankStatistics(
        questions=sum(types.values()),
        by_profession=dict(sorted(professions.items(), key=lambda item: (-item[1], item[0]))),
        by_type={kind.value: types[kind] for kind in QuestionType if types[kind]},
        by_chapter={name: chapters[name] for name in sorted(chapters, key=_natural)},
        without_clause=without_clause,
        single_letters={
            letter: letters[letter] for letter in sorted(letters, key=lambda one: (len(one), one))
        },
        judgements={word: judgements[word] for word in (RIGHT, WRONG) if judgements},
        multiple_sizes=dict(sorted(sizes.items())),
        longest_option=longest,
    )


def clause_chapter(clause: str) -> str:
    """Return the regulation and the leading number of its clause: `变电安规 7` for `变电安规 7.3.4`.

    The first clause of several counts. `变电安规 附录Q` is a chapter, and so is a regulation that names no
    clause. '' without a clause.
    """
    first = _FIRST_CLAUSE.search(clause)
    text = normalize_text(first[0]) if first else ""
    if appendix := _APPENDIX.search(text):
        return f"{_name(text[: appendix.start()])} {appendix[0].replace(' ', '').upper()}".strip()
    if number := _CLAUSE_NUMBER.search(text):
        return f"{_name(text[: number.start()])} {int(number[1])}".strip()
    return _name(text)


def _name(text: str) -> str:
    """A regulation's name without its quotes and without 第 before the number."""
    return text.strip().removesuffix("第").strip(" 《》\"',.:")


def _count_longest(so_far: LongestOption, question: Question) -> LongestOption:
    lengths = [len(normalize_text(option)) for option in question.options]
    if len(lengths) < 2 or lengths.count(max(lengths)) > 1:
        return so_far
    longest = question.options[lengths.index(max(lengths))]
    right = normalize_text(longest) == normalize_text(question.answer[0])
    expected = so_far.expected + 1 / len(lengths)
    return LongestOption(so_far.questions + 1, so_far.right + right, expected)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts 变电安规 7 before 变电安规 13."""
    parts = _FIGURES.findall(name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _with_shares(counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
    total = sum(counts.values())
    return {name: {"count": count, "share": round(count / total, 4)} for name, count in counts.items()}
