"""Which model fits: what a model is, what the engine will allocate for it, and what to choose."""
