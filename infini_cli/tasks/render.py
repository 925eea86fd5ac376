"""Summaries and answers as Markdown, plain text or JSON.

A result is a body and a footer. The footer says how much was read, by what, and how long it
took; no form leaves it out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from infini_cli.grounding.cited import Citation, SummarySentence, join_sentences
from infini_cli.tasks.values import Answer, Summary
from infini_cli.tokens.coverage import Coverage

NOT_FOUND = "Not found in this book."
UNSUPPORTED = "[unsupported]"


def render(result: Summary | Answer, form: str) -> str:
    """Write a result.

    Args:
        result: a summary or an answer.
        form: `md`, `text` or `json`.
    """
    if form == "json":
        return json.dumps(result.to_dict(), ensure_ascii=False, indent=2)
    return render_body(result, form) + render_footer(result, form)


def render_body(result: Summary | Answer, form: str) -> str:
    """Write what stands above the footer; ends with a blank line."""
    if isinstance(result, Answer):
        return _answer_body(result, form)
    return _summary_body(result, form)


def render_footer(result: Summary | Answer, form: str) -> str:
    """Write coverage, support, model, seed and seconds, and warnings if there are any."""
    support = _support(result) if isinstance(result, Summary) else ""
    lines = [_coverage_line(result, support)]
    lines += [f"Note: {warning}." for warning in result.warnings]
    text = "\n".join(lines)
    return f"*{text}*" if form == "md" and len(lines) == 1 else text


def _summary_body(summary: Summary, form: str) -> str:
    by = f" by {', '.join(summary.authors)}" if summary.authors else ""
    parts = [f"# {summary.title}" if form == "md" else summary.title + by]
    if form == "md" and summary.authors:
        parts.append(f"*{', '.join(summary.authors)}*")
    if summary.sentences:
        parts.append(_marked(summary.sentences))
    for section in summary.sections:
        label = f"{section.chapter_label}. " if section.chapter_label is not None else ""
        heading = label + section.title
        parts.append(f"## {heading}" if form == "md" else heading)
        if section.sentences:
            parts.append(_marked(section.sentences))
    return "\n\n".join(parts) + "\n\n"


def _marked(sentences: Sequence[SummarySentence]) -> str:
    return join_sentences(sentences, [_mark(sentence) for sentence in sentences])


def _mark(sentence: SummarySentence) -> str:
    """Name the chapters that bear a sentence, or say that none does."""
    if not sentence.supported:
        return UNSUPPORTED
    citations = sorted(sentence.citations, key=lambda citation: citation.start)
    labels = dict.fromkeys(citation.chapter_label for citation in citations)
    return f"[ch. {', '.join(labels)}]"


def _answer_body(answer: Answer, form: str) -> str:
    if answer.answer is None:
        return NOT_FOUND + "\n\n"
    marks = " ".join(f"[{citation.number}]" for citation in answer.citations)
    parts = [f"{answer.answer} {marks}".strip()]
    parts += [_citation(citation, form) for citation in answer.citations]
    return "\n\n".join(parts) + "\n\n"


def _citation(citation: Citation, form: str) -> str:
    place = citation.chapter_title + (f", page {citation.page}" if citation.page else "")
    quote = " ".join(citation.quote.split())
    if form == "md":
        return f"[{citation.number}] {place}\n> {quote}"
    return f'[{citation.number}] {place}: "{quote}"'


def _support(summary: Summary) -> str:
    num_sentences = len(summary.all_sentences)
    sentences = "sentence" if num_sentences == 1 else "sentences"
    return f" {summary.num_supported:,} of {num_sentences:,} {sentences} matched to passages."


def read_phrase(coverage: Coverage) -> str:
    """Say what was read, of what there is."""
    if coverage.tokens_read is not None and coverage.num_tokens is not None:
        read = f"{coverage.tokens_read:,} of {coverage.num_tokens:,} tokens"
        segments = "segment" if coverage.num_segments == 1 else "segments"
        read += f" in {coverage.num_segments:,} {segments}"
    else:
        read = f"{coverage.words_read:,} of {coverage.num_words:,} words"
    dropped = f"{coverage.dropped:,} not read" if coverage.dropped else "nothing dropped"
    return f"read {read}, {dropped}"


def _coverage_line(result: Summary | Answer, support: str) -> str:
    model = result.model
    who = f"Model {model.name}, seed {result.seed}" if model is not None else "No model"
    read = read_phrase(result.coverage)
    return f"{read[:1].upper()}{read[1:]}.{support} {who}, {result.seconds:.1f} s."
