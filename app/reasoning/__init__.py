"""Thinking apart from the answer: how models mark it, and the splitter that reads the marks."""
