"""The words in front of a question that name the rule book: 依据变电安规，… asks what … asks, unless it is another book.

Books that answer the same question differently (another 专业, another standard's number, a law) stay different.
"""

import re
from dataclasses import dataclass, replace

_BY = "(?:依据|根据|按照|依照|遵照|参照|按|据|在|依(?![次旧然托靠]))"
_LEAD_IN = re.compile(
    rf"(?P<by>{_BY})?(?P<name>[^,:。;?!_]{{2,70}}?)(?P<said>(?:中|里)?的?(?:有关|相关)?(?:规定|要求|条款|内容))?[,:]+(?=.{{4}})"
)
_BOOK = re.compile(
    r"规程|安规|规定|标准|导则|规范|条例|办法|制度|细则|反措|要求|国标|行标|法》|[A-Z]{1,3}(?: ?/ ?[A-Z]{1,4})? ?\d{3}"
)
_ASKED_BY_NOBODY = re.compile("有关|相关|要求|的")
_NAMED_OPENLY = re.compile(r"(?:《[^》]{1,60}》|.{0,12}(?:安规|安全工作规程))(?:\([^()]{1,20}\))?$")
_NUMBER = re.compile(
    r"(?<![A-Za-z])(?P<series>[A-Z]{1,3}(?: ?/ ?[A-Z]{1,4})?) ?(?P<number>\d{3,6}(?:\.\d+)?)(?P<year>-\d+)?"
)
_OWN_NUMBER = re.compile(r"Q ?/ ?GDW ?(?:1799|10799)(?:\.(\d))?(-\d+)?")
_YEAR = re.compile(r"-(\d{2,})|(?<!\d)\d{4}年?版")
_CLAUSE = re.compile(r"第?\d+(?:\.\d+)*[条款章节]?|附录 ?[A-Z]")
_PART_OF_BOOK = {"1": "变电", "2": "线路", "8": "配电"}
_PROFESSION = re.compile(
    "变电|线路|配电|输电|营销|调度|信息|通信|监控|水电|建设|基建|光伏|风电|储能|动力|热力|调相机|制造"
)
_ONE_NAME = {"输电": "线路", "基建": "建设"}
_RIVALS = {
    "南方电网": "南网",
    "南网": "南网",
    "发电厂和变电站": "GB26860",
    "电业安全": "电业",
    "国标": "国标",
    "国家标准": "国标",
}
_SAYS_NOTHING = re.compile(
    r"有关|相关|国家电网公司|国家电网|国网公司|国网|国家|行业|公司|企业|电网|电力|电气|现行|最新|本|上级|专业"
    r"|安规|安全|工作|规程|规定|规范|规则|制度|标准|要求|内容|文件|部分|试行|修订|中|里|的|和|与|及"
    r"|[《》()\[\]\"'、.\s-]"
)
_SAFETY_BOOK = re.compile("安规|安全工作规程|安全规程")
_TITLE = re.compile("《[^》]*》")


@dataclass(frozen=True, slots=True)
class LeadIn:
    """What a lead-in says.

    `book` is empty for the safety rules in general, `year` where no edition is named, `clause` where none is.
    """

    professions: frozenset[str] = frozenset()
    book: str = ""
    year: str = ""
    clause: str = ""


def split_lead_in(stem: str) -> tuple[LeadIn | None, str]:
    """Return the lead-in of a normalised stem, or None, and the stem without it."""
    found = _LEAD_IN.match(stem)
    if not found:
        return None, stem
    name, said = found["name"], found["said"] or ""
    if not _BOOK.search(name + said):
        return None, stem
    if found["by"] in (None, "在") and not (said and _NAMED_OPENLY.match(name)):
        return None, stem
    read = _read(name)
    if not _BOOK.search((name + said).replace("要求", "")) and _ASKED_BY_NOBODY.sub("", name):
        read = replace(read, book=name)  # 按上级要求, 按工作要求 name no book, but a condition
    return read, stem[found.end() :]


def professions_named(text: str) -> frozenset[str]:
    """Return the 专业 named in `text`, each by one name."""
    return frozenset(_ONE_NAME.get(name, name) for name in _PROFESSION.findall(text))


def lead_ins_agree(asked: LeadIn | None, banked: LeadIn | None, profession: str, *, for_all: bool) -> bool:
    """Whether both speak of one book; where the bank's stem names none, its `profession` says which.

    `for_all` says that the bank question is meant for every 专业.
    """
    if asked and banked and (asked.clause != banked.clause or len({asked.year, banked.year} - {""}) > 1):
        return False
    asked, banked = asked or LeadIn(), banked or LeadIn()
    if asked.book != banked.book:
        return False
    if not asked.professions:
        return True
    if banked.professions:
        return asked.professions == banked.professions
    return for_all or asked.professions == professions_named(profession)


def _read(name: str) -> LeadIn:
    professions = professions_named(name)
    own = _OWN_NUMBER.search(name)
    if own and own[1] in _PART_OF_BOOK:
        professions |= {_PART_OF_BOOK[own[1]]}
    name = _OWN_NUMBER.sub(lambda found: found[2] or "", name)
    numbers = {f"{found['series']}{found['number']}".replace(" ", "") for found in _NUMBER.finditer(name)}
    years = {found[0].strip("-年版") for found in _YEAR.finditer(name)}
    rivals = {rival for word, rival in _RIVALS.items() if word in name}
    rest = _YEAR.sub("", _NUMBER.sub(lambda found: found["year"] or "", name))
    rest = _TITLE.sub("", rest) if numbers or rivals else rest
    for word in sorted(_RIVALS, key=len, reverse=True):
        rest = rest.replace(word, "")
    clause = "".join(_CLAUSE.findall(rest))
    rest = _SAYS_NOTHING.sub("", _PROFESSION.sub("", _CLAUSE.sub("", rest)).replace("站", ""))
    said = rest or ("《" in name and not _SAFETY_BOOK.search(name))
    own_name = {re.sub(r"[《》()\s]", "", name)} if said and not numbers else set()
    return LeadIn(
        professions,
        "+".join([*sorted(numbers or rivals), *sorted(own_name), *([rest] if numbers and rest else [])]),
        "+".join(sorted(years)),
        clause,
    )
