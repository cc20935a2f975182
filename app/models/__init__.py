"""Model files: what is in them, before anything loads them."""
