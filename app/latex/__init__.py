"""TeX to a display list that a painter can draw, by MathJax in a process of its own."""
