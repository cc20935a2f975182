"""Chats as other programs write them, made by hand from what is publicly known of each format."""

import base64
import json
import struct
import zlib
from typing import Any


def png(width: int = 3, height: int = 2) -> bytes:
    """Return a whole picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + b"\x10\x80\xf0" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def data_uri(data: bytes, mime: str = "image/png") -> str:
    """Return bytes as a data: address."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def lm_studio() -> dict[str, Any]:
    """Return a chat with a thought, a second version of the first answer, and a file beside it."""

    def user(text: str) -> dict[str, Any]:
        part = {"type": "text", "text": text}
        version = {"type": "singleStep", "role": "user", "content": [part]}
        return {"versions": [version], "currentlySelected": 0}

    def answer(thought: str, text: str, stop: str = "eosFound") -> dict[str, Any]:
        return {
            "type": "multiStep",
            "role": "assistant",
            "senderInfo": {"senderName": "magistral-small"},
            "steps": [
                {
                    "type": "contentBlock",
                    "stepIdentifier": "1735689600123-0.5",
                    "content": [{"type": "text", "text": thought}],
                    "style": {
                        "type": "thinking",
                        "ended": True,
                        "title": "Thought for 2.5 seconds",
                    },
                    "prefix": "<think>",
                    "suffix": "</think>",
                },
                {
                    "type": "contentBlock",
                    "stepIdentifier": "1735689602623-0.7",
                    "content": [{"type": "text", "text": text}],
                    "genInfo": {
                        "indexedModelIdentifier": "mistralai/magistral-small",
                        "stats": {"stopReason": stop, "predictedTokensCount": 12},
                    },
                },
                {"type": "debugInfoBlock", "debugInfo": "Conversation naming technique: 'prompt'"},
            ],
        }

    first = user("How many is 6 × 7?")
    first["versions"][0]["content"].append(
        {"type": "file", "fileIdentifier": "1.png", "fileType": "image", "sizeBytes": 9}
    )
    return {
        "name": "Six times seven",
        "pinned": False,
        "createdAt": 1735689600000,
        "tokenCount": 99,
        "systemPrompt": "Be brief.",
        "messages": [
            first,
            {
                "versions": [
                    answer("6 × 7 …", "41", "userStopped"),
                    answer("6 × 7 = 42", "**42**"),
                ],
                "currentlySelected": 1,
            },
            user("Sure?"),
            {"versions": [answer("Yes", "Yes.")], "currentlySelected": 0},
        ],
        "perChatPredictionConfig": {"fields": []},
        "lastUsedModel": {"identifier": "mistralai/magistral-small"},
    }


def open_webui() -> list[dict[str, Any]]:
    """Return an export of a chat with two answers to one question, a picture and a text file."""
    thought = (
        '<details type="reasoning" done="true" duration="7">\n<summary>Thought for 7 seconds'
        "</summary>\n&gt; is a sign\n> a &lt; b\n</details>\n"
    ).replace("&gt; is", "> &gt; is")
    messages = {
        "u1": {
            "id": "u1",
            "parentId": None,
            "childrenIds": ["a1", "a2"],
            "role": "user",
            "content": "Which is larger?",
            "timestamp": 1735689600,
            "models": ["magistral:24b"],
            "files": [
                {"type": "image", "url": data_uri(png())},
                {
                    "type": "file",
                    "name": "notes.txt",
                    "file": {"filename": "notes.txt", "data": {"content": "a is 1\nb is 2"}},
                },
            ],
        },
        "a1": {
            "id": "a1",
            "parentId": "u1",
            "childrenIds": [],
            "role": "assistant",
            "content": "a.",
            "model": "other:7b",
            "timestamp": 1735689601,
            "done": True,
        },
        "a2": {
            "id": "a2",
            "parentId": "u1",
            "childrenIds": ["u2"],
            "role": "assistant",
            "content": f"{thought}b is larger.",
            "model": "magistral:24b",
            "modelName": "Magistral",
            "timestamp": 1735689609,
            "done": True,
        },
        "u2": {
            "id": "u2",
            "parentId": "a2",
            "childrenIds": [],
            "role": "user",
            "content": "Thanks",
            "timestamp": 1735689620,
        },
    }
    return [
        {
            "id": "row",
            "user_id": "me",
            "title": "Larger",
            "created_at": 1735689600,
            "updated_at": 1735689620,
            "chat": {
                "id": "",
                "title": "Larger",
                "models": ["magistral:24b"],
                "params": {"system": "Compare."},
                "history": {"messages": messages, "currentId": "u2"},
                "messages": [],
                "timestamp": 1735689600123,
            },
        }
    ]


