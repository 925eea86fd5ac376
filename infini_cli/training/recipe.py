"""Recipes: all that a training run depends on, as one TOML file.

base = "smollm2-135m-infini"     # whose weights stay as they are
seed = 0
num_steps = 600
start = ""                       # an adapter to go on from, relative to the recipe
reopen = false                   # it writes every token again: what it was shut to can be learnt

[memory]                         # see `BranchConfig`
layers = [8, 9, 10, 11]
num_features = 64
rank = 32
num_taps = 1                     # an adapter of one tap that `start` names may be given more
num_rate_taps = 1                # 6: what stands before a token says whether it is written, too
sharpness = 0.0                  # 2: no feature has all from the start: others can be learnt
address_layer = 3                # queries and keys are of what it sees; left out: each layer's own
read_within = false              # true: a segment finds what it wrote itself, as it goes on

[binding]                        # before the first step: whose answer a token tells, see there
num_batches = 0                  # of samples to see it in; 0: it is left to the steps
num_texts = 0                    # batches of plain text besides: what is not to be written
num_steps = 600
learning_rate = 1e-3

[tasks]                          # shares of the steps
passkey = 0.7                    # the digits of a hidden key
babilong = 0.1                   # the answer to a question of bAbI about hidden facts
next_token = 0.1                 # every token of a text
distillation = 0.1               # what the base foretells with the whole text in its window
preservation = 0.1               # what it foretells with the segment alone: silence, mostly

[samples]                        # drawn anew for every row of every step
num_segments = [2, 12]           # from and to
segment_length = [128, 384]      # tokens, one length a step
max_tokens = 5000                # of a whole row; fewer segments where they are long
num_growth_steps = 200           # so long until the most segments are drawn
num_facts = [1, 2]
single_share = 0.0               # of the texts with pass keys: hide one alone, which has no name
num_questions = 2                # at most, of a prompt with as many facts
num_recalls = 2                  # at most, of facts that texts before told and memory carries on
text_share = 0.6                 # in paragraphs of texts, the others in the paper's filler
texts = "novels/"                # relative to the recipe
held_out = "held-out.txt"        # names of files there that are not learnt from, one a line
carry_share = 0.5                # begin with the memory that the step before left
babi = "babi/en-10k"             # files of bAbI
babi_tasks = [1, 2]              # their numbers

[optimizer]
learning_rate = 1e-3
gate_learning_rate = 1e-2        # of gains, rates and read gates, which have no weight decay
bound_factor = 1.0               # of both rates, for what a head start teaches; 0: it stays so
weight_decay = 0.01
num_warmup_steps = 20
batch_size = 4
clip_norm = 1.0
write_penalty = 0.05             # nats for each head that writes every token, less for fewer
read_penalty = 0.05              # the same for each head that reads at every token
recompute = true                 # activations: less memory, more time
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infini_cli.errors import UsageError
from infini_cli.evaluation.passkey import NAMES
from infini_cli.typed_values import Span, make_part, read_toml


@dataclass(frozen=True, slots=True)
class MemoryRecipe:
    """The memory; see `BranchConfig`."""

    layers: tuple[int, ...]
    num_features: int
    rank: int = 32
    gain_init: float = 0.1
    rate_init: float = 1.0
    num_taps: int = 1
    num_rate_taps: int = 1
    sharpness: float = 0.0
    address_layer: int | None = None
    read_within: bool = False


@dataclass(frozen=True, slots=True)
class BindingRecipe:
    """A head start for a new memory; see `infini_cli.training.binding`."""

    num_batches: int = 0
    num_texts: int = 0
    num_steps: int = 600
    learning_rate: float = 1e-3


@dataclass(frozen=True, slots=True)
class SamplesRecipe:
    """What is learnt from; see the example above."""

    num_segments: Span = (2, 12)
    segment_length: Span = (128, 384)
    max_tokens: int = 5000
    num_growth_steps: int = 0
    num_facts: Span = (1, 1)
    single_share: float = 0.0
    num_questions: int = 1
    num_recalls: int = 0
    text_share: float = 0.0
    texts: str = ""
    held_out: str = ""
    carry_share: float = 0.0
    babi: str = ""
    babi_tasks: tuple[int, ...] = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class TasksRecipe:
    """What is learnt: the share of the steps spent on each; all on pass keys if nothing is said."""

    passkey: float = 1.0
    babilong: float = 0.0
    next_token: float = 0.0
    distillation: float = 0.0
    preservation: float = 0.0


MAX_QUESTIONS = len(NAMES)
TEXT_TASKS = ("next_token", "distillation", "preservation")
"""Learnt from texts as they are."""


@dataclass(frozen=True, slots=True)
class OptimizerRecipe:
    """AdamW with warm-up and a cosine to zero."""

    learning_rate: float = 1e-3
    gate_learning_rate: float = 1e-2
    bound_factor: float = 1.0
    weight_decay: float = 0.01
    num_warmup_steps: int = 20
    batch_size: int = 4
    clip_norm: float = 1.0
    write_penalty: float = 0.0
    read_penalty: float = 0.0
    recompute: bool = True


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe; `folder` is where its file lies."""

    base: str
    num_steps: int
    memory: MemoryRecipe
    tasks: TasksRecipe
    samples: SamplesRecipe
    optimizer: OptimizerRecipe
    binding: BindingRecipe = BindingRecipe()
    seed: int = 0
    start: str = ""
    reopen: bool = False
    folder: Path = Path()

    @property
    def sha256(self) -> str:
        """Hash of all that it says; where it lies does not count."""
        return hash_recipe(asdict(self))


