"""What a run needs to go on to the same bits: branches, moments, the memory carried on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.atomic import write_atomically
from infini_cli.errors import DamagedInput, UsageError

if TYPE_CHECKING:
    from infini_models.memory import Memory
    from torch import Tensor
    from torch.optim import Optimizer

STATE = "state.safetensors"
"""In the folder of a run."""
CARRIED = "carried:"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class State:
    """A run after some steps.

    Attributes:
        num_done: steps.
        learned: the parameters, by name.
        moments: the optimiser's, by parameter and by `MOMENTS`; none where no gradient came yet.
        carried: the memory that the last step left.
    """

    num_done: int
    learned: Mapping[str, Tensor]
    moments: Mapping[str, Mapping[str, Tensor]]
    carried: Memory | None


def has_begun(folder: Path) -> bool:
    """Say whether a run has left a state in a folder."""
    return (folder / STATE).is_file()


def moments_of(
    optimizer: Optimizer,
    learned: Mapping[str, Tensor],
    whole: Callable[[Tensor], Tensor] = lambda tensor: tensor,
) -> dict[str, dict[str, Tensor]]:
    """Give an optimiser's moments by parameter; nothing is known of one no gradient has reached.

    Args:
        optimizer: of the parameters.
        learned: the parameters, by name.
        whole: puts a tensor together, where several processes have parts of it.
    """
    known = {name: optimizer.state.get(parameter, {}) for name, parameter in learned.items()}
    return {
        name: {key: whole(value) for key, value in moments.items()}
        for name, moments in known.items()
        if moments
    }


def take_state(
    state: State,
    learned: Mapping[str, Tensor],
    optimizer: Optimizer,
    part: Callable[[Tensor, Tensor], Tensor] = lambda tensor, parameter: tensor,
) -> None:
    """Give parameters and their optimiser what a state holds.

    Args:
        state: of a run with the same parameters.
        learned: the parameters, by name; changed in place.
        optimizer: of the parameters; changed in place.
        part: takes this process's part of a tensor, as it has one of a parameter.
    """
    import torch

    with torch.no_grad():
        for name, parameter in learned.items():
            parameter.copy_(part(state.learned[name], parameter))
            if name in state.moments:
                moments = dict(state.moments[name])
                optimizer.state[parameter] = {
                    "step": moments.pop("step"),
                    **{key: part(moment, parameter) for key, moment in moments.items()},
                }


def write_state(path: Path, state: State, recipe_sha256: str) -> None:
    """Write a state, whole or not at all."""
    from infini_models.snapshot import memory_tensors
    from safetensors.torch import save

    tensors = dict(state.learned)
    for name, moments in state.moments.items():
        tensors |= {f"{key}:{name}": value for key, value in moments.items()}
    if state.carried is not None:
        tensors |= {f"{CARRIED}{n}": t for n, t in memory_tensors(state.carried).items()}
    # One entry: several would come in another order every time.
    header = {"run": json.dumps({"num_done": state.num_done, "recipe": recipe_sha256})}
    tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(tensors, header))


def read_state(
    path: Path, recipe_sha256: str, learned: Mapping[str, Tensor], empty: Memory
) -> State:
    """Read a state.

    Args:
        path: of the file.
        recipe_sha256: of the recipe that goes on.
        learned: the parameters, for their names and shapes.
        empty: the decoder's empty memory, for its shapes.

    Raises:
        UsageError: it is of another recipe.
        DamagedInput: it cannot be read.
    """
    from infini_models.errors import SnapshotError
    from infini_models.snapshot import memory_from_tensors
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["run"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header["recipe"] != recipe_sha256:
            raise UsageError(
                f"`{path.parent}` holds a run of another recipe",
                hint="name another folder with `-o`, or remove it",
            )
        for name, parameter in learned.items():
            if tensors[name].shape != parameter.shape:
                raise ValueError(f"`{name}` has another shape")
        carried = {n.removeprefix(CARRIED): t for n, t in tensors.items() if n.startswith(CARRIED)}
        return State(
            num_done=int(header["num_done"]),
            learned={name: tensors[name] for name in learned},
            moments={
                name: {key: tensors[f"{key}:{name}"] for key in MOMENTS}
                for name in learned
                if f"step:{name}" in tensors
            },
            carried=memory_from_tensors(carried, empty) if carried else None,
        )
    except (SafetensorError, SnapshotError, OSError, KeyError, ValueError) as error:
        raise DamagedInput(f"`{path}` cannot be read: {error}") from error
