"""The terminal: the only package that imports rich, and only where something is drawn."""
