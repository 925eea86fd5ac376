"""Read prompts through a memory and see whether the answers come out of it.

Each condition reads the same prompts: `memory` as the model is meant to work; `memory off`, the
base model with nothing but its window; `other memory`, the memory of another prompt's text in
place of its own, which shows what can be guessed. Both controls are to be at chance.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infini_cli.evaluation.groups import Group
from infini_cli.evaluation.haystack import Prompt
from infini_cli.evaluation.kept_readings import KeptReadings
from infini_cli.evaluation.ledger import Ledger, result_key
from infini_cli.evaluation.reads import Reads
from infini_cli.evaluation.windows import MAX_REPEATED, Window, cut_windows
from infini_cli.progress import Progress, ReadingClock
from infini_cli.tasks.model import Model
from infini_cli.tokens.sentence_ends import SentenceEnds

if TYPE_CHECKING:
    from infini_models.memory import Memory

CONDITIONS = ("memory", "memory off", "other memory")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one condition gave on one group.

    Attributes:
        condition: one of `CONDITIONS`.
        task: of the group.
        length: tokens of the prompts.
        depth: where the fact stood, 0 to 1; None: anywhere.
        num_samples: prompts.
        token_accuracy: share of the answers' tokens that are right, each guessed after the
            greedily written ones before it, 0 to 1.
        exact: share of answers that are right as a whole, 0 to 1.
        seconds: wall time.
    """

    condition: str
    task: str
    length: int
    depth: float | None
    num_samples: int
    token_accuracy: float
    exact: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def evaluate_retrieval(
    model: Model,
    groups: Iterable[Group],
    progress: Progress,
    *,
    controls: bool,
    ledger: Ledger[Cell] | None = None,
    kept: KeptReadings | None = None,
) -> Iterator[Cell]:
    """Measure group after group.

    Args:
        model: who reads.
        groups: what to read.
        progress: told of segments.
        controls: whether the controls are measured too.
        ledger: knows groups that were measured before, and keeps the others; None: none.
        kept: knows prompts that were read, whole or in part, before a run was stopped; None: none.
    """
    kept = kept or KeptReadings(None, model)
    reads, ends = Reads(model), SentenceEnds(model.tokenizer)
    ledger = ledger or Ledger(None, Cell)
    for group in groups:
        conditions = _conditions(group, controls)
        about = (group.task, group.length, group.depth, group.sha256, MAX_REPEATED)
        keys = [result_key(model, *about, name) for name in conditions]
        known = [cell for key in keys if (cell := ledger.find(key)) is not None]
        if len(known) < len(keys):
            known = list(_measure(model, group, reads, ends, kept, progress, conditions))
            for key, cell in zip(keys, known, strict=True):
                ledger.keep(key, cell)
            kept.forget()
        yield from known


def _conditions(group: Group, controls: bool) -> Sequence[str]:
    """Name the conditions of a group; without another prompt there is no other memory."""
    if not controls:
        return CONDITIONS[:1]
    return CONDITIONS if len(group.prompts) > 1 else CONDITIONS[:2]


def _measure(
    model: Model,
    group: Group,
    reads: Reads,
    ends: SentenceEnds,
    kept: KeptReadings,
    progress: Progress,
    conditions: Sequence[str],
) -> Iterator[Cell]:
    start = time.monotonic()
    prompts = group.prompts
    tails, memories = [], []
    for number, prompt in enumerate(prompts, start=1):
        *before, last = cut_windows(
            prompt.context, ends, model.segment_length, len(prompt.question)
        )
        tails.append(last)
        name = f"{number} of {len(prompts)}"
        memories.append(_read(before, prompt.num_tokens, reads, kept, progress, name))
    given: dict[str, Sequence[Memory | None]] = {
        "memory": memories,
        "memory off": [None] * len(prompts),
        "other memory": [*memories[1:], memories[0]],
    }
    for condition in conditions:
        right = [
            _answer(model, tail, prompt, memory)
            for tail, prompt, memory in zip(tails, prompts, given[condition], strict=True)
        ]
        tokens = [token for answer in right for token in answer]
        yield Cell(
            condition=condition,
            task=group.task,
            length=group.length,
            depth=group.depth,
            num_samples=len(prompts),
            token_accuracy=sum(tokens) / len(tokens),
            exact=sum(map(all, right)) / len(right),
            seconds=round(time.monotonic() - start, 1),
        )
        start = time.monotonic()


def _read(
    windows: Sequence[Window],
    num_tokens: int,
    reads: Reads,
    kept: KeptReadings,
    progress: Progress,
    name: str,
) -> Memory:
    """Give the memory of the windows before the last, which the question is asked in."""
    reading = kept.open(windows, reads.empty)
    num_new = [window.num_new for window in windows]
    tokens = sum(num_new[: reading.num_read])
    clock = ReadingClock(
        f"prompt of {num_tokens:,} tokens", len(windows), sum(num_new), done_tokens=tokens
    )
    for window in windows[reading.num_read :]:
        reading.advance(reads.read(window, reading.memory))
        tokens += window.num_new
        progress(clock.at(reading.num_read, tokens, name))
    return reading.memory


def _answer(model: Model, tail: Window, prompt: Prompt, memory: Memory | None) -> list[bool]:
    """Tell of each token of the answer whether it was written.

    Args:
        model: who answers.
        tail: the last of the context, which the question is asked in.
        prompt: what is asked.
        memory: of the windows before; None: it is off.
    """
    from infini_models.generate import Branch, read_beginning, write_branches
    from infini_models.sampling import Sampling

    cache = read_beginning(
        model.decoder, tail.ids, memory, num_prefix=tail.num_repeated, write=True
    )
    branch = Branch(prompt.question, len(prompt.answer), cache, memory)
    (written,) = write_branches(model.decoder, [branch], Sampling(), ())
    return [a == b for a, b in zip(written.ids, prompt.answer, strict=True)]
