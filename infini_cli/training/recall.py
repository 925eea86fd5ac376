"""Questions about what earlier texts told: what is carried on has to be kept.

A text of a few thousand tokens can only teach a memory to keep things that long. Where the memory
of earlier texts is carried on, what they told can be asked at the end of a later one: no gradient
reaches the writing of it any more, but what this text writes answers for not wearing it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infini_cli.evaluation import passkey
from infini_cli.evaluation.haystack import Prompt
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.prompts import asked


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
    known = [
        _known(row, [step[index] for step in earlier if step]) for index, row in enumerate(rows)
    ]
    # Of each row as many, and where one asks for a nameless key all do: rows have one length.
    nameless = all(passkey.UNNAMED in facts for facts in known)
    if not nameless:
        known = [{n: key for n, key in facts.items() if n != passkey.UNNAMED} for facts in known]
    count = min(num_recalls, *(len(facts) for facts in known))
    found = []
    for row, facts in zip(rows, known, strict=True):
        names = sorted(facts, key=lambda name: name != passkey.UNNAMED) if nameless else facts
        recalls = [passkey.ask(tokenizer, name, facts[name]) for name in list(names)[:count]]
        found.append(replace(row, further=(*row.further, *recalls)))
    return found if len({len(asked(row)) for row in found}) == 1 else list(rows)


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