def hash_recipe(values: dict[str, Any]) -> str:
    """Hash all that a recipe says but the folder it lies in."""
    said = {name: value for name, value in values.items() if name != "folder"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        InputNotFound: there is no such file.
        UsageError: it is no TOML, or something in it is missing, unknown or out of bounds.
    """
    values = read_toml(path)
    tasks = values.pop("tasks", {})
    if isinstance(tasks, dict) and tasks:
        # Who names tasks wants those: pass keys are learnt unasked only where none is named.
        tasks = {"passkey": 0.0, **tasks}
    parts = {
        "memory": make_part(MemoryRecipe, values.pop("memory", {}), "memory."),
        "binding": make_part(BindingRecipe, values.pop("binding", {}), "binding."),
        "tasks": make_part(TasksRecipe, tasks, "tasks."),
        "samples": make_part(SamplesRecipe, values.pop("samples", {}), "samples."),
        "optimizer": make_part(OptimizerRecipe, values.pop("optimizer", {}), "optimizer."),
    }
    recipe = make_part(Recipe, {**values, **parts, "folder": path.parent})
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    samples, optimizer = recipe.samples, recipe.optimizer
    wrong = [
        name
        for name, span, least in (
            ("num_segments", samples.num_segments, 1),
            ("segment_length", samples.segment_length, 16),
            ("num_facts", samples.num_facts, 1),
            ("num_questions", (samples.num_questions, MAX_QUESTIONS), 1),
            ("num_recalls", (samples.num_recalls, MAX_QUESTIONS), 0),
        )
        if not least <= span[0] <= span[1]
    ]
    wrong += [
        name
        for name, share in (
            ("single_share", samples.single_share),
            ("text_share", samples.text_share),
            ("carry_share", samples.carry_share),
        )
        if not 0 <= share <= 1
    ]
    positive = (recipe.num_steps, optimizer.batch_size, optimizer.learning_rate)
    if min(positive) <= 0 or optimizer.clip_norm <= 0:
        wrong.append("num_steps, batch_size, learning_rate or clip_norm")
    if samples.max_tokens < samples.num_segments[0] * samples.segment_length[1]:
        wrong.append("max_tokens")
    least = (optimizer.write_penalty, optimizer.read_penalty, optimizer.bound_factor)
    if min(samples.num_growth_steps, *least) < 0:
        wrong.append("num_growth_steps, write_penalty, read_penalty or bound_factor")
    shares = asdict(recipe.tasks)
    if min(shares.values()) < 0 or not any(shares.values()):
        wrong.append("tasks")
    binding = recipe.binding
    needs_texts = binding.num_texts > 0 or any(shares[task] for task in TEXT_TASKS)
    if not samples.texts and (samples.text_share > 0 or needs_texts):
        wrong.append("texts")
    if recipe.tasks.babilong > 0 and not samples.babi:
        wrong.append("babi")
    if recipe.reopen and not recipe.start:
        wrong.append("reopen")
    least_binding = min(binding.num_batches, binding.num_texts)
    if least_binding < 0 or min(binding.num_steps, binding.learning_rate) <= 0:
        wrong.append("binding.num_batches, num_texts, num_steps or learning_rate")
    if binding.num_batches and recipe.start:  # that memory has learnt
        wrong.append("binding")
    if wrong:
        raise UsageError(f"out of bounds: {', '.join(wrong)}")
