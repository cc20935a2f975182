"""The dialog in which a model is chosen, and what it needs: list, table, download card."""
