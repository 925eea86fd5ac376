"""How a summary came about, as an outline: each sentence, what bears it, what it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten

from infini_cli.grounding.cited import SentenceCitation, SummarySentence
from infini_cli.tasks.explain import Step, sources
from infini_cli.tasks.parts import Part
from infini_cli.tasks.values import Summary

WIDTH = 100
"""Characters of a text; more of it stands in the JSON."""
_STEP = "  "


def render_explanation(summary: Summary) -> str:
    """Write an outline.

    Args:
        summary: one that carries its explanation.
    """
    explanation = summary.explanation
    assert explanation is not None
    kept = [step for step in explanation.steps if step.is_kept]
    left_out = [step for step in explanation.steps if not step.is_kept]
    lines = [_head(summary, len(left_out))]
    for number, (sentence, step) in enumerate(
        zip(summary.all_sentences, kept, strict=True), start=1
    ):
        lines += _sentence(number, sentence, step)
    if left_out:
        lines.append("left out:")
        lines += [
            f"{_STEP}{step.outcome.removeprefix('left out: ')}: {_short(step.text)}"
            for step in left_out
        ]
    return "\n".join(lines)


def _head(summary: Summary, num_left_out: int) -> str:
    explanation = summary.explanation
    assert explanation is not None
    counts = [f"{len(summary.all_sentences):,} sentences", f"{num_left_out:,} left out"]
    if explanation.notes:
        segments = f"{summary.coverage.num_segments:,} segments"
        used = f"{len(explanation.used):,} of {len(explanation.notes):,} notes"
        counts = [segments, used, *counts]
    return f"{_short(summary.title)}: {' -> '.join(counts[:-1])}, {counts[-1]}"


def _sentence(number: int, sentence: SummarySentence, step: Step) -> Iterator[str]:
    state = "supported" if sentence.supported else "unsupported"
    yield f"{number}. {_short(sentence.text)}"
    yield f"{_STEP}{state} {sentence.score:.2f}, {step.outcome}"
    if step.instead_of is not None:
        yield f"{_STEP}instead of: {_short(step.instead_of)}"
    for citation in sentence.citations:
        yield _STEP + _citation(citation)
    if step.part is not None and sources(step.part):
        yield f"{_STEP}made of:"
        yield from _draw(step.part, 2)


def _citation(citation: SentenceCitation) -> str:
    place = f"ch. {citation.chapter_label}, {citation.block_id}"
    if citation.page is not None:
        place += f", page {citation.page}"
    return f"cites {place}, {citation.start}-{citation.end}: {_short(citation.quote)}"


def _draw(part: Part, depth: int) -> Iterator[str]:
    """Draw what a part was made of, a line a note or group."""
    for source in sources(part):
        indent = _STEP * depth
        if source.note is not None:
            note = source.note
            place = f"ch. {note.chapter_label}, {note.start}-{note.end}"
            yield f"{indent}segment {note.segment} ({place}): {_short(source.text)}"
        else:
            yield f"{indent}group of {len(source.made_of)}: {_short(source.text)}"
            yield from _draw(source, depth + 1)


def _short(text: str) -> str:
    return shorten(text, WIDTH, placeholder=" ...")
