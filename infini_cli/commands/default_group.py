"""A verb that does something by itself and has a few commands below it as well."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class DefaultGroup(TyperGroup):
    """Takes its first command wherever none of its commands is named.

    `infini batch books/` is `infini batch run books/`; who has a folder of a command's name
    writes `./status`. Its help is that of the first command.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first command's name before arguments that name none."""
        if not args or args[0] not in self.commands:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
