"""The loop of training: draw, unroll, step, write down, save. A run that was stopped goes on.

Only the memory branches learn; the base stays as it is. The state (branches, the optimiser's
moments, the memory carried on) is saved as safetensors beside a line a step in `log.jsonl`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.atomic import write_atomically
from infini_cli.errors import DamagedInput, InputNotFound, UsageError
from infini_cli.training.recipe import OptimizerRecipe, Recipe
from infini_cli.training.samples import Batch, Sampler, growth

if TYPE_CHECKING:
    from infini_models.decoder import Decoder, Memory
    from torch import Tensor

    from infini_cli.tasks.model import Model

STATE = "state.safetensors"
LOG = "log.jsonl"
ADAPTER = "adapter.safetensors"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
GATES = (".gain", ".rate.bias", ".read_gate.bias")
"""Few numbers on which much depends: they learn fast and are not pulled to zero. The weights of the
rate are not among them: at that speed it is shut before there is anything worth keeping."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step gave.

    Attributes:
        step: its number, from 1.
        task: what was learnt.
        loss: nats a token that was learnt; of distillation the divergence from the teacher.
        token_accuracy: share of those tokens whose likeliest token was right, 0 to 1.
        gradient_norm: before clipping.
        learning_rate: of the projections.
        num_tokens: read in this step.
        num_segments: of each row.
        mean_rate: rate at which the text was written, mean over layers, heads and tokens, 0 to 1.
        memory_norm: largest Frobenius norm of a layer's memory after the step.
        seconds: wall time.
    """

    step: int
    task: str
    loss: float
    token_accuracy: float
    gradient_norm: float
    learning_rate: float
    num_tokens: int
    num_segments: int
    mean_rate: float
    memory_norm: float
    seconds: float


class Trainer:
    """One training run in a folder.

    Args:
        decoder: with memory branches, changed in place.
        sampler: draws the batches.
        recipe: the rest.
        folder: for state, log and adapter; a run that began there goes on.

    Raises:
        UsageError: another recipe was begun in the folder.
        DamagedInput: the state there cannot be read.
    """

    def __init__(self, decoder: Decoder, sampler: Sampler, recipe: Recipe, folder: Path) -> None:
        import torch

        self.decoder, self.sampler, self.recipe, self.folder = decoder, sampler, recipe, folder
        self.carried: Memory | None = None
        self.num_done = 0
        decoder.train()
        self.learned: dict[str, Tensor] = {}
        for name, parameter in decoder.named_parameters():
            learns = ".memory_branch." in name
            parameter.requires_grad_(learns)
            if learns:
                self.learned[name] = parameter
        gates = [p for name, p in self.learned.items() if name.endswith(GATES)]
        others = [p for name, p in self.learned.items() if not name.endswith(GATES)]
        decay = recipe.optimizer.weight_decay
        self.optimizer = torch.optim.AdamW(
            [
                {"params": others, "weight_decay": decay},
                {"params": gates, "weight_decay": 0.0},
            ],
            lr=recipe.optimizer.learning_rate,
        )
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / STATE).is_file():
            self._restore()
        _cut_log(folder / LOG, self.num_done)

    def run(self, steps_between_saves: int = 20, until: int | None = None) -> Iterator[Step]:
        """Train, saving on the way and at the end.

        Args:
            steps_between_saves: how much a stopped run may lose.
            until: the last step; None: that of the recipe.
        """
        last = min(self.recipe.num_steps, until or self.recipe.num_steps)
        while self.num_done < last:
            step = self._step()
            with (self.folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(step)) + "\n")
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
        memory = self.carried if batch.carries else None
        found = unrolled_loss(
            self.decoder,
            batch.ids_BS,
            batch.weights_BS,
            batch.segment_lengths,
            memory,
            teacher_BSD=self._teacher(batch),
            recompute=settings.recompute,
        )
        self.optimizer.zero_grad()
        # Free at first: what is to be kept is learnt before what is not.
        penalty = settings.write_penalty * growth(self.recipe.samples, self.num_done)
        total = found.loss + penalty * found.written
        total.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(list(self.learned.values()), settings.clip_norm)
        factor = schedule(settings, self.num_done, self.recipe.num_steps)
        rates = (settings.learning_rate * factor, settings.gate_learning_rate * factor)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.optimizer.step()
        self.carried = _detached(found.memory)
        self.num_done += 1
        num_tokens = batch.ids_BS.numel()
        return Step(
            step=self.num_done,
            task=batch.task,
            loss=float(found.loss.detach()),
            token_accuracy=found.num_right / found.num_targets,
            gradient_norm=float(norm),
            learning_rate=rates[0],
            num_tokens=num_tokens,
            num_segments=len(batch.segment_lengths),
            mean_rate=float(found.written.detach()),
            memory_norm=max(float(m.memory_BNKV.norm(dim=(-2, -1)).max()) for m in self._written()),
            seconds=round(time.monotonic() - start, 3),
        )

    def _teacher(self, batch: Batch) -> Tensor | None:
        """Give the base's activations with the whole text in sight, if they are to be matched."""
        import torch

        if batch.task != "distillation":
            return None
        with torch.no_grad():
            return self.decoder.read_segment(batch.ids_BS[:, :-1], None).hidden_BSD

    def _written(self) -> list[Any]:
        assert self.carried is not None
        return [layer for layer in self.carried if layer.memory_BNKV.numel()]

    def save(self) -> None:
        """Write state and adapter, each whole or not at all."""
        from infini_models.adapter import serialize_adapter
        from infini_models.snapshot import memory_tensors
        from safetensors.torch import save

        tensors = dict(self.learned)
        for name, parameter in self.learned.items():
            # Nothing is known yet of a parameter that no gradient has reached.
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{key}:{name}"] = value
        if self.carried is not None:
            tensors |= {f"carried:{n}": t for n, t in memory_tensors(self.carried).items()}
        # One entry: several would come in another order every time.
        header = {"run": json.dumps({"num_done": self.num_done, "recipe": self.recipe.sha256})}
        tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        write_atomically(self.folder / STATE, save(tensors, header))
        write_atomically(self.folder / ADAPTER, serialize_adapter(self.decoder))

    def _restore(self) -> None:
        import torch
        from infini_models.errors import SnapshotError
        from infini_models.snapshot import memory_from_tensors
        from safetensors import SafetensorError, safe_open

        path = self.folder / STATE
        try:
            with safe_open(path, framework="pt") as file:
                header = json.loads((file.metadata() or {})["run"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["recipe"] != self.recipe.sha256:
                raise UsageError(
                    f"`{self.folder}` holds a run of another recipe",
                    hint="name another folder with `-o`, or remove it",
                )
            with torch.no_grad():
                for name, parameter in self.learned.items():
                    parameter.copy_(tensors[name])
                    if f"step:{name}" in tensors:
                        self.optimizer.state[parameter] = {
                            key: tensors[f"{key}:{name}"] for key in MOMENTS
                        }
            prefix = "carried:"
            carried = {
                n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)
            }
            if carried:
                self.carried = memory_from_tensors(carried, self.decoder.empty_memory())
            self.num_done = int(header["num_done"])
        except (SafetensorError, SnapshotError, OSError, KeyError, ValueError) as error:
            raise DamagedInput(f"`{path}` cannot be read: {error}") from error


def add_memory(model: Model, recipe: Recipe) -> None:
    """Give a model the memory that a recipe begins with.

    Raises:
        InputNotFound: the adapter to go on from is not there.
        UsageError: it, or the recipe's memory, does not fit the model.
    """
    from infini_models.adapter import grow_branches, restore_branches
    from infini_models.config import BranchConfig
    from infini_models.errors import CheckpointError

    memory = recipe.memory
    config = BranchConfig(
        memory.layers, memory.num_features, memory.rank, memory.gain_init, memory.rate_init
    )
    path = recipe.folder / recipe.start
    if recipe.start and not path.is_file():
        raise InputNotFound(f"there is no adapter `{path}`")
    try:
        if not recipe.start:
            grow_branches(model.decoder, config, recipe.seed)
            return
        restore_branches(model.decoder, path)
    except CheckpointError as error:
        raise UsageError(f"cannot begin with this memory: {error}") from error
    if model.decoder.memory_config != config:
        raise UsageError(
            f"the memory of `{path.name}` is not that of the recipe",
            hint="write the same `[memory]` as in the recipe that made it",
        )


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Read the lines of a run's log, first step first.

    Raises:
        DamagedInput: it cannot be read.
    """
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise DamagedInput(f"`{folder / LOG}` cannot be read: {error}") from error


def schedule(settings: OptimizerRecipe, step: int, num_steps: int) -> float:
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


def _cut_log(path: Path, num_steps: int) -> None:
    """Take out the steps after the last save: they will be taken again."""
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:num_steps]
        write_atomically(path, "".join(lines).encode())
