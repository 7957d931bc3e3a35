"""Words that a stem may gain, lose or swap and still ask the same: what hurried typing gets wrong without harm.

`reduce_key` maps all spellings of one wording to one key, so equality stays equality. A word is here only if no
appearance of it decides an answer: never a negation, a number, a unit, a role, an order, a side, 或 for 和, 可 for 应.
"""

import hashlib
import re
from collections.abc import Sequence

_AFTER_MODAL = r"(?:(?<=(?<![感相供反对适响])应)|(?<=(?<![许认])可)|(?<=[须得禁])|(?<=应当)|(?<=应该)|(?<=(?<![许认])可以))"
_ADVERBS = "正确|及时|可靠|牢固|有效|准确|严格|认真|迅速|缓慢|逐渐|妥善|有序|仔细|单独|随意|擅自"
_NEXT_STEP = "[应须可由经向派做作逐有挂]|保持|检测|检查|及时|立即|采取|注明|记录|签|履行|报告|汇报|通知|悬挂|加锁|确认|核对|停止|征得"
_MAY_DENY = "[不非未没无勿别是否定必会能]"
_ENDS_OF_ROLES = "可发责护作行令"
_NO_OBJECT = "[手握守持门柄数]|关(?![闭断上合掉好])"
"""Behind 把 where it takes no object: 把手, 把关."""