def llama_cpp() -> dict[str, Any]:
    """Return an export of a conversation with an edited question."""

    def message(key: str, role: str, content: str, parent: str, **more: Any) -> dict[str, Any]:
        return {
            "id": key,
            "convId": "c",
            "type": "text",
            "timestamp": 1735689600000 + 1000 * int(key),
            "role": role,
            "content": content,
            "parent": parent,
            "children": [],
            **more,
        }

    return {
        "conv": {"id": "c", "name": "A tree", "lastModified": 1735689700000, "currNode": "4"},
        "messages": [
            {**message("0", "system", "", ""), "type": "root", "parent": None},
            message("1", "system", "You are terse.", "0"),
            message("2", "user", "One?", "1"),
            message("3", "assistant", "1", "2", thinking="older field", model="m.gguf"),
            message("4", "assistant", "I", "2", reasoningContent="newer field", model="m.gguf"),
            message(
                "5",
                "user",
                "Two?",
                "1",
                extra=[
                    {"type": "IMAGE", "name": "dot.png", "base64Url": data_uri(png(4, 4))},
                    {"type": "TEXT", "name": "a.txt", "content": "text"},
                    {"type": "AUDIO", "name": "a.wav", "base64Data": "AA==", "mimeType": "x"},
                ],
            ),
        ],
    }


def llama_cpp_lines() -> bytes:
    """Return the same conversation as the newer JSON lines."""
    value = llama_cpp()
    lines = [{"type": "session", "harness": "llama.app", **value["conv"]}]
    lines += [{"type": "message", "message": message} for message in value["messages"]]
    return "\n".join(json.dumps(line) for line in lines).encode()


def chatgpt() -> list[dict[str, Any]]:
    """Return a data export of a conversation with a thought, a search and a second answer."""

    def node(key: str, parent: str | None, message: dict[str, Any] | None) -> dict[str, Any]:
        return {"id": key, "parent": parent, "children": [], "message": message}

    def said(role: str, kind: str, at: float, **content: Any) -> dict[str, Any]:
        return {
            "id": "x",
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": at,
            "content": {"content_type": kind, **content},
            "status": "finished_successfully",
            "metadata": {"model_slug": "o9"} if role == "assistant" else {},
            "recipient": "all",
        }

    search = said("assistant", "code", 3.0, language="unknown", text="search()")
    search["recipient"] = "web"
    hidden = said("system", "text", 0.5, parts=[""])
    hidden["metadata"] = {"is_visually_hidden_from_conversation": True}
    thought = said(
        "assistant", "thoughts", 2.0, thoughts=[{"summary": "Adding", "content": "2 + 2"}]
    )
    thought["metadata"]["finished_duration_sec"] = 9
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1"}
    nodes = [
        node("root", None, None),
        node("sys", "root", hidden),
        node("q", "sys", said("user", "multimodal_text", 1.0, parts=[picture, "2 + 2?"])),
        node("t", "q", thought),
        node("s", "t", search),
        node("r", "s", said("tool", "execution_output", 4.0, text="4")),
        node("a", "r", said("assistant", "text", 5.0, parts=["4"])),
        node("b", "q", said("assistant", "text", 6.0, parts=["four"])),
    ]
    return [
        {
            "title": "Sum",
            "create_time": 1.0,
            "update_time": 6.0,
            "mapping": {one["id"]: one for one in nodes},
            "current_node": "a",
            "conversation_id": "c",
        }
    ]


def openai() -> dict[str, Any]:
    """Return a chat with parts, a thought in each of the usual places, and a picture."""
    return {
        "title": "Parts",
        "model": "magistral",
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": data_uri(png(5, 6))}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ],
            },
            {"role": "assistant", "reasoning_content": "Blue.", "content": "A blue box."},
            {"role": "user", "content": "And?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Nothing."},
                ],
            },
            {"role": "user", "content": "So?"},
            {"role": "assistant", "content": "<think>\nEnd.\n</think>\n\nThe end."},
        ],
    }
