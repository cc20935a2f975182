"""Which server it is, what it is sent, and what is remembered of it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.protocol import Generate, PictureFile, Sampling
from app.errors import WorldError
from app.models import servers
from app.models.servers import Server
from app.prompts.segments import Picture, Thought, Turn
from app.server import messages, requests, words
from app.server.kinds import KINDS, detect, ignores, limits
from tests.support import captures

SAID = {
    "vllm_mi_models": "vllm",
    "xl_m_models": "llama_cpp",
    "lcp_m_models": "llama_cpp_python",
    "mlx_m_models": "mlx_lm",
}

HISTORY = (
    Turn("system", ("Think ", Thought("so"), " and so.")),
    Turn("user", ("One?",)),
    Turn("assistant", (Thought("Hm."), "Two.")),
    Turn("user", ("And?",)),
)


@pytest.mark.parametrize(("name", "kind"), SAID.items())
def test_a_server_is_known_by_its_list_of_models(name: str, kind: str) -> None:
    recording = captures.load(name)
    headers = {key.lower(): value for key, value in recording.headers}
    text = "".join(line for _, line in recording.lines)
    assert detect("localhost", headers, json.loads(text) if text else None).name == kind


def test_servers_that_were_not_recorded() -> None:
    def listed(owner: object) -> object:
        return {"data": [{"id": "x", "owned_by": owner}]}

    assert detect("api.mistral.ai", {}, listed("mistralai")).name == "mistral"
    assert detect("localhost", {}, listed("organization_owner")).name == "lmstudio"
    assert detect("localhost", {}, listed("library")).name == "ollama"
    assert detect("localhost", {}, listed(None)).name == "other"
    for odd in (None, [], {"data": "x"}, {"data": [1]}, {"data": []}):
        assert detect("localhost", {}, odd).name == "other"


def test_what_a_kind_cannot_do_is_said() -> None:
    for name in ("llama_cpp", "vllm"):
        (said,) = limits(KINDS[name])
        assert "Tokens are counted by the server" in said
    assert "takes no top_k, min_p and repetition penalty" in " ".join(limits(KINDS["ollama"]))
    for name in ("mlx_lm", "lmstudio", "other"):
        said = " ".join(limits(KINDS[name]))
        assert "cannot be continued" in said
        assert "Answer now" in said


@pytest.mark.parametrize(
    ("kind", "carried"),
    [
        ("llama_cpp", {"content": "Two.", "reasoning_content": "Hm."}),
        ("vllm", {"content": "Two.", "reasoning": "Hm."}),
        ("mlx_lm", {"content": "Two.", "reasoning_content": "Hm."}),
        ("lmstudio", {"content": "Two."}),
        ("other", {"content": "Two."}),
    ],
)
def test_an_earlier_thought_goes_back_as_the_server_takes_it(
    kind: str, carried: dict[str, str]
) -> None:
    system, _, answer, _ = messages.messages(HISTORY, KINDS[kind])
    assert answer == {"role": "assistant", **carried}
    assert system["content"] == "Think [THINK]so[/THINK] and so."


def test_mistrals_api_gets_thoughts_as_parts() -> None:
    system, _, answer, _ = messages.messages(HISTORY, KINDS["mistral"])
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}
    assert answer["content"] == [thought, {"type": "text", "text": "Two."}]
    assert [part["type"] for part in system["content"]] == ["text", "thinking", "text"]


def test_how_each_goes_on_with_an_answer() -> None:
    half = Turn("assistant", (Thought("Hm", closed=False),))
    said = Turn("assistant", (Thought("Hm."), "Tw"))
    turns = HISTORY[:2]
    body = messages.continued((*turns, half), KINDS["llama_cpp"])
    assert body["continue_final_message"] == "reasoning_content"
    assert body["messages"][-1] == {"role": "assistant", "content": "", "reasoning_content": "Hm"}
    body = messages.continued((*turns, said), KINDS["llama_cpp"])
    assert body["continue_final_message"] == "content"
    body = messages.continued((*turns, said), KINDS["vllm"])
    assert body["continue_final_message"] is True
    assert body["add_generation_prompt"] is False
    assert body["messages"][-1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "closed": True},
        {"type": "text", "text": "Tw"},
    ]
    body = messages.continued((*turns, said), KINDS["mistral"])
    assert body["messages"][-1]["prefix"] is True
    assert "continue_final_message" not in body


def test_pictures_go_along_as_data(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"png")
    file = PictureFile("k", str(tmp_path / "p"), "image/png", 3)
    turn = Turn("user", ("Look: ", Picture("k", 4, 4)))
    (message,) = messages.messages([turn], KINDS["vllm"], [file])
    url = {"url": "data:image/png;base64,cG5n"}
    assert message["content"][1] == {"type": "image_url", "image_url": url}
    with pytest.raises(WorldError) as caught:
        messages.messages([turn], KINDS["vllm"], [replace(file, path="gone")])
    assert caught.value.problem.key == "picture-gone"


def test_a_request_holds_no_field_that_a_server_does_not_know() -> None:
    command = Generate(1, (), Sampling(seed=2**32 - 1), turns=HISTORY)
    assert set(requests.body(command, KINDS["mistral"], "m")) == {
        "model", "messages", "stream", "temperature", "top_p", "random_seed"
    }  # fmt: skip
    assert set(requests.body(command, KINDS["other"], "m")) == {
        "model", "messages", "stream", "temperature", "top_p", "seed", "stream_options"
    }  # fmt: skip
    less = Generate(1, (), Sampling(repetition=1.1), turns=HISTORY)
    named = {"llama_cpp": "repeat_penalty", "vllm": "repetition_penalty", "ollama": None}
    for name, field in named.items():
        sent = requests.body(less, KINDS[name], "m")
        assert [key for key, value in sent.items() if value == 1.1] == ([field] if field else [])
        assert ("repetition" in ignores(KINDS[name])) == (field is None)
    body = requests.body(command, KINDS["mlx_lm"], "m")
    assert body["max_tokens"] == 32_768  # its own limit is 512
    assert 0 <= body["seed"] < 2**31


# ---------------------------------------------------------------- what is remembered


def test_servers_are_remembered_the_last_one_first() -> None:
    one, two = Server("http://localhost:1/v1"), Server("http://localhost:2/v1", "vllm", ("a",))
    servers.remember(one)
    servers.remember(two)
    assert servers.known() == (two, one)
    servers.remember(replace(one, model="m"))
    assert [server.model for server in servers.known()] == ["m", ""]
    assert servers.find("localhost:2") == two
    servers.forget("localhost:1")
    assert servers.known() == (two,)
    assert servers.find("localhost:3") == Server("http://localhost:3/v1")
    assert words.subtitle(two) == "vLLM · localhost:2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "servers": []}',
        '{"version": 1, "servers": "x"}',
        '{"version": 1, "servers": [1, {}, {"base": 3}, {"base": "no address"}]}',
        '{"version": 1, "servers": [{"base": "http://localhost/v1", "silence_s": -1}]}',
        '{"version": 1, "servers": [{"base": "http://localhost/v1", "key": "sk-1"}]}',
    ],
)
def test_a_file_that_someone_edited_costs_the_servers_in_it(text: str) -> None:
    path = Path(os.environ["PONDER_HOME"]) / "config" / "servers.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert servers.known() == ()
    servers.remember(Server("http://localhost:1/v1"))
    assert len(servers.known()) == 1
