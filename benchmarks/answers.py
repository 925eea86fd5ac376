"""What each model answers about the example: from passages, from its memory, from nothing.

The 50 questions are in `examples/questions.jsonl`: 40 that the book answers, 10 that it does not.
An answer is right if it holds the expected words or one of their aliases, for the 10 if it says
that the book does not tell. `base` is the model without book and memory: what it guesses.

    python benchmarks/answers.py [--output FILE] MODEL ...
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any

from infini_cli.progress import silent
from infini_cli.reading.book import Book
from infini_cli.reading.reader import read_book
from infini_cli.tasks import prompts
from infini_cli.tasks.ask import ANSWER_TOKENS, QUESTIONS_AT_ONCE, ask, is_declined
from infini_cli.tasks.model import Model, open_model
from infini_cli.tasks.requests import AnswerRequest, SamplingRequest
from infini_cli.tasks.writer import write_prompts

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
DEFAULT_MODELS = ("smollm2-135m-infini", "qwen2.5-coder-1.5b-infini")


def words(text: str) -> str:
    """Give words alone, lower case, with a space at both ends."""
    return " " + " ".join(re.findall(r"\w+", text.lower().replace(",", ""))) + " "


def is_right(question: dict[str, Any], answer: str | None) -> bool:
    """Tell whether an answer holds what was expected."""
    if question["answer"] is None:
        return answer is None
    if answer is None:
        return False
    expected = [question["answer"], *question["aliases"]]
    return any(words(text) in words(answer) for text in expected)


def without_book(model: Model, book: Book, questions: list[str]) -> list[str | None]:
    """Ask the model alone."""
    answers: list[str | None] = []
    for first in range(0, len(questions), QUESTIONS_AT_ONCE):
        drafts = write_prompts(
            model,
            [
                prompts.QUESTION_FROM_MEMORY.format(title=book.title, question=question)
                for question in questions[first : first + QUESTIONS_AT_ONCE]
            ],
            max_tokens=ANSWER_TOKENS,
            sampling=SamplingRequest(),
            progress=silent,
            what="answers",
        )
        answers += [None if is_declined(draft.text) else draft.text for draft in drafts]
    return answers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, help="JSON Lines of every answer")
    parser.add_argument("models", nargs="*", default=DEFAULT_MODELS)
    options = parser.parse_args()
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    asked = [question["question"] for question in questions]
    book = read_book(EXAMPLES / "the-brass-tolm.epub")
    rows = []
    num_told = sum(question["answer"] is not None for question in questions)
    num_untold = len(questions) - num_told
    print(f"{'model':28}{'from':12}{'told':>10}{'not told':>10}{'seconds':>9}")
    for name in options.models:
        model = open_model(name, offline=False, progress=silent)
        requests = {
            "passages": AnswerRequest(tuple(asked)),
            "memory only": AnswerRequest(tuple(asked), memory_only=True),
            "base": None,
        }
        for source, request in requests.items():
            start = time.monotonic()
            if request is None:
                answers = without_book(model, book, asked)
            else:
                answers = [found.answer for found in ask(book, request, model, silent)]
            right = [is_right(*pair) for pair in zip(questions, answers, strict=True)]
            told = sum(r for r, q in zip(right, questions, strict=True) if q["answer"] is not None)
            cells = f"{told:>4} of {num_told}{sum(right) - told:>4} of {num_untold}"
            print(f"{name:28}{source:12}{cells}{time.monotonic() - start:9.0f}", flush=True)
            rows += [
                {"model": name, "from": source, **q, "given": a, "right": r}
                for q, a, r in zip(questions, answers, right, strict=True)
            ]
    if options.output is not None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
