"""What the words beside letters say of these: that they name options (故选A、C), or something else (A、B两相)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = re.compile("[A-Za-z]+")
_BETWEEN_LISTED = re.compile(r"[ \t]*(?:[、,/&]|和|与|及|或|以及)?[ \t]*")
_ONLY_SIGNS = re.compile(r"[\s,;:。.!?、()\[\]“”\"'和与及]*")
_BRACKETS_BEFORE = " \t([{<《「『“‘\"'*)]}>》」』”’"
_BRACKETS_BEHIND = ' \t)]}>》」』”’"*'
_MOST_OPTIONS = 8
"""A word with a letter beyond the eighth is no list of options, not even of one that is not there."""
_FAR = 30
"""How many characters beside a letter are looked at."""

_NUMBER = "[一二两三四五六七八九十几0-9]"
_VERDICT = (
    "(?:不?正确|不?对|错误?|有误|无误|不?符合?题意|不选|[应当可]选|应当选|应?可?排除|当选|入选|与(?:题意|题干|本题)"
    "|[√×✓✔✗✘])"
)
_FILL = (
    "(?:均|都|皆|全部|全|也|则|同时|显然|明显|属于|是|为|应|可以|可|选?项|[两二三四五六七八][个项种]"
    "|的?(?:说法|表述|描述|叙述|内容|做法))"
)
_SAYS_ORDER = re.compile("分别|依次|顺序|次序|先后|对应|各自|步骤|排序|排列|相应|逐一|[→⇒>]")

# Before an option: 选项A whatever follows, 故选A where the sentence ends.
_OPTION_BEFORE = re.compile(r"选项[中的为是有:]{0,2}$")
_CHOSEN_BEFORE = re.compile(
    r"(?:选择?|答案|排除"
    r"|(?:正确|错误|不对|有误|不?符合?题意|不符)的?(?:说法|选项|答案|表述|描述|做法|一项|项)?(?=[为是有:]))"
    r"\]?(?:应该?|应当|只|只能|就)?选?[为是有项的:\])]{0,4}$"
)
_ENDS = re.compile(
    r"$|[,;:。.!?、\n(\[]|的(?:说法|选项|答案|表述)|因为|因此|所以|即可|才对|最|更|而|但|不选|是因|为[准宜]"
    r"|解析|分析|详解|说明"
)
_EXCEPT = re.compile(r"除(?:了|去|开)?(?:选项|选)?$")
_EXCEPTED = re.compile(rf"(?:{_NUMBER}?个?选?项)?(?:之外|以外|外)")
# 故选A、C，即验电和接地 tells which letter is which text: no set.
_SET_ENDS = re.compile(r"$|[。.;!?\n\[]|,(?!即|也就是|指|如|例如|是|为|其中|既)")

# Behind an option: A项, A、C两个选项; A正确 where a clause begins with A.
_OPTION_BEHIND = re.compile(
    rf"(?:这|等|共)?(?:{_NUMBER}\s*)?(?:个选项|选项|项(?![目次圈链数羁])|个答案|种说法|[的种个]?说法|的?表述)"
)
_JUDGED = re.compile(
    rf"[.:、]?{_FILL}{{0,3}}{_VERDICT}[)\]”\"]*"
    r"(?:的(?:[\s,;。.!?、)]|$|是|选项|说法|答案)|$|[\s,;:。.!?、()\[\]A-Za-z因故所而但]|答案|无关|不符)"
)
_CLAUSE_BEGINS = re.compile(
    r"(?:^|[,;:。.!?、()\[\]…\n~√×✓✔✗✘-]|解析|分析|解释|说明|点评|[本该此]题|题中|题干中|选项中?|其中|可知|可见"
    r"|因此|所以|故|而|但|则|且|即|只有|仅有|仅|只|因为|由于|显然|正确|错误|不对|有误|不符|题意|对|错|选)$"
)

# Beside a letter that names something else.
_OTHER_BEFORE = re.compile(r"(?:附[录件表图]|[见如下上左右]图|[见如下上]表|[°º])\s*$")
_OTHER_BEHIND = re.compile(
    rf"(?:{_NUMBER}\s*|各|每|单|某)?"
    r"(?:相(?![关同应反对互当比近邻差符连加继似信机位序间线量色电])|级(?![别差联])|类(?![似别比推型])|型(?![号式])"
    r"|段(?!落)|侧(?![重面向])|点(?=[\s,;。.、)至到与和处的接]|$))(?!选项|项(?!目))"
)
_QUANTITY = re.compile(r"(?<![0-9.])[0-9]+(?:\.[0-9]+)?\s*$")
_QUANTITY_ENDS = re.compile(r"\s*(?:$|[,;。!?、)~/]|及?以[上下内]|的|时|电流|额定|左右|和|至|或|与)")
_UNITS = ("A", "a", "d", "h")
# km/h, A/m: letters of one list are together, so what is still beside a stroke is another word.
_IN_A_WORD_BEFORE, _IN_A_WORD_BEHIND = re.compile("[A-Za-z]/$"), re.compile("/[A-Za-z]")
_KNOWN_WORDS = frozenset("DC GB AED CAD ABB GE HF".split())
"""Words whose letters may all be those of options, and that name none unless called so."""

# 第5条A项 is an item of a rule; 4 A项 may be an ampere.
_DOUBTFUL_BEFORE = re.compile(r"(?:附[录件表图]|[图表第条款节章0-9])\s*$")


@dataclass(frozen=True)
class Letters:
    """Letters listed side by side (A、C or ABD) in a half-width text, `words` by their [start, end)."""

    narrow: str
    words: tuple[tuple[int, int], ...]
    order_counts: bool
    """Whether the text says that order means something (分别, 依次)."""

    def name_options(self, options: int) -> bool | None:
        """Return whether they name some of so many options; None if nobody can say."""
        inside = [place_of(letter) < options for letter in self._text]
        mixed = not (self._text.isupper() or self._text.islower())
        fit = all(inside) and not mixed and len(set(self._text)) == len(self._text)
        beyond = any(place_of(letter) >= max(options, _MOST_OPTIONS) for letter in self._text)
        if self._are_a_word and beyond:
            return False  # TA, GIS, kV
        if self._are_called_options:
            if not any(inside) and self._text.islower():
                return False  # 0.7 m。
            doubtful = self._are_called_otherwise or _DOUBTFUL_BEFORE.search(self._raw_before)
            return True if fit and not doubtful and not self._are_known_words else None
        if not any(inside) or self._are_called_otherwise or self._are_known_words:
            return False
        return False if self._are_a_word and not fit else None

    @property
    def positions(self) -> list[int]:
        """Where each letter stands in the text."""
        return [position for start, end in self.words for position in range(start, end)]

    @property
    def are_a_set(self) -> bool:
        """Whether they may come in another order, if they name options: 故选AC, but not 选A、B错误."""
        places = [place_of(letter) for letter in self._text]
        if places != sorted(places) or self.order_counts:
            return False
        chosen = self._are_chosen and not _OPTION_BEFORE.search(self._before)
        if chosen and not self._are_judged:
            return bool(_SET_ENDS.match(self._behind))
        judged = _JUDGED.match(self._behind) if self._are_judged and not chosen else None
        return self._are_everything or bool(judged and not judged[0].endswith("("))

    @property
    def _text(self) -> str:
        return "".join(self.narrow[start:end] for start, end in self.words)

    @property
    def _raw_before(self) -> str:
        return self.narrow[max(self.words[0][0] - _FAR, 0) : self.words[0][0]]

    @property
    def _before(self) -> str:
        """What stands before, without the brackets and quotes around the letters."""
        return self._raw_before.rstrip(_BRACKETS_BEFORE)

    @property
    def _raw_behind(self) -> str:
        return self.narrow[self.words[-1][1] : self.words[-1][1] + _FAR]

    @property
    def _behind(self) -> str:
        """What stands behind, without the brackets and quotes around the letters."""
        end = self.words[-1][1]
        return self.narrow[end : end + 10 * _FAR].lstrip(_BRACKETS_BEHIND)[:_FAR]

    @property
    def _are_a_word(self) -> bool:
        """Whether this is one word of more than a letter."""
        return len(self.words) == 1 and len(self._text) > 1

    @property
    def _are_known_words(self) -> bool:
        return all(self.narrow[start:end] in _KNOWN_WORDS for start, end in self.words)

    @property
    def _are_everything(self) -> bool:
        """Whether the text is nothing but these letters."""
        start, end = self.words[0][0], self.words[-1][1]
        only_signs = _ONLY_SIGNS.fullmatch(self.narrow, 0, start) and _ONLY_SIGNS.fullmatch(self.narrow, end)
        return bool(only_signs)

    @property
    def _are_chosen(self) -> bool:
        """故选A, 答案：A."""
        ends = _ENDS.match(self._behind) or _JUDGED.match(self._behind)
        return bool(ends and _CHOSEN_BEFORE.search(self._before))

    @property
    def _are_judged(self) -> bool:
        """A正确, at the beginning of a clause."""
        return bool(_JUDGED.match(self._behind) and _CLAUSE_BEGINS.search(self._before))

    @property
    def _are_called_options(self) -> bool:
        return (
            self._are_everything
            or self._are_chosen
            or self._are_judged
            or bool(_OPTION_BEFORE.search(self._before) or _OPTION_BEHIND.match(self._behind))
            or bool(_EXCEPT.search(self._before) and _EXCEPTED.match(self._behind))
        )

    @property
    def _are_called_otherwise(self) -> bool:
        if _OTHER_BEFORE.search(self._raw_before) or _OTHER_BEHIND.match(self._behind):
            return True
        if _IN_A_WORD_BEFORE.search(self._raw_before) or _IN_A_WORD_BEHIND.match(self._raw_behind):
            return True
        if self._text not in _UNITS or not _QUANTITY.search(self._raw_before):
            return False
        return self._raw_before[-1].isdigit() or bool(_QUANTITY_ENDS.match(self._raw_behind))


def letters_of(narrow: str, options: int) -> Iterator[Letters]:
    """Yield every word of latin letters; those that may list some of so many options with what is beside them."""
    order_counts = _SAYS_ORDER.search(narrow) is not None
    words: list[tuple[int, int]] = []
    for found in _WORD.finditer(narrow):
        listed = bool(words) and _BETWEEN_LISTED.fullmatch(narrow, words[-1][1], found.start()) is not None
        if words and not (
            listed
            and _may_be_listed(narrow[slice(*words[-1])], options)
            and _may_be_listed(found[0], options)
        ):
            yield Letters(narrow, tuple(words), order_counts)
            words = []
        words.append(found.span())
    if words:
        yield Letters(narrow, tuple(words), order_counts)


def _may_be_listed(word: str, options: int) -> bool:
    """Whether a word is one capital letter, or letters of options, each once."""
    in_range = all(place_of(letter) < options for letter in word)
    return (in_range and len(set(word)) == len(word)) or (len(word) == 1 and word.isupper())


def place_of(letter: str) -> int:
    """Return the place of a letter in the alphabet, from 0, in either case."""
    return ord(letter.lower()) - ord("a")
