"""Pairs made from a template: a case of a task, values that lead to it, the words, and the faults in them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from xiaoan.errors import UsageError
from xiaoan.question_bank.slips import is_neutral
from xiaoan.training.data.pairs import EpochPairs, Pair
from xiaoan.training.templates.conditions import Value
from xiaoan.training.templates.masks import DIGITS, Faults, Spoken, garbled
from xiaoan.training.templates.numerals import arabic, chinese
from xiaoan.training.templates.template import Case, Slot, Task, Template
from xiaoan.training.templates.template_file import SPEECH
from xiaoan.training.templates.wording import ARABIC, CHINESE, Literal, Mention, Wording

MOST_PAIRS: Final = 200_000
KEPT_BESIDE: Final = 4
"""Characters up to the next comma that stay beside a value: 应到 and 实到 tell two numbers apart."""

_TRIES: Final = 30


def made_pairs(template: Template, count: int, random_source: random.Random) -> list[Pair]:
    """Return `count` pairs, the tasks and the cases of each task in equal shares, in random order.

    The same template, count and state of `random_source` give the same pairs, byte for byte. A content comes twice only
    where chance finds no new one.

    Raises:
        UsageError: `count` is not from 1 to `MOST_PAIRS`, or one content would have two answers.
    """
    if not 1 <= count <= MOST_PAIRS:
        raise UsageError(f"要从模板做 {count} 条数据，应为 1 到 {MOST_PAIRS:,} 条。")
    known: dict[str, str] = {}
    pairs: list[Pair] = []
    for place in range(count):
        round_number, task_number = divmod(place, len(template.tasks))
        task = template.tasks[task_number]
        case = task.cases[round_number % len(task.cases)]
        for _ in range(_TRIES):
            pair = _Sentence(template, task, case, random_source).pair()
            if pair.content not in known:
                break
        if known.setdefault(pair.content, pair.summary) != pair.summary:
            raise UsageError(
                f"模板「{template.title}」里同一句话有两个答案，学不会：「{pair.content}」→"
                f"「{known[pair.content]}」和「{pair.summary}」。请让这两种情况说法不同。"
            )
        pairs.append(pair)
    random_source.shuffle(pairs)
    return pairs


def template_source(template: Template, count: int, *, avoid: frozenset[str] = frozenset()) -> EpochPairs:
    """Return what makes `count` pairs for every epoch, with fresh values and fresh faults.

    Pairs whose content is in `avoid` (what is held out) are left out.
    """

    def epoch(random_source: random.Random) -> list[Pair]:
        return [pair for pair in made_pairs(template, count, random_source) if pair.content not in avoid]

    return epoch


@dataclass(frozen=True)
class _Drawn:
    """A slot's value: how it is said (a text, or pieces of other slots), how it is written, its number if it is one."""

    spoken: tuple[Spoken, ...]
    written: str
    number: Decimal | None = None


