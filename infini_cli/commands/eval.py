"""`infini eval`: measure what a model's memory holds."""

from __future__ import annotations

from infini_cli.commands.eval_heads import heads
from infini_cli.commands.eval_perplexity import perplexity
from infini_cli.commands.eval_retrieval import babilong, passkey
from infini_cli.commands.verb import group

app = group("eval", "Measure what a model's memory holds.")
app.command("passkey")(passkey)
app.command("babilong")(babilong)
app.command("perplexity")(perplexity)
app.command("heads")(heads)
