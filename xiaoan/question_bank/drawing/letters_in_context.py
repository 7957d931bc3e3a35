"""What the words beside letters say of these: that they name options (故选A、C), or something else (A、B两相)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xiaoan.question_bank.drawing.own_texts import OwnText, OwnTexts

_WORD = re.compile("[A-Za-z]+")
_BETWEEN_LISTED = re.compile(r"[ \t]*(?:[、,/&]|和|与|及|或|以及)?[ \t]*")
_WEAKLY_JOINED = re.compile(r"[ \t]*,[ \t]*|[ \t]+")
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
    "|不?符合(?:[规章]程|安规|规范|标准|安全|现场|相关|有关|题目|题干)?的?(?:规定|要求|规程|标准|条件|实际)"
    "|(?<=[全都均皆])选|(?<=[都均皆全])是(?=$|[,;。.!?)])|干扰(?:选)?项|(?:太|过于|说法)?(?:绝对|片面)"
    "|不(?:够)?(?:全面?|完整|准确|严谨|妥当?|恰当)|(?:互相|相互|相|自相)?(?:矛盾|重复|冲突|抵触)"
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
    r"(?:选择?|答案|排除|干扰选?项|(?:^|[\s,;。\]])答(?=:)"
    r"|(?:正确|错误|不对|有误|不?符合?(?:题意|规定|要求)|不符)的?(?:说法|选项|答案|表述|描述|做法|一项|项)?"
    r"(?=[为是有:]|[只仅]有|包括|应[为是]))"
    r"\]?(?:应该?|应当|只有|仅有|包括|只|只能|就)?选?[为是有项的:\])]{0,4}$"
)
_ENDS = re.compile(
    r"$|[,;:。.!?、\n(\[]|的(?:说法|选项|答案|表述|原因|理由|人|同学|考生)"
    r"|因为|因此|所以|即可|才对|最|更|而|但|不选|是因|为[准宜]"
    r"|解析|分析|详解|说明"
)
_EXCEPT = re.compile(r"除(?:了|去|开)?(?:选项|选)?$")
# 除A外，其余两相电压升高 speaks of phases.
_EXCEPTED = re.compile(
    rf"(?:{_NUMBER}?个?选?项)?(?:(?:之外|以外|外)|,?(?=其[他它余]|剩下))(?!.{{0,8}}{_NUMBER}[相级类段侧])"
)
# 故选A、C，即验电和接地 tells which letter is which text: no set.
_SET_ENDS = re.compile(r"$|[。.;!?\n\[]|,(?!即|也就是|指|如|例如|是|为|其中|既)")

# Behind an option: A项, A、C两个选项; A正确 where a clause begins with A.
_OPTION_BEHIND = re.compile(
    rf"(?:这|等|共)?(?:{_NUMBER}\s*)?"
    r"(?:个选项|选项(?!卡)|项(?![目次圈链数羁]|工程|任务|工作(?![负票许班人]))|个答案|种说法|[的种个]?说法|的?表述)"
)
# a)停电, b项规定: items of a rule, as its text numbers them.
_ITEM_OF_A_RULE = re.compile(r"[)]|(?:项|款)")
_JUDGED = re.compile(
    rf"[.:、]?\(?{_FILL}{{0,3}}{_VERDICT}[)\]”\"]*"
    r"(?:的(?:[\s,;。.!?、)]|$|是|选项|说法|答案)|$|[\s,;:。.!?、()\[\]A-Za-z因故所而但]|答案|无关|不符)"
)
_CLAUSE_BEGINS = re.compile(
    r"(?:^|[,;:。.!?、()\[\]…\n~√×✓✔✗✘-]|解析|分析|解释|说明|点评|[本该此]题|题中|题干中|选项中?|其中|可知|可见"
    r"|因此|所以|故|而|但|则|且|即|只有|仅有|仅|只|因为|由于|显然|正确|错误|不对|有误|不符|题意|对|错|选)$"
)
# A、B属于工作负责人的职责; with 是 and 为 phases are told too (A为黄色).
_BELONGS = re.compile(rf"{_FILL}{{0,2}}不?属于")
_BELONGING_BEFORE = re.compile(r"不?属于[^,;:。.!?\n]{1,20}的[是有为]:?$")
_NUMBERED = re.compile(r"(?:^|[\s,;:。.!?、])\([1-9]\)[\s\"“‘(\[]*$")

# Beside a letter that names something else.
_OTHER_BEFORE = re.compile(r"(?:附[录件表图]|[见如下上左右]图|[见如下上]表|[°º])\s*$")
_A_PHASE = (  # not 相关, 相同, 相矛盾, 相当于 …
    r"相(?=$|[\s,;:。.!?、()\[\]“”\"'~/A-Za-z]|[和与及或的至到在有无上下不也均都为是先后]|间(?:短路|故障|距离|绝缘|电压)"
    r"|接地|短路|分别|之间|电源|绕组|运行|断线|断相|缺相|故障|跳闸|失压|失电|停电|带电|熔|母线|导线|导体|引线|引下|绝缘|套管|瓷|避雷器|电缆"
    r"|开关|刀闸|隔离|断路器|验电|装设|挂|单相|一次|二次|同时|发生|出现)"
)
_OTHER_BEHIND = re.compile(
    rf"(?:(?:{_NUMBER}\s*|各|每|单|某)?(?:{_A_PHASE}|级(?![别差联])"
    r"|类(?![似别比推型同]|说法|情况|表述|描述|做法|答案|错误|问题)|型(?![号式])|段(?!落)|侧(?![重面向]))"
    r"|点(?=[\s,;。.、)至到与和处的接]|$))(?!选项|项(?!目))"
)
_CLAUSE_NUMBER = re.compile(r"(?:[0-9]|[条款]的?)\s*$")
_QUANTITY = re.compile(r"(?<![0-9A-Za-z.-])[0-9]{1,4}(?:\.[0-9]+)?[ \t]*\Z")
_QUANTITY_ENDS = re.compile(r"\s*(?:$|[,;。!?、)~/]|及?以[上下内]|时|电流|额定|左右|[和至或与]\s*[0-9])")
_UNITS = ("A", "a", "d", "h")
# km/h, A/m: letters of one list are together, so what is still beside a stroke is another word.
_IN_A_WORD_BEFORE, _IN_A_WORD_BEHIND = re.compile("[A-Za-z]/$"), re.compile("/[A-Za-z]")
_KNOWN_WORDS = frozenset("DC GB AED CAD ABB GE HF".split())
"""Words whose letters may all be those of options; they name none before another word or a figure (DC 220V)."""
_ALONE = re.compile(r"\s*(?:$|[,;。、:)])")

# 第5条A项 is an item of a rule; 4 A项 may be an ampere.
_DOUBTFUL_BEFORE = re.compile(
    r"(?:附[录件表图]|[图表第0-9]|(?:[条款节章]|[规章]程|安规|规定|规范|标准)的?)[\s(\[“\"]*$"
)
# 绝缘等级选B may be a grade that is called B.
_CHOSEN_OF_ITS_OWN = re.compile(
    r"(?:级|等级别?|规格|型号?|类别?|类型|相别?|种类|方案|档位?|挡位?|位置|量程|代号|符号|字母|标志|区域?|组别?)"
    r"(?:应该?|应当|可|宜|只能|需|要|须|均|都)?选择?[为:]?$"
)
_ANSWERS_BEFORE = re.compile(
    r"(?:(?:(?<![错误])答案|正确选项)\]?(?:应该?|应当)?选?[为是:\]]{0,3}(?:选项)?"
    r"|(?:^|[\]。;:\n]|故而?|因此|所以|因而|综上(?:所述)?|可知|[本此该]题),?(?:[本此该]题)?"
    r"(?:应该?|应当|宜|只能|只|可)?选择?[:为]?(?:选项)?)$"
)


@dataclass(frozen=True)
class Letters:
    """Letters listed side by side (A、C or ABD) in a half-width text, `words` by their [start, end).

    `order_counts` says that the text speaks of an order (分别, 依次); `own_texts` where options' texts stand in it.
    """

    narrow: str
    words: tuple[tuple[int, int], ...]
    order_counts: bool
    own_texts: OwnTexts
    may_go_on: bool = False
    """Whether the last of them may belong to the name behind: 故选D，A，B，C三相."""

    def name_options(self, options: int) -> bool | None:
        """Return whether they name some of so many options; None if nobody can say."""
        inside = [place_of(letter) < options for letter in self._text]
        mixed = not (self._text.isupper() or self._text.islower())
        fit = all(inside) and not mixed and len(set(self._text)) == len(self._text)
        beyond = any(place_of(letter) >= max(options, _MOST_OPTIONS) for letter in self._text)
        if self._are_a_word and beyond:
            return False  # TA, GIS, kV
        own_text = self._own_text
        if own_text is OwnText.OF_ANOTHER:
            return None
        if self.are_called_options or own_text is OwnText.ITS_OWN:
            if not any(inside) and self._text.islower():
                return False  # 0.7 m。
            return True if fit and not self._are_doubtful else None
        if not any(inside) or self._are_called_otherwise:
            return False
        if self._are_known_words and not _ALONE.match(self._raw_behind):
            return False
        return False if self._are_a_word and not fit else None

    def parted(self) -> list["Letters"]:
        """Return these letters, or apart those that only a comma or a blank joins to a name: 故选B，A相接地."""
        if not (self._are_called_otherwise or self._are_known_words):
            return [self]
        weak = [at for at in range(1, len(self.words)) if self._is_weakly_joined(at)]
        if not weak:
            return [self]
        left = replace(self, words=self.words[: weak[-1]], may_go_on=len(weak) > 1)
        return [left, replace(self, words=self.words[weak[-1] :])]

    def _is_weakly_joined(self, place: int) -> bool:
        """Whether only a comma or a blank stands before the word at `place`."""
        return (
            _WEAKLY_JOINED.fullmatch(self.narrow, self.words[place - 1][1], self.words[place][0]) is not None
        )

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
        return self._are_everything or bool(judged and not judged[0].endswith(("(", ":")))

    @property
    def are_the_answer(self) -> bool:
        """Whether the text says that these are the answer: 故选A、C, 正确答案为B; not 排除A, 误选A."""
        return self._are_chosen and _ANSWERS_BEFORE.search(self._before) is not None

    @property
    def are_called_options(self) -> bool:
        """Whether words beside them say that they name options."""
        if self._text.islower() and _ITEM_OF_A_RULE.match(self._raw_behind) and not self._are_in_brackets:
            return bool(_OPTION_BEFORE.search(self._before)) or (
                self._are_judged and self._raw_behind[0] == "项"
            )
        return (
            self._are_everything
            or self._are_chosen
            or self._are_judged
            or bool(_OPTION_BEFORE.search(self._before) or _OPTION_BEHIND.match(self._behind))
            or bool(_EXCEPT.search(self._before) and _EXCEPTED.match(self._behind))
            or (self.own_texts.known and self._are_classified)
        )

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
        return any(self.narrow[start:end] in _KNOWN_WORDS for start, end in self.words)

    @property
    def _own_text(self) -> OwnText:
        """What stands behind a single capital letter: its option's text, or that of another option."""
        if len(self._text) > 1:
            return OwnText.NONE
        chosen = _CHOSEN_BEFORE.search(self._before) or _OPTION_BEFORE.search(self._before)
        return self.own_texts.behind(
            self.words[0][0], begins=self._begins_a_clause, chosen=chosen is not None
        )

    @property
    def _are_classified(self) -> bool:
        """A属于…, 属于…的是A."""
        before = _BELONGING_BEFORE.search(self._before) and _ENDS.match(self._behind)
        return bool(before or (_BELONGS.match(self._behind) and self._begins_a_clause))

    @property
    def _begins_a_clause(self) -> bool:
        return bool(_CLAUSE_BEGINS.search(self._before) or _NUMBERED.search(self._raw_before))

    @property
    def _are_in_brackets(self) -> bool:
        return self._raw_before.endswith("(") and self._raw_behind.startswith(")")

    @property
    def _are_doubtful(self) -> bool:
        """Whether other words beside them speak against options."""
        return bool(
            self.may_go_on
            or self._are_called_otherwise
            or self._are_known_words
            or _DOUBTFUL_BEFORE.search(self._raw_before)
            or _CHOSEN_OF_ITS_OWN.search(self._before)
        )

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
        return bool(_JUDGED.match(self._behind) and self._begins_a_clause)

    @property
    def _are_called_otherwise(self) -> bool:
        if _OTHER_BEFORE.search(self._raw_before) or _OTHER_BEHIND.match(self._behind):
            return True
        if _IN_A_WORD_BEFORE.search(self._raw_before) or _IN_A_WORD_BEHIND.match(self._raw_behind):
            return True
        if (
            self._text.islower()
            and self._raw_behind.startswith(")")
            and _CLAUSE_NUMBER.search(self._raw_before)
        ):
            return True
        if self._text not in _UNITS or not _QUANTITY.search(self._raw_before):
            return False
        return self._raw_before[-1].isdigit() or bool(_QUANTITY_ENDS.match(self._raw_behind))