class _Sentence:
    """One pair in the making: the values drawn so far, each drawn once."""

    def __init__(self, template: Template, task: Task, case: Case, random_source: random.Random) -> None:
        self.slots = template.slots
        self.task = task
        self.case = case
        self.random = random_source
        self.faults = _drawn_faults(template.faults, random_source)
        chosen = case.combinations[random_source.randrange(len(case.combinations))]
        self.fixed: Mapping[str, Value] = dict(zip(task.fixed, chosen, strict=True))
        self.drawn: dict[str, _Drawn] = {}

    def pair(self) -> Pair:
        """Return the pair."""
        say = self.random.choice(self.case.says)
        sentence = self._spoken(say)
        speech = "".join(one.text for one in sentence)
        if self.faults is not None:
            speech = garbled(sentence, self.faults, self.task.telling, self.random)
        before, _, after = self._written(self.task.step, SPEECH)
        return Pair(before + speech + after, "".join(self._written(self.case.answer)))

    def _spoken(self, wording: Wording) -> list[Spoken]:
        """Return the characters of what is said, free where the answer does not depend on them."""
        sentence: list[Spoken] = []
        values: list[tuple[int, int]] = []
        for piece in wording.pieces:
            start = len(sentence)
            if isinstance(piece, Literal):
                sentence += [Spoken(c, self._is_free(c, piece.kept)) for c in piece.text]
            elif isinstance(piece, Mention):
                sentence += self._mentioned(piece)
                if self.task.depends.intersection(piece.sum.names):
                    values.append((start, len(sentence)))
            else:
                sentence += self._parts()
        return _kept_beside(sentence, values, KEPT_BESIDE if len(self.task.depends) > 1 else 1)

    def _parts(self) -> list[Spoken]:
        parts = list(self.task.parts)
        self.random.shuffle(parts)
        sentence: list[Spoken] = []
        for place, part in enumerate(parts):
            sentence += [Spoken(c, free=False) for c in self.task.join] if place else []
            sentence += self._spoken(part)
        return sentence

    def _is_free(self, character: str, kept: bool) -> bool:
        return not kept and is_neutral(character) and character not in self.task.telling

    def _mentioned(self, mention: Mention) -> list[Spoken]:
        if mention.slot is None or mention.digits is not None:
            return [Spoken(c, free=False) for c in _in_digits(self._sum(mention), mention.digits)]
        return list(self._draw(mention.slot).spoken)

    def _sum(self, mention: Mention) -> Decimal:
        numbers = {name: self._draw(name).number or Decimal(0) for name in mention.sum.names}
        total = mention.sum.value(numbers)
        assert isinstance(total, Decimal)
        return total

    def _written(self, wording: Wording, split_at: str | None = None) -> tuple[str, str, str]:
        """Return an answer or a step with the values as they are written, cut at `split_at`.

        Only the author's own `%s` is one; a value that holds the same characters is not.
        """
        texts = ["", "", ""]
        side = 0
        for piece in wording.pieces:
            if isinstance(piece, Literal):
                before, found, after = piece.text.partition(split_at) if split_at else (piece.text, "", "")
                texts[side] += before
                if found:
                    side, texts[1], texts[2] = 2, found, after
            elif isinstance(piece, Mention):
                texts[side] += self._value_written(piece)
        return texts[0], texts[1], texts[2]

    def _value_written(self, mention: Mention) -> str:
        if mention.slot is None or self._draw(mention.slot).number is not None:
            return _in_digits(self._sum(mention), mention.digits)
        return self._draw(mention.slot).written

    def _draw(self, name: str) -> _Drawn:
        if name not in self.drawn:
            slot = self.slots[name]
            self.drawn[name] = self._number(slot) if slot.numbers else self._text(slot)
        return self.drawn[name]

    def _number(self, slot: Slot) -> _Drawn:
        fixed = self.fixed.get(slot.name)
        number = fixed if isinstance(fixed, Decimal) else self.random.choice(slot.numbers)
        digits = slot.digits or self.random.choice((ARABIC, CHINESE))
        if self.faults is not None and DIGITS in self.faults.kinds and self.random.random() < 0.5:
            digits = ARABIC if digits == CHINESE else CHINESE
        spoken = tuple(Spoken(c, free=False) for c in _in_digits(number, digits))
        return _Drawn(spoken, arabic(number), number)

    def _text(self, slot: Slot) -> _Drawn:
        fixed = self.fixed.get(slot.name)
        if slot.pick is None:
            chosen = [value for value in slot.values if fixed is not None and _plain(value) == fixed] or [
                self.random.choice(slot.values)
            ]
        else:
            chosen = self.random.sample(slot.values, self.random.randint(*slot.pick))
        depended = slot.name in self.task.depends
        spoken: list[Spoken] = []
        for place, value in enumerate(chosen):
            spoken += [Spoken(c, free=False) for c in slot.join] if place else []
            spoken += [Spoken(s.text, s.free and not depended) for s in self._spoken(value)]
        in_answer = [value for value in slot.values if value in chosen] if slot.sorted else chosen
        return _Drawn(tuple(spoken), slot.join.join("".join(self._written(value)) for value in in_answer))


def _drawn_faults(faults: Faults | None, random_source: random.Random) -> Faults | None:
    return faults if faults is not None and random_source.random() < faults.share else None


def _plain(wording: Wording) -> str:
    return "".join(piece.text for piece in wording.pieces if isinstance(piece, Literal))


def _in_digits(number: Decimal, digits: str | None) -> str:
    return chinese(number) if digits == CHINESE else arabic(number)


def _kept_beside(sentence: list[Spoken], values: Sequence[tuple[int, int]], most: int) -> list[Spoken]:
    """Return the sentence with up to `most` characters on either side of the values kept, not beyond a comma."""
    kept = list(sentence)
    for start, end in values:
        for places in (range(start - 1, -1, -1), range(end, len(sentence))):
            for distance, place in enumerate(places[:most]):
                if distance and not sentence[place].text.isalnum():
                    break
                kept[place] = Spoken(sentence[place].text, free=False)
    return kept
