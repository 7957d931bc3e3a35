"""What only shows across a whole template: slots that nobody needs, steps with two answers, what tells answers apart."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xiaoan.training.templates.fields import listed, shown
from xiaoan.training.templates.template import Slot, Task
from xiaoan.training.templates.wording import Literal, Mention, Wording


def named_in(wording: Wording) -> frozenset[str]:
    """Return the slots whose own values stand in `wording`; a difference of two tells neither."""
    return frozenset(p.slot for p in wording.pieces if isinstance(p, Mention) and p.slot)


def contents_of(slots: Mapping[str, Slot]) -> dict[str, frozenset[str]]:
    """Return, for every slot, itself and what each of its values contains."""
    known: dict[str, frozenset[str]] = {}

    def told_by(name: str) -> frozenset[str]:
        if name not in known:
            values = [frozenset().union(*map(told_by, named_in(v))) for v in slots[name].values]
            known[name] = frozenset({name}).union(frozenset.intersection(*values) if values else ())
        return known[name]

    return {name: told_by(name) for name in slots}


def with_telling(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks, each knowing which characters tell the answers of its step apart.

    Where a step has several ways of being said that lead to different answers, a character is free only if every
    one of these ways has it.
    """
    ways: dict[str, set[tuple[frozenset[str], str]]] = {}
    for task in tasks:
        for case in task.cases:
            group = ways.setdefault(task.step.source, set())
            group.update((_characters(say, task), case.answer.source) for say in case.says)
    telling: dict[str, frozenset[str]] = {}
    for step, said in ways.items():
        by_answer: dict[str, frozenset[str]] = {}
        for characters, answer in sorted(said, key=lambda one: (one[1], sorted(one[0]))):
            by_answer[answer] = by_answer.get(answer, frozenset()) | characters
        groups = list(by_answer.values())
        telling[step] = frozenset().union(*groups) - frozenset.intersection(*groups)
    return [replace(task, telling=telling[task.step.source]) for task in tasks]


def _characters(say: Wording, task: Task) -> frozenset[str]:
    wordings = [say, *(task.parts if say.is_shuffled else ())]
    literals = [p.text for wording in wordings for p in wording.pieces if isinstance(p, Literal)]
    return frozenset("".join(literals))


def check_use(slots: Mapping[str, Slot], tasks: Sequence[Task], faults: list[str]) -> None:
    """Note slots that no task needs."""
    waiting = [
        name
        for task in tasks
        for wording in (task.step, *task.parts, *(w for c in task.cases for w in (*c.says, c.answer)))
        for name in wording.names
    ]
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += [inner for value in slots[name].values for inner in value.names]
    if unused := [name for name in slots if name not in used]:
        faults.append(f"没有用到的槽位：{listed(unused)}；请删掉，或在 say、step 里用上")


def check_same_words(tasks: Sequence[Task], faults: list[str]) -> None:
    """Note sentences that two tasks of one step answer differently."""
    answers: dict[tuple[str, str], str] = {}
    for task in tasks:
        own = {(task.step.source, say.source): c for c in task.cases for say in c.says}
        for key, case in own.items():
            known = answers.setdefault(key, case.answer.source)
            if known != case.answer.source and len(task.cases) == 1:
                faults.append(
                    f"同一步骤里同一句话「{shown(key[1])}」有两个答案：「{shown(known)}」和「{shown(case.answer.source)}」"
                )
