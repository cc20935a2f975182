"""Typeset formulas on the screen: asked for, turned into paths, painted in legible colours."""
