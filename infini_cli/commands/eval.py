"""`infini eval`: measure what a model's memory holds, and what it writes."""

from __future__ import annotations

from infini_cli.commands.eval_heads import heads
from infini_cli.commands.eval_layers import layers
from infini_cli.commands.eval_perplexity import perplexity
from infini_cli.commands.eval_retrieval import babilong, passkey
from infini_cli.commands.eval_texts import qa, summaries
from infini_cli.commands.verb import group

app = group("eval", "Measure what a model's memory holds, and what it writes.")
app.command("passkey")(passkey)
app.command("babilong")(babilong)
app.command("perplexity")(perplexity)
app.command("heads")(heads)
app.command("layers")(layers)
app.command("summaries")(summaries)
app.command("qa")(qa)
