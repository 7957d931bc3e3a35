"""Which questions are near-twins: the same words but for numbers, units, negations, roles and the like.

Two ways lead to a group: the same masked words, or letter pairs that are mostly the same (Jaccard ≥ 0.7), of the
stem as it stands or with the answer in its blank; groups that share a question are one. Candidates are found by
prefix filtering (Chaudhuri et al., 2006), so that a bank of ten thousand questions takes seconds.
"""

import math
import re
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from itertools import pairwise

from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.normalization import BLANK, key_of, normalize_stem, normalize_text
from xiaoan.question_bank.question import Question, QuestionType

_LIKE = 0.7
_SHORT = 8
_COMPARED_AT_MOST = 100
"""Of the texts that share a letter pair, so many of the nearest length are looked at: a made bank may have thousands."""

_MASKED_SIGNS = re.compile(
    r"[0-9A-Za-z.±~%°/ΩμⅠⅡⅢ<>≥≤+\-#,;:?!()\[\]'\"·\s_"
    "不无未非没禁勿否严可能应须得必需宜允许准有权已是为前后先首末时上下内外里左右近远大小高低多少长短最至于以之"
    "一二两三四五六七八九十百千万半几年月日天次级个种度米秒和或与及、全部各均都任每交直拆装的]"
)
_MASKED_WORDS = re.compile(  # as they are without the signs above: 许可人 is 人, 交流 is 流
    "(?:工作|专责)?(?:签发|监护|操作|负责)?人|工作班(?:成员|人员)?|调控|运维|变电|线路|配电|输电"
    "|设|除|合|断开|停用|投入|停电|带电|压|流|(?:负荷|电源)?侧|户|室|周|分钟|伏|厘|毫|正确|错误|属|包括|满足|超过|符|止"
)


def near_twin_groups(questions: Sequence[Question]) -> list[list[int]]:
    """Return the places of `questions` in groups, in the order of each group's first; alone is a group too."""
    return _groups([_writings(question) for question in questions])


def alike_texts(texts: Sequence[str]) -> list[list[int]]:
    """Return the places of `texts` in groups, as `near_twin_groups` does for questions."""
    return _groups([[normalize_stem(text)] for text in texts])


def _writings(question: Question) -> list[str]:
    """The stem, and the stem with answer or options in its blank: a statement of the same matter is a twin as well."""
    stem = question.normal_stem
    options = list(map(normalize_text, question.options))
    # 下列说法正确的是: the options are the question.
    writings = [stem if len(_masked(stem)) >= _SHORT else stem + "".join(sorted(options))]
    if question.question_type is not QuestionType.JUDGE and stem.count(BLANK) == 1:
        answer = "、".join(sorted(map(normalize_text, question.answer)))
        everything = "、".join(sorted(options))
        writings += [
            stem.replace(BLANK, filling) for filling in dict.fromkeys((answer, everything, *options))
        ]
    return writings


def _masked(normal_stem: str) -> str:
    key = _MASKED_WORDS.sub("", _MASKED_SIGNS.sub("", reduce_key(key_of(normal_stem))))
    return key or normal_stem


def _groups(writings: Sequence[Sequence[str]]) -> list[list[int]]:
    masked = [[_masked(text) for text in texts] for texts in writings]
    leader = list(range(len(masked)))
    first_with: dict[str, int] = {}
    for place, texts in enumerate(masked):
        for text in texts:
            _join(leader, first_with.setdefault(text, place), place)
    _join_alike([_letter_pairs(text) for text in first_with], list(first_with.values()), leader)
    found: dict[int, list[int]] = defaultdict(list)
    for place in range(len(masked)):
        found[_root(leader, place)].append(place)
    return list(found.values())


def _letter_pairs(text: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(text))) or frozenset((text,))


def _join_alike(sets: Sequence[frozenset[str]], owners: Sequence[int], leader: list[int]) -> None:
    """Join the owners of sets whose Jaccard index is at least `_LIKE`.

    Sorted by rarity, two such sets share one of their first `size - ceil(_LIKE * size) + 1` members.
    """
    common = Counter(member for members in sets for member in members)
    ordered = [sorted(members, key=lambda member: (common[member], member)) for members in sets]
    seen: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_COMPARED_AT_MOST))
    for place in sorted(range(len(sets)), key=lambda place: len(sets[place])):
        size = len(sets[place])
        prefix = ordered[place][: size - math.ceil(_LIKE * size) + 1]
        for earlier in {earlier for member in prefix for earlier in seen[member]}:
            if len(sets[earlier]) < _LIKE * size or _root(leader, owners[earlier]) == _root(
                leader, owners[place]
            ):
                continue
            shared = len(sets[place] & sets[earlier])
            if shared >= _LIKE * (size + len(sets[earlier]) - shared):
                _join(leader, owners[earlier], owners[place])
        for member in prefix:
            seen[member].append(place)


def _root(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = leader[place]
    return place


def _join(leader: list[int], one: int, other: int) -> None:
    """Make two groups one, led by the earlier place."""
    first, second = sorted((_root(leader, one), _root(leader, other)))
    leader[second] = first
