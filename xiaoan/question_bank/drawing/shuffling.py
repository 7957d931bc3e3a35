"""A question as one person sees it: its options in an order of their own, lettered anew.

Whoever learns from the explanation must find there the letters of the screen. Where it cannot be said for
certain which letters of a text name options, the options stay in the bank's order, in which everything is right.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from xiaoan.question_bank.drawing.option_references import (
    Reference,
    answers_named,
    calls_options,
    option_references,
    with_letters,
)
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType

_SHUFFLED = (QuestionType.SINGLE, QuestionType.MULTIPLE)
_JUDGEMENTS = (AskedOption("A", RIGHT), AskedOption("B", WRONG))
_LETTERS_OF_THE_BANK = "（解析里的字母按题库原来的选项顺序，与上面的字母不一定相同。）"
_LETTERS_OF_A_JUDGEMENT = "（解析里的字母按题库原来的写法，与这里的 A 正确、B 错误不一定相同。）"
_AGAINST_THE_ANSWER = "（解析里写的答案字母与题库的答案对不上，请查对规程。）"

_COUNTS = {"两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7}
_COUNTED = f"[{''.join(_COUNTS)}]"
_SPEAKS_OF_ALL = re.compile(
    # 以上都对, 上述三项均不正确, 其他选项都不对
    r"(?:以上|上述|上面|上列|前面|其余|其[他它](?=[都均皆全选两三]|$)|所有(?=选项|以上|上述))"
    rf"(?:(?P<above>{_COUNTED})(?:个选项|[项种个者条点类]))?"
    # 全部正确, 都不是, 均可, 都有可能; but not 全部停电
    r"|(?:全部|全都|[都均皆全]){1,2}"
    r"(?:不?(?:是|对|正确|可以?|可?能|有可能|有|会|行|选|包括|符合|属于|错误?|应该?|需要?|要))?的?$"
    r"|任[意何]?一[项种个]"
    # 三者都是, 两种均可
    rf"|(?P<both>{_COUNTED})[者种个项](?=[都均皆全])"
    r"|(?:没有|无)(?:一[个项])?正确的?(?:选项|答案|说法)?$"
)
_LETTER_ALONE = re.compile("(?<![A-Za-zＡ-Ｚａ-ｚ])[A-HＡ-Ｈ](?![A-Za-zＡ-Ｚａ-ｚ])")
_AS_ABOVE = re.compile("同上|如上|同前")


@dataclass(frozen=True)
class ShownQuestion:
    """A question with its options in the order `order`: shown place → place in `question.options`.

    `order` is a permutation of the places, () for no options; ValueError otherwise.
    """

    question: Question
    order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.question.options))):
            raise ValueError(f"{self.order} orders no {len(self.question.options)} options")

    @classmethod
    def as_stored(cls, question: Question) -> "ShownQuestion":
        """Return the question in the bank's own order."""
        return cls(question, tuple(range(len(question.options))))

    @cached_property
    def options(self) -> tuple[AskedOption, ...]:
        """The options with the letters shown; a 判断题 without options of its own has 正确 and 错误."""
        if not self.order:
            return _JUDGEMENTS if self.question.question_type is QuestionType.JUDGE else ()
        texts = self.question.options
        return tuple(
            AskedOption(place_letters(shown), texts[place]) for shown, place in enumerate(self.order)
        )

    @cached_property
    def answer_letters(self) -> tuple[str, ...]:
        """The letters of the answer as shown, ascending; () without options, or where none is the answer."""
        if not self.order and self.question.question_type is QuestionType.JUDGE:
            return tuple(option.label for option in _JUDGEMENTS if option.text in self.question.answer)
        stored = set(self.question.answer_letters)
        return tuple(
            place_letters(shown) for shown, place in enumerate(self.order) if place_letters(place) in stored
        )

    @cached_property
    def answer_lines(self) -> tuple[str, ...]:
        """The answer to show, a line for each text: `B. 绝缘靴`; for a 判断题 and without letters the text alone."""
        if self.question.question_type is QuestionType.JUDGE or not self.answer_letters:
            return self.question.answer
        return tuple(
            f"{option.label}. {option.text}" for option in self.options if option.label in self.answer_letters
        )

    @cached_property
    def explanation(self) -> str:
        """The explanation, in which the letters that name options are those shown.

        Where that cannot be had, or where it names another answer than the bank, a note before it says so.
        """
        text = self.question.explanation
        if not self.order:
            return text if self._agrees_with_the_judgement else f"{_LETTERS_OF_A_JUDGEMENT}{text}"
        if _names_another_answer(self.question):
            return f"{_AGAINST_THE_ANSWER}{text}"
        if list(self.order) == sorted(self.order):
            return text
        references = _references_in_explanation(self.question)
        if references is None:
            return f"{_LETTERS_OF_THE_BANK}{text}"
        return with_letters(text, references, _inverse(self.order))

    @property
    def _agrees_with_the_judgement(self) -> bool:
        """Whether the explanation's letters, if any, are those of 正确 and 错误 here; other 题型 have none."""
        text = self.question.explanation
        if self.question.question_type is not QuestionType.JUDGE or not text:
            return True
        if named := answers_named(text):
            return {place_letters(place) for place in named} == set(self.answer_letters)
        return not calls_options(text, len(_JUDGEMENTS))


