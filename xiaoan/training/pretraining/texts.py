"""The field texts that the demonstration base is pre-trained on, and the tasks made from them.

A record is one fact told in several ways: true statements, false ones, and questions in other words than the bank's.
File: JSON Lines with the keys of `FieldText`.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import BLANK, normalize_answers, normalize_stem, normalize_text
from xiaoan.question_bank.question import RIGHT, WRONG
from xiaoan.training.data.pairs import Pair

CONTINUE_INSTRUCTION = "续写:"


@dataclass(frozen=True)
class FieldText:
    """One fact: `answer` is what `questions` ask for; every text in it stands verbatim in a statement."""

    statements: tuple[str, ...]
    false_statements: tuple[str, ...]
    questions: tuple[str, ...]
    answer: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Every sentence of the record."""
        return (*self.statements, *self.false_statements, *self.questions, *self.answer)


def read_field_texts(path: Path) -> list[FieldText]:
    """Return the records of a JSON Lines file.

    Raises:
        UsageError: the file is missing, or a line is not a record; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"读不到语料文件 {path}：{error.strerror}。请检查路径。") from error
    names = [field.name for field in fields(FieldText)]
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            raw = json.loads(line)
            records.append(FieldText(**{name: tuple(raw[name]) for name in names}))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"语料 {path} 第 {number} 行不是一条记录（应为含 {'、'.join(names)} 的 JSON）：{error}"
            ) from error
    return records


def pretraining_pairs(records: Sequence[FieldText], random_source: random.Random) -> list[Pair]:
    """Return one pass over the texts: cloze, continuation, judging and questions; spans are drawn afresh."""
    pairs = []
    for record in records:
        answers = [normalize_text(text) for text in record.answer]
        for statement in record.statements:
            sentence = normalize_stem(statement)
            pairs.append(Pair(sentence, RIGHT))
            tell = _continuation if random_source.random() < 0.5 else _span_cloze
            pairs.append(tell(sentence, random_source))
            pairs.extend(_answer_cloze(sentence, answers, random_source))
        pairs.extend(Pair(normalize_stem(statement), WRONG) for statement in record.false_statements)
        # Once for every answer text: a set of three is harder to learn than a single one.
        asked = [Pair(normalize_stem(question), normalize_answers(answers)) for question in record.questions]
        pairs.extend(asked * len(answers))
    return pairs


def _continuation(sentence: str, random_source: random.Random) -> Pair:
    cut = random_source.randint(len(sentence) // 4, max(len(sentence) * 3 // 5, 1))
    return Pair(CONTINUE_INSTRUCTION + sentence[:cut], sentence[cut:])


def _span_cloze(sentence: str, random_source: random.Random) -> Pair:
    length = random_source.randint(2, 8)
    start = random_source.randint(0, max(len(sentence) - length, 0))
    return Pair(sentence[:start] + BLANK + sentence[start + length :], sentence[start : start + length])


def _answer_cloze(sentence: str, answers: Sequence[str], random_source: random.Random) -> list[Pair]:
    """The exam's own form: the statement with one of its answer texts blanked out."""
    present = [answer for answer in answers if answer in sentence]
    if not present:
        return []
    chosen = random_source.choice(present)
    return [Pair(sentence.replace(chosen, BLANK, 1), chosen)]
