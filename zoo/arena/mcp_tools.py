"""The arena as an MCP server: a tool for each call, over standard input and output.

The package `mcp` speaks the protocol; it is the optional extra `circuitzoo[mcp]`.
"""

from __future__ import annotations

import inspect
import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from compiler.errors import InputError
from zoo.arena.calls import CALLS, call_schema
from zoo.arena.json_lines import answer_bytes
from zoo.arena.session import ArenaSession

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

INSTRUCTIONS = (
    "A transformer that nobody has seen computes a program at each token. Find out "
    "how: ask `info` first, then spend the budget of forward passes on `run`, "
    "`logits`, `cache`, `patch` and `ablate`, and `submit` once. Answers are JSON: "
    "`result` or `error`, and `left`, the budget that is left."
)


def serve_mcp(session: ArenaSession) -> None:
    """Serve a session on standard input and output until they are closed.

    Raises:
        InputError: the package `mcp` is not installed.
    """
    if find_spec("mcp") is None:
        raise InputError(
            "the MCP server needs the package `mcp`, which is not installed. Install "
            "it: pip install 'circuitzoo[mcp]'; or use --over lines"
        )
    import anyio

    anyio.run(_serve, session)


async def _serve(session: ArenaSession) -> None:
    from mcp.server.stdio import stdio_server

    server = make_mcp_server(session)
    async with stdio_server() as (given, answers):
        await server.run(given, answers, server.create_initialization_options())


def make_mcp_server(session: ArenaSession) -> Server[Any]:
    """Return an MCP server whose tools are the calls of a session."""
    from mcp import types
    from mcp.server.lowlevel import Server

    tools = [
        types.Tool(
            name=name, description=describe_call(name), input_schema=_schema(name)
        )
        for name in CALLS
    ]

    async def list_tools(context: Any, given: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(
        context: Any, given: types.CallToolRequestParams
    ) -> types.CallToolResult:
        # In the thread of the loop: calls take turns, and time limits hold.
        request = {**(given.arguments or {}), "call": given.name}
        found = answer_bytes(session, json.dumps(request).encode("ascii"))
        text = types.TextContent(type="text", text=found.decode("ascii"))
        failed = "error" in json.loads(found)
        return types.CallToolResult(content=[text], is_error=failed)

    return Server(
        "circuitzoo-arena",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def describe_call(name: str) -> str:
    """Return what a call does and what its arguments are, in words."""
    return inspect.cleandoc(CALLS[name].__doc__ or "").replace("Attributes:", "Takes:")


def _schema(name: str) -> dict[str, Any]:
    """Return the schema of a tool's arguments, which MCP wants to be an object."""
    return {**call_schema(name), "type": "object"}
