"""`infini models`."""

from __future__ import annotations

from infini_cli.commands.verb import group

app = group("models", "Fetch, list, check and remove models.")
