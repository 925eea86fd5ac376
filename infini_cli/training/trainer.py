"""The loop of training: draw, unroll, step, write down, save. A run that was stopped goes on.

Only the memory branches learn; the base stays as it is. The state (branches, the optimiser's
moments, the memory carried on) is saved as safetensors beside a line a step in `log.jsonl`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.atomic import write_atomically
from infini_cli.training.log import Step, cut_log, write_step
from infini_cli.training.recipe import OptimizerRecipe, Recipe
from infini_cli.training.samples import Batch, Sampler, growth
from infini_cli.training.state import (
    STATE,
    State,
    has_begun,
    moments_of,
    read_state,
    take_state,
    write_state,
)
from infini_cli.training.team import Team
from infini_cli.training.writer_recipe import TeachingRecipe

if TYPE_CHECKING:
    from infini_models.decoder import Decoder
    from infini_models.memory import Memory
    from torch import Tensor


ADAPTER = "adapter.safetensors"
GATES = (
    *(".gain", ".rate.weight", ".rate.bias", ".rate_mean.weight"),
    *(".read_gate.weight", ".read_gate.bias"),
)
"""Few numbers on which much depends: they have a learning rate of their own and are not pulled to
zero. Where it is high, rates are shut before there is anything worth keeping."""
BOUND = (
    *(".query.", ".key.", ".query_map", ".key_map", ".query_center", ".key_center"),
    *(".query_taps", ".key_taps"),
    *(".rate.", ".rate_mean.", ".read_gate."),
)
"""What a head start teaches: answers wear it away before the rest is learnt, unless it is slow."""


class Trainer:
    """One training run in a folder.

    Args:
        decoder: with memory branches, changed in place.
        sampler: draws the batches.
        recipe: the rest.
        folder: for state, log and adapter; a run that began there goes on.
        team: the processes that train together; each has its own trainer.

    Raises:
        UsageError: another recipe was begun in the folder.
        DamagedInput: the state there cannot be read.
    """

    def __init__(
        self,
        decoder: Decoder,
        sampler: Sampler,
        recipe: Recipe,
        folder: Path,
        team: Team | None = None,
    ) -> None:
        import torch

        self.decoder, self.sampler, self.recipe, self.folder = decoder, sampler, recipe, folder
        self.team = team or Team()
        self.carried: Memory | None = None
        self.num_done = 0
        decoder.train()
        for name, parameter in decoder.named_parameters():
            parameter.requires_grad_(".memory_branch." in name)
        self.team.shard(decoder)
        self.learned: dict[str, Tensor] = {
            name: p for name, p in decoder.named_parameters() if p.requires_grad
        }
        self.optimizer = torch.optim.AdamW(
            [_group(name, p, recipe.optimizer) for name, p in self.learned.items()],
            lr=recipe.optimizer.learning_rate,
        )
        folder.mkdir(parents=True, exist_ok=True)
        if has_begun(folder):
            self._restore()
        if self.team.leads:
            cut_log(folder, self.num_done)

    @property
    def num_steps(self) -> int:
        """Steps of the whole run."""
        return self.recipe.num_steps

    def run(self, steps_between_saves: int = 20, until: int | None = None) -> Iterator[Step]:
        """Train, saving on the way and at the end.

        Args:
            steps_between_saves: how much a stopped run may lose.
            until: the last step; None: that of the recipe.
        """
        last = min(self.recipe.num_steps, until or self.recipe.num_steps)
        while self.num_done < last:
            step = self._step()
            if self.team.leads:
                write_step(self.folder, step)
            yield step
            if self.num_done % steps_between_saves == 0:
                self.save()
        self.save()

    def _step(self) -> Step:
        import torch
        from infini_models.unroll import unrolled_loss

        start = time.monotonic()
        settings = self.recipe.optimizer
        batch = self.sampler.draw(self.num_done)
        own = self.team.rows(batch)
        found = unrolled_loss(
            self.decoder,
            own.ids_BS,
            own.weights_BS,
            own.segment_lengths,
            self.carried if batch.carries else None,
            teacher_BSD=self._teacher(own),
            recompute=settings.recompute,
            visit_all=self.team.size > 1,
        )
        self.optimizer.zero_grad()
        # The loss is a mean over the tokens of all rows, of which others may have more.
        share = float(own.weights_BS[:, 1:].sum() / batch.weights_BS[:, 1:].sum())
        # Free at first: what is to be kept is learnt before what is not.
        grown = growth(self.recipe.samples, self.num_done)
        penalty = grown * (
            settings.write_penalty * found.written_LN.sum()
            + settings.read_penalty * found.opened_LH.sum()
        )
        total = share * self.team.size * found.loss + penalty
        total.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(list(self.learned.values()), settings.clip_norm)
        factor = schedule(settings, self.num_done, self.recipe.num_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["most"] * factor
        self.optimizer.step()
        self.carried = _detached(found.memory)
        self.num_done += 1
        sums = self.team.sum(
            {
                "loss": share * float(found.loss.detach()),
                "right": found.num_right,
                "targets": found.num_targets,
            }
        )
        written_LN = self.team.mean(found.written_LN)
        opened_LH = self.team.mean(found.opened_LH)
        norms = (float(m.memory_BNKV.norm(dim=(-2, -1)).max()) for m in self._written())
        return Step(
            step=self.num_done,
            task=batch.task,
            loss=sums["loss"],
            token_accuracy=sums["right"] / sums["targets"],
            gradient_norm=float(self.team.whole(norm)),
            learning_rate=settings.learning_rate * factor,
            num_tokens=batch.ids_BS.numel(),
            num_segments=len(batch.segment_lengths),
            mean_rate=float(written_LN.mean()),
            max_rate=float(written_LN.max()),
            mean_open=float(opened_LH.mean()),
            max_open=float(opened_LH.max()),
            max_gain=self._max_gain(),
            memory_norm=self.team.maximum(max(norms)),
            seconds=round(time.monotonic() - start, 3),
        )

    def _teacher(self, batch: Batch) -> Tensor | None:
        """Give the base's activations, if they are to be matched.

        With the whole text in sight they teach the memory what else there was to know, with each
        segment alone to leave well enough alone.
        """
        import torch

        inputs_BS = batch.ids_BS[:, :-1]
        parts = {
            "distillation": (inputs_BS,),
            "preservation": torch.split(inputs_BS, list(batch.segment_lengths), dim=1),
        }.get(batch.task)
        if parts is None:
            return None
        with torch.no_grad():
            read = [self.decoder.read_segment(part, None).hidden_BSD for part in parts]
        return torch.cat(read, dim=1)

    def _max_gain(self) -> float:
        gains = [p for name, p in self.learned.items() if name.endswith(".gain")]
        return max(float(self.team.whole(gain.detach()).abs().max()) for gain in gains)

    def _written(self) -> list[Any]:
        assert self.carried is not None
        return [layer for layer in self.carried if layer.memory_BNKV.numel()]

    def save(self) -> None:
        """Write state and adapter, each whole or not at all."""
        from infini_models.adapter import serialize_adapter

        whole = self.team.whole
        state = State(
            num_done=self.num_done,
            learned={name: whole(p) for name, p in self.learned.items()},
            moments=moments_of(self.optimizer, self.learned, whole),
            carried=self.team.whole_memory(self.carried) if self.carried is not None else None,
        )
        adapter = serialize_adapter(self.decoder, gather=whole)
        if self.team.leads:
            write_state(self.folder / STATE, state, self.recipe.sha256)
            write_atomically(self.folder / ADAPTER, adapter)

    def _restore(self) -> None:
        path, empty = self.folder / STATE, self.decoder.empty_memory()
        state = read_state(path, self.recipe.sha256, self.learned, empty)
        take_state(state, self.learned, self.optimizer, self.team.part)
        if state.carried is not None:
            self.carried = self.team.own_memory(state.carried)
        self.num_done = state.num_done


def _group(name: str, parameter: Tensor, settings: OptimizerRecipe) -> dict[str, Any]:
    """Give a parameter's group of the optimiser; `most` is its rate before the schedule."""
    is_gate = name.endswith(GATES)
    most = settings.gate_learning_rate if is_gate else settings.learning_rate
    if any(part in name for part in BOUND):
        most *= settings.bound_factor
    decay = 0.0 if is_gate else settings.weight_decay
    return {"params": [parameter], "weight_decay": decay, "most": most}


def schedule(settings: OptimizerRecipe | TeachingRecipe, step: int, num_steps: int) -> float:
    """Give the factor of the learning rates: warm-up, then half a cosine down to a tenth."""
    if step < settings.num_warmup_steps:
        return (step + 1) / settings.num_warmup_steps
    progress = (step - settings.num_warmup_steps) / max(1, num_steps - settings.num_warmup_steps)
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * progress))


def _detached(memory: Memory) -> Memory:
    from infini_models.memory import LayerMemory

    return tuple(
        LayerMemory(layer.memory_BNKV.detach(), layer.normalizer_BNK.detach()) for layer in memory
    )
