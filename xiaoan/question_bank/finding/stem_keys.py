"""A stem's keys for comparing: numbering of every kind, blanks in other signs, a verdict filled in, lead-ins.

What `normalization` leaves in place because ids and prompts depend on it is taken off here, for comparing only.
"""

import re
from dataclasses import dataclass

from xiaoan.question_bank.finding.lead_ins import LeadIn, split_lead_in
from xiaoan.question_bank.finding.leading_numbers import numbers_agree, without_number_before_quantity
from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.normalization import BLANK, match_key, normalize_stem, text_key
from xiaoan.question_bank.question import Question, QuestionType, judge_word

_FIGURE = "[一二三四五六七八九十百]"
# A measure word behind a figure makes it content: 一、二次设备, (一)级动火, 三、四类, ①号主变.
_NO_MEASURE = (
    rf"(?!{_FIGURE}|[次种般侧座名副套端片块段月楼份]|级(?!别)|类(?!似)|号(?!码)|相(?![关邻间互应同])|回(?!路)|定(?![期位值])"
    r"|人(?!员)|个(?!人)|台(?!风)|组(?!织)|条(?!件)|项(?!目)|双(?![方电签])|线(?!路)|根(?!据)|只(?![有能需要可])|路(?!面)"
    r"|年(?!度)|日(?!常)|天(?!气)|层(?!间)|道(?!路)|张(?![力开])|把|批(?!准)|班(?!组))"
)
_MORE_NUMBERING = re.compile(
    rf"\[?第\s*(?:\d{{1,4}}|{_FIGURE}{{1,4}})\s*[题道]\]?[:.、,)]*"
    rf"|{_FIGURE}{{1,3}}[、.。:)]{_NO_MEASURE}"
    rf"|[(\[]{_FIGURE}{{1,3}}[)\]][、.:]*{_NO_MEASURE}"
    r"|[Qq](?:\d{1,4})?[.、:)]\s*(?![\dQq])"
    r"|(?:题目|试题|题干|问题|题|问)\s*(?:\d{1,4}|[(\[]\d{1,4}[)\]])?[:.、]"
    rf"|\[\d{{1,4}}\][.、:]?(?=[\u4e00-\u9fff]){_NO_MEASURE}"
    r"|[*•●■◆▪-]+\s*(?=[\u4e00-\u9fff])"
)
_ANY_NUMBERING = re.compile(
    rf"(?P<figure>{_FIGURE}{{1,3}})[、.。:)](?!(?!(?P=figure))[(\[]?{_FIGURE})|[(\[]{_FIGURE}{{1,3}}[)\]][、.:]*(?![(\[、]?[(\[]?{_FIGURE}[)\]、])"
    r"|\[\d{1,4}\][.、:]*(?![\[号级])|[①-⑳⑴-⒇][.、:]*(?![①-⑳⑴-⒇号级])"
)
_FEWEST = 4
"""So many characters must remain of a stem once its numbering is gone."""

_SIGNED_NUMBER = re.compile(rf"[①-⑳⑴-⒇][.、:]?(?=\S){_NO_MEASURE}")
_SIGNS = re.compile("[①-⑳⑴-⒇]")
_BARE_NUMBER = re.compile(
    r"^\s*\d{1,4}\s+(?=[\u4e00-\u9fff《“\"])"
    r"(?![千万百伏米厘毫公月分秒座度种段回安瓦吨倍岁周季相点时楼层根只片块支套件副双串股档基处家把张份页道小]"
    r"|人(?!员)|个(?!人)|名(?!称)|台(?!风)|年(?!度)|天(?!气)|日(?!常)|级(?!别)|号(?!码)|类(?!似)|项(?!目)|条(?!件)|组(?!织)|次(?!序)|路(?!面))"
)
_OTHER_BLANKS = re.compile(
    r"-{2,}|[□▁﹍﹎＿]+|\?{2,}|\.{3,}|\{\s*\}|<\s*>|[(\[]\s*(?:[-/?*…]+|[×xX]{3,})\s*[)\]]|_"
)
"""A single × in brackets is no blank: it says 错误."""

_MAY_HOLD_MORE = re.compile(
    r"[\s\"“‘']*(?:[根依按遵参据《第Qq题试问*•●■◆▪①-⑳⑴-⒇Ｑｑ-]|[一二三四五六七八九十百]{1,3}\s*[、.．。:：)）]"
    r"|[(（\[［【]\s*(?:第|\d|[一二三四五六七八九十百])|在\s*《|[^,，。]{0,12}安全?工?作?规程?)"
)
_SUBSCRIPT = re.compile("(?<=[A-Za-z])[₀-₉]+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,000)+(?![\d,])")
_VERDICT_AT_END = re.compile(
    r"(?:[(\[{]\s*(?P<bracketed>[^()\[\]{}]{1,4})\s*[)\]}]|_+\s*(?P<lined>[^_]{1,4}?)\s*_+"
    r"|(?P<sign>[√×✓✔☑✗✘✕✖❌])|(?<=。)(?P<word>正确|错误|对|错))[。.\s]*$"
)
_VERDICT_IN_FRONT = re.compile(r"[(\[]\s*(?P<bracketed>[^()\[\]]{1,4})\s*[)\]]\s*")


