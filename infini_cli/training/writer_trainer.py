"""The loop that teaches a model to write notes: pages read once by the base, notes learnt.

The base reads each page the first time it comes up, and its keys and values are kept; what is
trained are corrections that are on while the note is written (`infini_models.low_rank`). So an
epoch after the first costs the notes alone.

Shape suffixes: B notes, S tokens of a question and its note, V vocabulary, T tokens learnt.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.atomic import write_atomically
from infini_cli.tasks import prompts
from infini_cli.tasks.frame import frame
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_questions import question_ids
from infini_cli.training.log import WriterStep, cut_log, write_step
from infini_cli.training.pages import Page
from infini_cli.training.state import (
    STATE,
    State,
    has_begun,
    moments_of,
    read_state,
    take_state,
    write_state,
)
from infini_cli.training.trainer import schedule
from infini_cli.training.writer_recipe import WriterRecipe

if TYPE_CHECKING:
    from infini_models.cache import SegmentCache
    from torch import Tensor

WRITER = "writer.safetensors"
BETAS = (0.9, 0.99)
STEPS_BETWEEN_MEASURES = 20


@dataclass(frozen=True, slots=True)
class _Loss:
    """What the notes on some pages cost.

    Attributes:
        nats: their sum over the tokens of the notes, a scalar with gradient.
        num_tokens: of the notes.
        num_right: of those the likeliest token was right.
    """

    nats: Tensor
    num_tokens: int
    num_right: int


class WriterTrainer:
    """One run in a folder.

    Args:
        model: whose decoder is given corrections, changed in place.
        pages: all that the recipe names.
        recipe: the rest.
        folder: for state, log and writer; a run that began there goes on.

    Raises:
        UsageError: another recipe was begun in the folder.
        DamagedInput: the state there cannot be read.
    """

    def __init__(
        self, model: Model, pages: Sequence[Page], recipe: WriterRecipe, folder: Path
    ) -> None:
        import torch
        from infini_models.low_rank import corrections_of, grow_corrections

        self.model, self.recipe, self.folder = model, recipe, folder
        shuffled = list(pages)
        self.draw = random.Random(recipe.seed)
        self.draw.shuffle(shuffled)
        num_held_out = recipe.notes.num_held_out
        self.held_out, self.pages = shuffled[:num_held_out], shuffled[num_held_out:]
        self.num_steps = recipe.num_steps(len(self.pages))
        self.order: list[int] = []
        self.num_done = 0
        self.caches: dict[str, SegmentCache] = {}
        self.frame = frame(model)
        self.prefix = self.frame.before
        self.stop = model.chat.end_of_turn
        decoder = model.decoder.requires_grad_(False)
        grow_corrections(decoder, recipe.writer.rank, recipe.seed)
        self.learned: dict[str, Tensor] = {
            f"{name}.{part}": parameter.requires_grad_(True)
            for name, one in corrections_of(decoder).items()
            for part, parameter in (("down_RI", one.down_RI), ("up_OR", one.up_OR))
        }
        self.optimizer = torch.optim.AdamW(
            list(self.learned.values()),
            lr=recipe.optimizer.learning_rate,
            betas=BETAS,
            weight_decay=0.0,
        )
        folder.mkdir(parents=True, exist_ok=True)
        if has_begun(folder):
            self._restore()
        cut_log(folder, self.num_done)

    def run(self, until: int | None = None) -> Iterator[WriterStep]:
        """Train, saving and measuring on the way and at the end.

        Args:
            until: the last step; None: that of the recipe.
        """
        last = min(self.num_steps, until or self.num_steps)
        while self.num_done < last:
            step = self._step()
            write_step(self.folder, step)
            yield step
            if self.num_done % STEPS_BETWEEN_MEASURES == 0:
                self.save()
        self.save()

    def _step(self) -> WriterStep:
        import torch

        start = time.monotonic()
        settings = self.recipe.optimizer
        batch = self._draw()
        factor = schedule(settings, self.num_done, self.num_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * factor
        found = self._loss(batch)
        self.optimizer.zero_grad()
        (found.nats / found.num_tokens).backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(list(self.learned.values()), settings.clip_norm)
        self.optimizer.step()
        self.num_done += 1
        is_measured = self.num_done % STEPS_BETWEEN_MEASURES == 0 or self.num_done == self.num_steps
        return WriterStep(
            step=self.num_done,
            loss=float(found.nats.detach()) / found.num_tokens,
            token_accuracy=found.num_right / found.num_tokens,
            held_out_loss=self._measure() if is_measured else None,
            gradient_norm=float(norm),
            learning_rate=settings.learning_rate * factor,
            num_tokens=found.num_tokens,
            seconds=round(time.monotonic() - start, 3),
        )

    def _draw(self) -> list[Page]:
        """Give the next pages: all once, in a new order every time."""
        size = self.recipe.optimizer.batch_size
        while len(self.order) < size:
            again = list(range(len(self.pages)))
            self.draw.shuffle(again)
            self.order += again
        chosen, self.order = self.order[:size], self.order[size:]
        return [self.pages[index] for index in chosen]

    def _measure(self) -> float | None:
        """Give the nats a token of the notes that are not learnt from."""
        import torch

        size = self.recipe.optimizer.batch_size
        with torch.no_grad():
            found = [
                self._loss(self.held_out[i : i + size]) for i in range(0, len(self.held_out), size)
            ]
        num_tokens = sum(one.num_tokens for one in found)
        return sum(float(one.nats) for one in found) / num_tokens if num_tokens else None

    def _loss(self, pages: Sequence[Page]) -> _Loss:
        import torch
        from infini_models.branch_cache import BranchCache
        from infini_models.low_rank import corrected
        from torch.nn import functional

        decoder, config = self.model.decoder, self.model.decoder.config
        notes = [(page, one) for page in pages for one in page.notes]
        asked = [prompts.TAUGHT_NOTE.format(passage=one.passage) for _, one in notes]
        questions = [question_ids(self.model, self.frame, question) for question in asked]
        encode = self.model.tokenizer.encode
        rows = [
            [*question, *encode(one.note), self.stop]
            for question, (_, one) in zip(questions, notes, strict=True)
        ]
        lengths_B = torch.tensor([len(row) - 1 for row in rows])
        width = int(lengths_B.max())
        ids_BS = torch.tensor([row[:-1] + [0] * (width - len(row) + 1) for row in rows])
        cache = BranchCache(
            [self._read(page) for page, _ in notes],
            [None] * len(notes),
            width,
            (config.num_layers, config.num_key_value_heads, config.head_dim),
            decoder.dtype,
        )
        with corrected(decoder):
            hidden_BSD = decoder.extend_all(ids_BS, lengths_B, cache)
        places = [
            (b, s)
            for b, (question, row) in enumerate(zip(questions, rows, strict=True))
            for s in range(len(question) - 1, len(row) - 1)
        ]
        targets_T = torch.tensor([rows[b][s + 1] for b, s in places])
        learnt_TD = hidden_BSD[[b for b, _ in places], [s for _, s in places]]
        scores_TV = decoder.logits(decoder.norm(learnt_TD))
        nats = functional.cross_entropy(scores_TV, targets_T, reduction="sum")
        return _Loss(nats, len(places), int((scores_TV.argmax(-1) == targets_T).sum()))

    def _read(self, page: Page) -> SegmentCache:
        """Have the base read a page, once."""
        import torch

        if page.text not in self.caches:
            ids = [*self.prefix, *self.model.tokenizer.encode(page.text)]
            with torch.no_grad():
                result = self.model.decoder.read_segment(
                    torch.tensor([ids]), None, num_prefix=len(self.prefix), keep_cache=True
                )
            assert result.cache is not None
            self.caches[page.text] = result.cache
        return self.caches[page.text]

    def save(self) -> None:
        """Write state and writer, each whole or not at all."""
        from infini_models.low_rank import serialize_corrections

        moments = moments_of(self.optimizer, self.learned)
        state = State(self.num_done, self.learned, moments, None)
        write_state(self.folder / STATE, state, self.recipe.sha256)
        write_atomically(self.folder / WRITER, serialize_corrections(self.model.decoder))

    def _restore(self) -> None:
        state = read_state(self.folder / STATE, self.recipe.sha256, self.learned, ())
        take_state(state, self.learned, self.optimizer)
        for _ in range(state.num_done):
            self._draw()
        self.num_done = state.num_done
