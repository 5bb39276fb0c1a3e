"""The MCP server, driven by the client of the package `mcp` itself."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from compiler.errors import InputError
from zoo.arena import mcp_tools
from zoo.arena.calls import CALLS
from zoo.arena.mcp_tools import make_mcp_server, serve_mcp
from zoo.arena.session import ArenaSession

ROOT = Path(__file__).parents[3]
needs_mcp = pytest.mark.skipif(
    find_spec("mcp") is None, reason="the optional package mcp is not installed"
)


async def _talk(server: Any) -> dict[str, Any]:
    from mcp import Client

    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        info = await client.call_tool("info", {})
        wrong = await client.call_tool("patch", {"base": 5})
        return {
            "tools": {tool.name: tool.description for tool in tools},
            "info": json.loads(info.content[0].text),  # pyright: ignore
            "wrong": json.loads(wrong.content[0].text),  # pyright: ignore
            "failed": [info.is_error, wrong.is_error],
        }


def _check(found: dict[str, Any]) -> None:
    assert list(found["tools"]) == list(CALLS)
    assert all("Attributes" not in text for text in found["tools"].values())
    assert found["info"]["result"]["format"] == "circuitzoo.arena"
    assert found["wrong"]["error"]["kind"] == "refused"
    assert found["failed"] == [False, True]


@needs_mcp
def test_the_tools_of_a_session_are_its_calls(session: ArenaSession) -> None:
    import anyio

    _check(anyio.run(_talk, make_mcp_server(session)))


@needs_mcp
def test_the_command_is_a_server_on_standard_input_and_output() -> None:
    import anyio
    from mcp import StdioServerParameters

    options = ["--seed", "7", "--layers", "1", "--over", "mcp"]
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "zoo", "arena", *options],
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    _check(anyio.run(_talk, command))


def test_without_the_package_the_error_says_what_to_install(
    session: ArenaSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_tools, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"circuitzoo\[mcp\]"):
        serve_mcp(session)
