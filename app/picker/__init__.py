"""What the picker and the first screen say and offer, without any widget: lists, tables, words."""
