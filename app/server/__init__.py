"""Chats with a model on a server: any that speaks OpenAI's protocol for chat completions."""