_RULES: Sequence[tuple[str, str]] = (
    # Words left as they are; they stand first so that no rule below sees a part of them.
    (r"(?<![所具拥持带特原现设装含享])有的", "有的"),  # some of them: 有的设备 is not 有设备
    (r"不了", "不了"),  # a negation: 用不了
    (r"了解", "了解"),
    (r"不必须", "不必须"),
    # 的, 了, 进行 and 也 add nothing; 地, and 得 typed for it, only behind an adverb (never 接地, 不得).
    (r"的?时候|之时", "时"),
    (r"的", ""),
    (r"了", ""),
    (r"(?<![推引跟])(?<![向往]前)进行(?![驶程业列李])", ""),
    (r"也(?!许)", ""),
    (rf"(?<={_ADVERBS})(?:地(?![带点区面线址方位下上电网])|得(?![到出以分]))", ""),
    # Modals only in their own longer spelling: 应 stays another word than 须, 可, 宜.
    (r"应当(?![日天年月场面值班地众即]|作(?![到好出]))|应该", "应"),  # 应当场 is 应 and 当场
    (r"(?<![许认])可以", "可"),  # 许可以后 is 许可 and 以后
    (r"必须|必需(?!品)", "须"),
    (r"需要", "需"),
    (r"能够", "能"),
    # 该, a demonstrative before a thing's name, or asking 该由谁; never 不该, never as a modal (该停电).
    (
        r"(?<![不本活理就只合])该(?=设备|线路|票|类|张|项|处(?![理置分])|区域|装置|系统|人员|单位|断路器|开关|间隔|回路|电缆|变压器|母线"
        r"|杆塔|变电站|措施|作业[点面区现]|工作[票地面点]|操作票|由谁)",
        "",
    ),
    # And is one word in four spellings, or is another.
    (r"以及(?!时(?![间候段]))|[及与]", "和"),
    (r"或者", "或"),
    (rf"(?<![合一归兼吞相不未])并且?(?={_NEXT_STEP})", ""),
    (r"并且", "并"),
    # Time and place keep the character that says which side.
    (r"[之以]后", "后"),
    (r"[之以]前", "前"),
    (r"[之以]内", "内"),
    (r"[之以]外", "外"),
    (r"之间", "间"),
    (r"之中", "中"),
    # Particles.
    (r"(?<![相绝针面])对于", "对"),  # 相对于 is not 相对
    (r"如果|假如|假若|倘若|若(?!干)", "如"),
    (r"已经", "已"),
    (r"因为", "因"),
    (r"但是", "但"),
    (r"仍然", "仍"),
    (r"各个", "各"),
    (r"其它", "其他"),
    # 都 goes before a modal, but never behind a word that may deny it (不都应, 未必都能, 是否都有).
    (rf"(?<![平成首])(?<!{_MAY_DENY})(?:都|均|皆)(?=[应须要需能可必宜得禁严允有]|不得|不应|不准|不许)", ""),
    (r"(?<!平)(?:均|皆)(?![匀衡压流方值分])", "都"),
    # 其 only where it is whose, or what was named; 无须其许可 is not 无须许可, and 其他, 其中 are other words.
    (
        r"(?<![尤极莫不未无非没勿须需经得由让令使向给请叫任听将把])其(?!中(?!性)|[他它余次一二三实间后前内外上下里])",
        "",
    ),
    # Is in two words; not where either belongs to another word (还是, 是否, 行为, 人为).
    (rf"(?<![不但凡于还可只要若总或正老实认行成称视以因])(?<!(?<![{_ENDS_OF_ROLES}])人)是(?![否非])", "为"),
    (r"做", "作"),
    (r"帐", "账"),
    (r"(?<![原否准细法总通守附])(?<!(?<!安)规)则", ""),
    (
        r"(?<![场务究站室会派闭])(?<![变配发]电)所(?=使用|采取|采用|规定|要求|用(?![变电交直屏])|[做作列述持]|填写)",
        "",
    ),
    (r"(?<=[沿随带戴穿拿提背朝顺])着(?![火装色地陆力落重手眼急])", ""),
    # 将 as 把, and 把 itself: behind a modal or a step it cannot be the future tense (将停电的设备 is still live).
    (rf"(?:{_AFTER_MODAL}|(?<=[先再]))(?:将(?![来要近])|把(?!{_NO_OBJECT}))", ""),
    (rf"(?<=[并且])(?:将(?![来要近停送带投退拆])|把(?!{_NO_OBJECT}))", ""),
    (rf"(?<![一二两三四五六七八九十几每各这那整某半数多火车拖门倒即0-9_])把(?!{_NO_OBJECT}|$)", "将"),
    # 在 never behind a negation (不在带电设备上 is not 不带电设备上) nor as a part of 存在, 在场, 在岗 …; 已在检修 is not
    # 已检修, 验电在前 is not 验电前, 工作负责人在外 not 工作负责人外.
    (r"(?<![不未没非无勿别已存现所正实潜内])在(?!于|场|岗|此|建|用|线(?!路)|职|册|运设|[前后先内外])", ""),
    (rf"{_AFTER_MODAL}于", ""),
    (r"^当(?![值班地日天前时场事心面量年月中作选即次晚夜局众代])", ""),
)
_STARTS = "是做帐把都该有不了的时候之进也地得应可必需能以及与或并对如假倘若已因但仍各其均皆则所着将在于当"
"""The characters that the rules' finds begin with: asked for first, they make reducing seven times as quick."""

_RULE = re.compile(f"(?=[{_STARTS}])(?:" + "|".join(f"({pattern})" for pattern, _ in _RULES) + ")")
_BECOMES = tuple(written for _, written in _RULES)

CHANGEABLE = frozenset(
    "的时候之了进行也地得应当该可以必须需要能够及与和或者并且于对于如果假若倘已经因为但是仍然各个其它他均皆都则所着将在把作做账帐"
)
"""Every character that `reduce_key` may take away or put in."""

RULES_FINGERPRINT = hashlib.blake2b(repr(_RULES).encode(), digest_size=8).digest()
"""Eight bytes that change with the rules: keys made under other rules are of no use."""


def reduce_key(key: str) -> str:
    """Return the one spelling of a `match_key` or `text_key` in neutral words; figures never run together."""
    return _RULE.sub(_reduced, key)


def _reduced(found: re.Match[str]) -> str:
    written = _BECOMES[(found.lastindex or 1) - 1]
    if written:
        return written
    text = found.string
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    # 10的3次方 is not 103次方.
    return "," if _is_figure_or_letter(before) and _is_figure_or_letter(after) else ""


def _is_figure_or_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()
