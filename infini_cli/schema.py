"""The schema of everything that infini writes as JSON for programs."""

SCHEMA = "infini/2"
"""Within one schema names are added but not changed or removed."""
