"""The window: Qt Widgets over app. Nothing in app knows that it exists."""
