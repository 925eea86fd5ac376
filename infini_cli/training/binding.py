"""The head start of a new memory, from samples whose answers are known to stand where.

The samples are those of steps after the last, which training never sees. What tells nothing is
learnt from plain text as well: what looks like a pass key, dates for one, is rare, and samples have
too little of it to know it by. What is strewn over that text looks like a fact, and is told apart
from them by gates and by keys.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.atomic import write_atomically
from infini_cli.errors import UsageError
from infini_cli.evaluation.haystack import Mark
from infini_cli.progress import Note, Progress
from infini_cli.training.recipe import Recipe
from infini_cli.training.samples import Batch, Sampler

if TYPE_CHECKING:
    import torch
    from infini_models.binding import Bound
    from infini_models.config import BranchConfig
    from infini_models.decoder import Decoder
    from infini_models.labelled import Labelled
    from torch import Tensor

    _Seen = dict[int, Tensor]

BINDING = "binding.json"
"""What was measured, in the folder of a run."""
KEPT_SHARE = 0.125
"""Of a sample's tokens that neither tell nor ask: are learnt from. Neighbours teach nearly the
same."""


def bind_memory(
    decoder: Decoder, recipe: Recipe, sampler: Sampler, progress: Progress
) -> dict[int, Bound]:
    """Teach a new memory what to write, when to read, and whose key a query meets.

    Args:
        decoder: with memory branches, changed in place.
        recipe: how long, and how fast.
        sampler: of the run.
        progress: told of each layer.

    Returns:
        How well, by layer.

    Raises:
        UsageError: of none of its tasks it is known where answers stand.
    """
    import torch
    from infini_models.adapter import attention_of
    from infini_models.binding import bind
    from infini_models.config import BranchConfig

    config = decoder.memory_config
    assert isinstance(config, BranchConfig)
    generator = torch.Generator().manual_seed(recipe.seed)
    num_batches, num_texts = recipe.binding.num_batches, recipe.binding.num_texts
    texts = f" and {num_texts} of plain text" if num_texts else ""
    progress(Note(f"reading {num_batches} batches{texts} to see what tells what"))
    collected = _Collected(config)
    # Texts first: what is measured are the last tokens, and texts tell nothing.
    for index in range(num_texts + num_batches):
        step, is_text = recipe.num_steps + index, index < num_texts
        batch = sampler.plain(step) if is_text else sampler.draw(step)
        with torch.inference_mode():
            collected.add(decoder, batch, 1.0 if is_text else KEPT_SHARE, generator)
    found: dict[int, Bound] = {}
    for number in config.layers:
        branch, source = attention_of(decoder, number).memory_branch, config.address_of(number)
        assert branch is not None
        try:
            bound = bind(
                branch,
                attention_of(decoder, source),
                *collected.of(number),
                num_steps=recipe.binding.num_steps,
                learning_rate=recipe.binding.learning_rate,
                generator=generator,
            )
        except ValueError as error:
            raise UsageError(
                "no sample tells where its answers stand",
                hint="`[binding]` is for pass keys, and for task 1 of bAbI",
            ) from error
        found[number] = bound
        progress(
            Note(
                f"layer {number}: {100 * bound.right:.0f} % of the queries meet their own keys "
                f"most, by {bound.meets_own:.2f} where others are met by {bound.meets_other:.2f}"
            )
        )
    return found


def write_bound(folder: Path, found: dict[int, Bound]) -> None:
    """Keep what was measured beside the run's log."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {str(layer): asdict(bound) for layer, bound in found.items()}
    write_atomically(folder / BINDING, json.dumps(values, indent=2).encode() + b"\n")


