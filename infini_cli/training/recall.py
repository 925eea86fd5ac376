"""Questions about what earlier texts told: what is carried on has to be kept.

A text of a few thousand tokens can only teach a memory to keep things that long. Where the memory
of earlier texts is carried on, what they told can be asked at the end of a later one: no gradient
reaches the writing of it any more, but what this text writes answers for not wearing it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infini_cli.evaluation import passkey
from infini_cli.evaluation.haystack import Asked, Prompt
from infini_cli.tokens.tokenizer import Tokenizer


def with_recalls(
    rows: Sequence[Prompt],
    earlier: Sequence[Sequence[Prompt]],
    tokenizer: Tokenizer,
    num_recalls: int,
) -> list[Prompt]:
    """Ask also for what earlier texts told, the oldest first, as often in each row.

    Args:
        rows: the prompts of a step.
        earlier: those of the steps before whose memory is carried on, the latest first; none of a
            step without pass keys.
        tokenizer: of the base.
        num_recalls: at most, of each row.
    """
    left: list[list[Asked]] = []
    for index, row in enumerate(rows):
        known = _known(row, [step[index] for step in earlier if step])
        left.append([passkey.ask(tokenizer, name, key) for name, key in known.items()])
    # Rows have one length: each question of the first row has one as long in every other.
    found: list[list[Asked]] = [[] for _ in rows]
    for question in list(left[0]):
        if len(found[0]) == num_recalls:
            break
        alike = [next((it for it in row if _length(it) == _length(question)), None) for row in left]
        if None in alike:
            continue
        for index, recall in enumerate(alike):
            assert recall is not None
            left[index].remove(recall)
            found[index].append(recall)
    return [
        replace(row, further=(*row.further, *recalls))
        for row, recalls in zip(rows, found, strict=True)
    ]


def _length(recall: Asked) -> tuple[int, int]:
    question, answer = recall
    return len(question), len(answer)


def _known(row: Prompt, earlier: Sequence[Prompt]) -> dict[str, str]:
    """Give names and keys that the memory still has to hold, the oldest first.

    What is told twice under one name is what was told last.
    """
    facts: dict[str, str] = {}
    for prompt in reversed(earlier):
        for name, key in prompt.facts:
            facts.pop(name, None)
            facts[name] = key
    for name, _ in row.facts:
        facts.pop(name, None)
    return facts
