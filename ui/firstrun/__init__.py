"""What is shown before there is a model: two ways to a first answer."""
