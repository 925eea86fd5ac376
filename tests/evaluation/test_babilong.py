"""Stories of bAbI: read as they are written, hidden in their order, asked about after the text."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from infini_cli.commands.eval_options import parse_numbers
from infini_cli.errors import DamagedInput, InputNotFound, UsageError
from infini_cli.evaluation.babilong import Story, make_prompt, read_stories, read_tasks
from infini_cli.evaluation.haystack import RepeatedHaystack, TextHaystack
from infini_cli.tokens.tokenizer import Tokenizer
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import open_folder as open_folder
from tests.tokens.fixtures import tokenizer as tokenizer

BABI = """\
1 Ann went to the mill.
2 Tom went to the quay.
3 Where is Ann? \tmill\t1
4 Ann went home.
5 Where is Ann? \thome\t4
1 Tom sat in the boat.
2 Where is Tom? \tboat\t1
"""


@pytest.fixture
def babi(tmp_path: Path) -> Path:
    folder = tmp_path / "babi"
    folder.mkdir()
    (folder / "qa1_single-supporting-fact_test.txt").write_text(BABI)
    (folder / "qa1_single-supporting-fact_train.txt").write_text("1 A.\n2 Who? \tA\t1\n")
    return folder


def test_questions_know_what_was_told_before_them(babi: Path) -> None:
    first, second, third = read_tasks(babi, "test", [1])[1]
    told = ("Ann went to the mill.", "Tom went to the quay.")
    assert first == Story(told, "Where is Ann?", "mill", (("Where is Tom?", "quay"),))
    assert second.facts == (*first.facts, "Ann went home.")
    assert (third.facts, third.answer) == (("Tom sat in the boat.",), "boat")


LASTING = """\
1 Ann went to the mill.
2 Where is Ann? \tmill\t1
3 Tom went to the quay.
4 Where is Tom? \tquay\t3
5 Ann went home.
6 Tom went to the mill.
7 Joe sat in the boat.
8 Where is Joe? \tboat\t7
9 Where is Tom? \tmill\t6
1 Tom sat in the boat.
2 Where is Tom? \tboat\t1
"""


def test_earlier_questions_are_asked_again_while_their_answers_hold(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    (tmp_path / "qa5_x_train.txt").write_text(LASTING)
    (tmp_path / "qa2_x_train.txt").write_text(LASTING)
    stories = read_tasks(tmp_path, "train", [5, 2])
    assert [story.further for story in stories[5]] == [
        (),
        (("Where is Ann?", "mill"),),
        # Of Ann and Tom there was news.
        (),
        (("Where is Joe?", "boat"),),
        # Another story.
        (),
    ]
    assert not any(story.further for story in stories[2])

    def ask(num_questions: int) -> list[str]:
        haystack = RepeatedHaystack(tokenizer)
        how = {"length": 300, "draw": random.Random(0), "num_questions": num_questions}
        made = make_prompt(tokenizer, stories[5][3], haystack, **how)
        pairs = ((made.question, made.answer), *made.further)
        assert made.num_tokens == 300
        return [tokenizer.decode([*question, *answer]).strip() for question, answer in pairs]

    assert [text.partition("facts: ")[2] for text in ask(2)] == [
        "Where is Tom? Answer: the mill",
        "Where is Joe? Answer: the boat",
    ]
    assert len(ask(1)) == 1


WHEREABOUTS = """\
1 Ann went to the mill.
2 Tom went back to the quay.
3 Ann travelled to the barn.
4 Where is Tom? \tquay\t2
5 ...
6 Joe went to the mill.
7 Where is Joe? \tmill\t6
"""


def test_everybody_else_is_asked_for_where_each_fact_tells_a_place(tmp_path: Path) -> None:
    (tmp_path / "qa1_x_train.txt").write_text(WHEREABOUTS)
    stories = read_tasks(tmp_path, "train", [1])[1]
    assert [story.further for story in stories] == [
        (("Where is Ann?", "barn"),),
        (("Where is Tom?", "quay"), ("Where is Ann?", "barn")),
    ]


def test_what_is_no_task_is_an_error(babi: Path) -> None:
    with pytest.raises(InputNotFound, match="no task 2"):
        read_tasks(babi, "test", [1, 2])
    with pytest.raises(InputNotFound):
        read_stories(babi / "none.txt")
    (babi / "bad.txt").write_text("1 Ann went home.\nTom too.\n")
    with pytest.raises(DamagedInput, match="line 2"):
        read_stories(babi / "bad.txt")
    (babi / "bad.txt").write_bytes(b"1 \xff\xfe\n")
    with pytest.raises(DamagedInput, match="UTF-8"):
        read_stories(babi / "bad.txt")
    assert parse_numbers("1, 3") == [1, 3]
    for text in ("", "0", "x", "1,", "-1"):
        with pytest.raises(UsageError):
            parse_numbers(text)


@pytest.mark.parametrize("length", [200, 1000])
def test_facts_are_hidden_in_their_order(babi: Path, tokenizer: Tokenizer, length: int) -> None:
    story = read_tasks(babi, "test", [1])[1][1]
    texts = TextHaystack(["The sea was calm.\n\nThe boat lay still."], tokenizer)
    for seed in range(5):
        made = make_prompt(tokenizer, story, texts, length=length + 60, draw=random.Random(seed))
        assert made.num_tokens == length + 60
        context = tokenizer.decode(list(made.context))
        places = [context.index(fact) for fact in story.facts]
        assert places == sorted(places)
        question = tokenizer.decode(list(made.question)).rstrip()
        assert question.endswith("Where is Ann? Answer: the")
        assert tokenizer.decode(list(made.answer)).strip() == "home"
    with pytest.raises(UsageError, match="no room"):
        make_prompt(tokenizer, story, RepeatedHaystack(tokenizer), length=50, draw=random.Random(0))


def test_facts_are_hidden_in_the_beginning_where_that_is_asked(
    babi: Path, tokenizer: Tokenizer
) -> None:
    story = read_tasks(babi, "test", [1])[1][1]
    haystack = RepeatedHaystack(tokenizer)
    last: dict[float, list[float]] = {}
    for deepest in (0.5, 1.0):
        for seed in range(20):
            how = {"length": 1000, "draw": random.Random(seed), "deepest": deepest}
            context = tokenizer.decode(list(make_prompt(tokenizer, story, haystack, **how).context))
            last.setdefault(deepest, []).append(context.index(story.facts[-1]) / len(context))
    assert max(last[0.5]) < 0.55 < max(last[1.0])


def test_the_command(infini: Infini, open_folder: Path, babi: Path) -> None:
    command = ("eval", "babilong", babi, "-m", open_folder, "--lengths", "1K", "--tasks", 1)
    document = json.loads(infini(*command, "--samples", 2, "--json").out)
    assert document["test"] == "babilong"
    assert [cell["condition"] for cell in document["cells"]] == [
        "memory",
        "memory off",
        "other memory",
    ]
    assert {cell["task"] for cell in document["cells"]} == {"qa1"}
    assert {cell["depth"] for cell in document["cells"]} == {None}
    table = infini(*command, "--samples", 1, "--no-controls").out.splitlines()
    assert table[1].split()[:4] == ["memory", "qa1", "1,024", "any"]
    missing = infini(*command[:-1], 5)
    assert (missing.code, missing.out) == (3, "")
