"""Looking the question up in the bank without any model: by its very words, or by the most similar ones.

This is what a search in the workbook does. It takes no care: the nearest stem is taken for the question however far it
is, which the bot's own bank check never does.
"""

from collections.abc import Iterable, Mapping, Sequence

from xiaoan.evaluation.baselines.paper_question import PaperQuestion
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.normalization import normalize_text, text_key
from xiaoan.question_bank.question import Question, QuestionType, judge_word


def exact_lookup(paper: Iterable[PaperQuestion], bank: Sequence[Question]) -> list[Sitting]:
    """Return the sittings of who answers only what stands in the bank with the same stem, in the one spelling.

    Of several such questions the first whose answers are all among the options shown; without one there is no answer.
    """
    by_stem = _by_stem(bank)
    return [_exact(question, by_stem.get(question.stem, ())) for question in paper]


def nearest_lookup(paper: Iterable[PaperQuestion], bank: Sequence[Question]) -> list[Sitting]:
    """Return the sittings of who answers as the bank's most similar question is answered.

    Similar by rapidfuzz's ratio of the stems, of equally similar ones the first in the bank; 判断题 are sought among
    判断题 only, others among the others. Each answer becomes the option shown that is most similar to it.
    """
    judgements = _by_stem(q for q in bank if q.question_type is QuestionType.JUDGE)
    others = _by_stem(q for q in bank if q.question_type is not QuestionType.JUDGE)
    found: dict[tuple[bool, str], Question | None] = {}  # asked in every rotation, it is sought once
    sittings = []
    for question in paper:
        key = question.judges, question.stem
        if key not in found:
            found[key] = _nearest(question.stem, judgements if question.judges else others)
        sittings.append(_as_nearest(question, found[key]))
    return sittings


def _by_stem(bank: Iterable[Question]) -> dict[str, list[Question]]:
    stems: dict[str, list[Question]] = {}
    for question in bank:
        stems.setdefault(question.normal_stem, []).append(question)
    return stems


def _exact(question: PaperQuestion, found: Sequence[Question]) -> Sitting:
    for known in found:
        if not question.options:
            return question.saying(known.answer)
        places = {_key(text): place for place, text in enumerate(question.options)}
        if all(_key(text) in places for text in known.answer):
            return question.choosing(places[_key(text)] for text in known.answer)
    return question.silent()


def _key(text: str) -> str:
    return judge_word(text) or text_key(text)


def _nearest(stem: str, by_stem: Mapping[str, Sequence[Question]]) -> Question | None:
    from rapidfuzz import fuzz, process

    if stem in by_stem:
        return by_stem[stem][0]
    nearest = process.extractOne(stem, list(by_stem), scorer=fuzz.ratio)
    return by_stem[nearest[0]][0] if nearest else None


def _as_nearest(question: PaperQuestion, known: Question | None) -> Sitting:
    from rapidfuzz import fuzz, process

    if known is None:
        return question.silent()
    if question.judges:
        return question.judging(known.answer[0])
    if not question.options:
        return question.saying(known.answer)
    nearest = (
        process.extractOne(normalize_text(text), question.options, scorer=fuzz.ratio) for text in known.answer
    )
    return question.choosing(found[2] for found in nearest if found)