@dataclass(frozen=True, slots=True)
class StemForm:
    """One way to read a stem: its `match_key`, that key reduced for comparing, and the lead-in taken off."""

    words: str
    key: str
    lead_in: LeadIn | None = None


def plain_stem(stem: str) -> str:
    """Return `normalize_stem` of `stem`, without numbering of the kinds that it leaves in place too."""
    plain = normalize_stem(stem)
    if not _MAY_HOLD_MORE.match(plain):
        return plain
    for _ in range(3):
        found = _MORE_NUMBERING.match(plain) or (
            _SIGNED_NUMBER.match(plain) if len(_SIGNS.findall(plain)) == 1 else None
        )
        if not found or len(plain) - found.end() < _FEWEST or not numbers_agree(plain[found.end() :], ""):
            break
        plain = normalize_stem(plain[found.end() :])
    return plain


def without_number(typed: str) -> str:
    """Return `plain_stem` of a stem as typed, without what can be numbering at all.

    Bolder than `plain_stem`: right for what a person typed, wrong for a bank's stem, where it could make two
    stems one. Of a row of figures (一、二次设备) none goes, and no quantity (2 人).
    """
    plain = plain_stem(without_number_before_quantity(_BARE_NUMBER.sub("", typed, count=1)))
    found = _ANY_NUMBERING.match(plain)
    return plain_stem(plain[found.end() :]) if found and len(plain) - found.end() >= _FEWEST else plain


def stem_forms(plain: str) -> tuple[StemForm, ...]:
    """Return how a `plain_stem` may be read: as it is, and without its lead-in if it has one."""
    whole = _form(match_key(plain))
    lead_in, rest = split_lead_in(plain)
    if lead_in is None:
        return (whole,)
    return whole, _form(text_key(rest), lead_in)  # not match_key: (1)号主变 keeps its number


def forms_of_question(question: Question) -> tuple[StemForm, ...]:
    """Return the forms of a bank question's stem; a 判断题's place for √ in front counts no more than one behind."""
    forms = forms_of_stem(question.stem)
    if question.question_type is QuestionType.JUDGE and forms[0].words.startswith(BLANK):
        return tuple(_form(form.words.removeprefix(BLANK), form.lead_in) for form in forms)
    return forms


def forms_of_stem(stem: str) -> tuple[StemForm, ...]:
    """Return `stem_forms(plain_stem(stem))`; quick for a stem without numbering and lead-in."""
    if _MAY_HOLD_MORE.match(stem):
        return stem_forms(plain_stem(stem))
    return (_form(match_key(stem)),)


def other_blanks(stem: str) -> str:
    """Return `stem` with blanks drawn by other signs (`——`, `□`, `??`, `( / )`) in the usual form."""
    return normalize_stem(_OTHER_BLANKS.sub(BLANK, normalize_stem(stem)))


def split_verdict(stem: str) -> tuple[str, str | None]:
    """Return a normalised statement without the verdict filled in (`…(√)`, `…(错误)`), and that verdict."""
    for pattern in (_VERDICT_AT_END, _VERDICT_IN_FRONT):
        found = pattern.search(stem) if pattern is _VERDICT_AT_END else pattern.match(stem)
        word = next(filter(None, found.groups()), "") if found else ""
        if found and (verdict := judge_word(word)) and word not in ("1", "0"):
            return normalize_stem(stem[: found.start()] + stem[found.end() :]), verdict
    return stem, None


def plain_figures(key: str) -> str:
    """Return a key with SF₆ as SF6 and 1,000V as 1000V (of a list, no item is 000)."""
    if _SUBSCRIPT.search(key):
        key = _SUBSCRIPT.sub(lambda figures: figures[0].translate(_SUBSCRIPTS), key)
    return _THOUSANDS.sub(lambda number: number[0].replace(",", ""), key) if ",000" in key else key


def _form(words: str, lead_in: LeadIn | None = None) -> StemForm:
    """A blank at the end may be left out."""
    words = plain_figures(words)
    return StemForm(words, reduce_key(words.removesuffix(BLANK)).removesuffix(BLANK), lead_in)