class _Collected:
    """What layers see of the tokens that are learnt from."""

    def __init__(self, config: BranchConfig) -> None:
        self._config = config
        self._sources = set(map(config.address_of, config.layers))
        self._numbers: dict[tuple[str, int], int] = {}
        self._decoys: dict[tuple[str, int], int] = {}
        # By layer what it sees; by the layer that addresses it the means of several tokens.
        self._told: list[tuple[_Seen, _Seen, Tensor]] = []
        self._asked: list[tuple[_Seen, _Seen, Tensor]] = []

    def add(
        self, decoder: Decoder, batch: Batch, kept_share: float, generator: torch.Generator
    ) -> None:
        """Read a batch, each segment alone, as the memory finds it.

        Args:
            decoder: who reads.
            batch: what.
            kept_share: of what neither tells nor asks: is kept.
            generator: draws it.
        """
        import torch
        from infini_models.attention import NUM_SINKS
        from infini_models.convolution import moving_mean
        from infini_models.labelled import DECOY, NOTHING

        num_taps, num_rate_taps = self._config.num_taps, self._config.num_rate_taps
        told_BS, asked_BS = (
            _numbered(marks, batch, self._numbers) for marks in (batch.told, batch.asked)
        )
        decoy_BS = _numbered(batch.decoys, batch, self._decoys)
        # What asks for something that no token here is known to tell may read or not.
        unsure_BS = (batch.weights_BS[:, 1:] > 0) & (asked_BS < 0)
        # An answer looks like what told it, and may be written again or not.
        answer_BS = (batch.weights_BS[:, :-1] > 0) & (told_BS < 0)
        keep_BS = torch.rand(told_BS.shape, generator=generator) < kept_share
        start = 0
        for length in batch.segment_lengths:
            part = slice(start, start + length)
            start += length
            layers = self._config.layers
            inputs = decoder.attention_inputs(batch.ids_BS[:, part], {*layers, *self._sources})
            # The first tokens are never written, and so of no key and no rate.
            late = {n: x_BSD[:, NUM_SINKS:] for n, x_BSD in inputs.items()}
            rated = {n: late[n] for n in layers}
            if num_rate_taps > 1:
                rated = {
                    n: torch.cat((x_BSD, moving_mean(x_BSD, num_rate_taps)), dim=-1)
                    for n, x_BSD in rated.items()
                }
            keys = {n: moving_mean(late[n], num_taps) for n in self._sources}
            queries = {n: moving_mean(inputs[n], num_taps) for n in self._sources}
            asks_BS = keep_BS[:, part] & ~unsure_BS[:, part] | (asked_BS[:, part] >= 0)
            self._asked.append(
                _chosen({n: inputs[n] for n in layers}, queries, asked_BS[:, part], asks_BS)
            )
            late_part = slice(part.start + NUM_SINKS, part.stop)
            number_BS = told_BS[:, late_part]
            number_BS = number_BS.where(decoy_BS[:, late_part] < 0, DECOY - decoy_BS[:, late_part])
            tells_BS = keep_BS[:, late_part] & ~answer_BS[:, late_part] | (number_BS != NOTHING)
            self._told.append(_chosen(rated, keys, number_BS, tells_BS))

    def of(self, layer: int) -> tuple[Labelled, Labelled]:
        """Give the tokens that may tell, and those that may ask, for the memory of a layer.

        Raises:
            ValueError: there are none.
        """
        import torch
        from infini_models.labelled import Labelled

        source = self._config.address_of(layer)
        if not self._told:
            raise ValueError("nothing was read")
        told, asked = (
            Labelled(
                torch.cat([seen[layer] for seen, _, _ in kept]),
                torch.cat([means[source] for _, means, _ in kept]),
                torch.cat([number_T for _, _, number_T in kept]),
            )
            for kept in (self._told, self._asked)
        )
        return told, asked


def _numbered(
    marks: tuple[tuple[Mark, ...], ...], batch: Batch, numbers: dict[tuple[str, int], int]
) -> Tensor:
    """Give each token the number of its mark's subject and part; -1: it has none."""
    import torch

    rows, num_tokens = batch.ids_BS.shape
    number_BS = torch.full((rows, num_tokens - 1), -1, dtype=torch.long)
    for row, of_row in enumerate(marks):
        for mark in of_row:
            if mark.place < num_tokens - 1:  # the last is only foretold
                label = (mark.subject, mark.part)
                number_BS[row, mark.place] = numbers.setdefault(label, len(numbers))
    return number_BS


def _chosen(
    seen: _Seen, means: _Seen, number_BS: Tensor, chosen_BS: Tensor
) -> tuple[_Seen, _Seen, Tensor]:
    """Give what is seen of some of the tokens, and their numbers."""
    of_seen, of_means = (
        {n: x_BSD[chosen_BS].clone() for n, x_BSD in of_all.items()} for of_all in (seen, means)
    )
    return of_seen, of_means, number_BS[chosen_BS]
