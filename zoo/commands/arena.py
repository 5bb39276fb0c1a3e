"""`zoo arena`: a model that nobody has seen, behind calls, for any agent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compiler.errors import InputError, unknown_name

WAYS = ("lines", "http", "mcp")
VERIFY = "verify"


def arena(
    action: Annotated[
        str | None,
        typer.Argument(
            metavar="verify",
            help="With `verify LOG`, a log is played again: every answer and the "
            "verdict are compared, and the exit status is 1 if one differs.",
        ),
    ] = None,
    played: Annotated[
        Path | None,
        typer.Argument(metavar="LOG", help="A file that --log has written."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="compiled: a random program, compiled; trained: a trained release, "
            "disguised."
        ),
    ] = "compiled",
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of the model; drawn at random if not given."),
    ] = None,
    budget: Annotated[
        int, typer.Option(help="Number of forward passes that the agent may use.")
    ] = 2_000,
    layers: Annotated[
        int | None,
        typer.Option(help="Attention layers of a compiled model, 1 to 3."),
    ] = None,
    over: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="lines: JSON lines on standard input and output; http: a server on "
            "this machine; mcp: an MCP server on standard input and output.",
        ),
    ] = "lines",
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="The port of http; 0 takes a free one."),
    ] = 0,
    pool: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of trained releases for --kind trained; the releases at hand "
            "if not given.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A new file for the log, which holds the seed; `zoo arena verify` "
            "plays it again.",
        ),
    ] = None,
) -> None:
    """Put a fresh model behind calls, for an agent.

    Nobody has seen the model. The agent asks for runs, activations and patches within
    a budget, and submits the edges, roles, descriptions and the program that it has
    found. The verdict comes from running them. docs/arena.md shows every call.
    """
    if action is not None:
        _verify(action, played, pool)
        return
    if over not in WAYS:
        raise unknown_name("way to serve the arena", over, WAYS)
    from zoo.arena.opening import open_session

    session = open_session(
        kind, seed=seed, budget=budget, layers=layers, pool=pool, log=log
    )
    if log is None:
        print("note: no log is kept; --log FILE keeps one", file=sys.stderr)
    if over == "http":
        from zoo.arena.http import serve_http

        serve_http(session, port, lambda line: print(line, file=sys.stderr, flush=True))
    elif over == "mcp":
        from zoo.arena.mcp_tools import serve_mcp

        serve_mcp(session)
    else:
        from zoo.arena.json_lines import serve_lines

        serve_lines(session, sys.stdin.buffer, sys.__stdout__.buffer)  # pyright: ignore


def _verify(action: str, played: Path | None, pool: Path | None) -> None:
    from zoo.arena.replay import verify_log

    if action != VERIFY:
        raise unknown_name("action of the arena", action, [VERIFY])
    if played is None:
        raise InputError("no log is given. Write: zoo arena verify LOG")
    report = verify_log(played, pool)
    print(report.text)
    if not report.holds:
        raise typer.Exit(1)
