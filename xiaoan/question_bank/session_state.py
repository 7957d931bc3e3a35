"""The JSON form of a session without its paper: written plainly, read back with every value checked.

Every reader here raises ValueError for a value that no session writes, or that does not fit the paper.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from xiaoan.question_bank.drawing.json_values import read_flag, read_list, read_number, read_text, read_whole
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.grading import Grade, Verdict

_Value = TypeVar("_Value")
_PLACE = re.compile("0|[1-9][0-9]{0,8}")
_SHARED = frozenset({"kind", "seed", "questions", "position", "marked", "seconds"})
_GRADE = frozenset({"verdict", "credit", "found", "missing", "extra", "blanks"})


def check_document(document: object, kind: str, paper: Paper, names: Collection[str]) -> None:
    """Check that `document` is the state of a `kind` over `paper`, with the keys `names` beside the shared ones."""
    state = _with_keys(document, {*_SHARED, *names})
    found = state["kind"], state["seed"], state["questions"]
    if found != (kind, paper.seed, len(paper.items)):
        raise ValueError(f"a state of {found} for a {kind} of {len(paper.items)} questions, {paper.seed}")


def answer_document(paper: Paper, place: int, **fields: object) -> dict[str, object]:
    """Return the document of one answer: the question it is to, and `fields`."""
    return {"question": paper.items[place].shown.question.id, **fields}


def read_answers(
    documents: object, paper: Paper, names: Collection[str], read: Callable[[Mapping[str, Any]], _Value]
) -> dict[int, _Value]:
    """Return what `read` makes of each answer's document, by place; each must be to the question there."""
    answers = {}
    for place, document in read_by_place(documents).items():
        answer = _with_keys(document, {"question", *names})
        own = paper.items[place].shown.question.id if place < len(paper.items) else None
        if answer["question"] != own:
            raise ValueError(f"place {place} of the paper holds {own}, not {answer['question']!r}")
        answers[place] = read(answer)
    return answers


def grade_document(graded: Grade) -> dict[str, object]:
    """Return `graded` as JSON knows it."""
    return {
        "verdict": graded.verdict.value,
        "credit": graded.credit,
        "found": list(graded.found),
        "missing": list(graded.missing),
        "extra": list(graded.extra),
        "blanks": list(graded.blanks),
    }


def read_grade(document: object) -> Grade:
    """Return the grade that `grade_document` wrote."""
    graded = _with_keys(document, _GRADE)
    verdict, credit = Verdict(read_text(graded["verdict"])), read_number(graded["credit"])
    if verdict is Verdict.UNREADABLE or not 0 <= credit <= 1:
        raise ValueError(f"a grade that no answer has: {document!r}")
    return Grade(
        verdict,
        credit,
        tuple(read_text(one) for one in read_list(graded["found"])),
        tuple(read_text(one) for one in read_list(graded["missing"])),
        tuple(read_text(one) for one in read_list(graded["extra"])),
        tuple(read_flag(one) for one in read_list(graded["blanks"])),
    )


def read_by_place(document: object) -> dict[int, Any]:
    """Return a mapping whose keys are places."""
    if not isinstance(document, Mapping):
        raise ValueError(f"a mapping of places was expected, not {document!r}")
    if strange := [key for key in document if not (isinstance(key, str) and _PLACE.fullmatch(key))]:
        raise ValueError(f"{strange!r} are no places")
    return {int(key): value for key, value in document.items()}


def read_places(document: object) -> frozenset[int]:
    """Return a list of places, none twice, as a set."""
    found = frozenset(read_whole(value) for value in read_list(document))
    if len(found) != len(read_list(document)):
        raise ValueError(f"a place stands twice in {document!r}")
    return found


def _with_keys(document: object, keys: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(document, Mapping) or set(document) != set(keys):
        found = list(document) if isinstance(document, Mapping) else document
        raise ValueError(f"the keys {sorted(keys)} were expected, not {found!r}")
    return document