def letters_of(narrow: str, options: int, texts: Sequence[str] = ()) -> Iterator[Letters]:
    """Yield every word of latin letters; those that may list some of so many options with what is beside them.

    `texts` are those of the options, to be recognised behind their letters.
    """
    own_texts, order_counts = OwnTexts(narrow, texts), says_order(narrow)
    for words in _lists(narrow, options):
        yield from Letters(narrow, words, order_counts, own_texts).parted()


def _lists(narrow: str, options: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Words of latin letters by [start, end), those together that may be one list."""
    words: list[tuple[int, int]] = []
    for found in _WORD.finditer(narrow):
        listed = bool(words) and _BETWEEN_LISTED.fullmatch(narrow, words[-1][1], found.start()) is not None
        if words and not (
            listed
            and _may_be_listed(narrow[slice(*words[-1])], options)
            and _may_be_listed(found[0], options)
        ):
            yield tuple(words)
            words = []
        words.append(found.span())
    if words:
        yield tuple(words)


def says_order(narrow: str) -> bool:
    """Return whether a text speaks of an order (分别, 依次), in which letters mean more than a set."""
    return _SAYS_ORDER.search(narrow) is not None


def _may_be_listed(word: str, options: int) -> bool:
    """Whether a word is one capital letter, or letters of options, each once."""
    in_range = all(place_of(letter) < options for letter in word)
    return (in_range and len(set(word)) == len(word)) or (len(word) == 1 and word.isupper())


def place_of(letter: str) -> int:
    """Return the place of a letter in the alphabet, from 0, in either case."""
    return ord(letter.lower()) - ord("a")