def shuffle_options(question: Question, rng: random.Random) -> ShownQuestion:
    """Return the question with its options in an order drawn from `rng`, where that can do no harm.

    Options that speak of all others (以上都对) stay last. The bank's order stays for what is no choice, for
    options that speak of others by place or letter, and for texts whose letters may or may not name options.
    """
    if question.question_type not in _SHUFFLED:
        return ShownQuestion.as_stored(question)
    options = question.options
    firm = len(options) - _count_of_last(options)
    if not _may_be_shuffled(question, firm):
        return ShownQuestion.as_stored(question)
    keys = [rng.random() for _ in range(firm)]
    order = sorted(range(firm), key=lambda place: (keys[place], place))
    return ShownQuestion(question, (*order, *range(firm, len(options))))


def _may_be_shuffled(question: Question, firm: int) -> bool:
    """Whether every text of the question stays true with its first `firm` options in another order."""
    count = len(question.options)
    if any(_speaks_of_all(text) or _AS_ABOVE.match(_bare(text)) for text in question.options[:firm]):
        return False
    for text in question.options[firm:]:
        found = _speaks_of_all(text)
        assert found is not None
        number = found["above"] or found["both"]
        if (number and _COUNTS[number] != firm) or option_references(_bare(text)[found.end() :], count) != ():
            return False
    if any(option_references(text, count) != () for text in (question.stem, *question.options[:firm])):
        return False
    if _names_another_answer(question):
        return False
    return _references_in_explanation(question) is not None


def _references_in_explanation(question: Question) -> tuple[Reference, ...] | None:
    """What the explanation names; an option's text tells its letter unless letters mean other things here too."""
    options = question.options
    other_letters = any(_LETTER_ALONE.search(text) for text in (question.stem, *options))
    return option_references(question.explanation, len(options), () if other_letters else options)


def _names_another_answer(question: Question) -> bool:
    """Whether the explanation calls other letters the answer than the bank does: it counts other options.

    So it is where the bank's own sheet had an option left empty: A, C and D are A, B and C here.
    """
    named = answers_named(question.explanation) if question.explanation else frozenset()
    if not named or not question.options:
        return False
    if max(named) >= len(question.options):
        return True
    texts = {normalize_text(question.options[place]) for place in named}
    return texts != {normalize_text(text) for text in question.answer}


def _count_of_last(options: Sequence[str]) -> int:
    """How many options at the end speak of all others."""
    return sum(1 for _ in takewhile(_speaks_of_all, reversed(options)))


def _speaks_of_all(text: str) -> re.Match[str] | None:
    return _SPEAKS_OF_ALL.match(_bare(text))


def _bare(text: str) -> str:
    return normalize_text(text).replace(" ", "").strip(".,;:!。()[]")


def _inverse(order: Sequence[int]) -> list[int]:
    """Return place in the bank → shown place."""
    shown = [0] * len(order)
    for new, old in enumerate(order):
        shown[old] = new
    return shown
