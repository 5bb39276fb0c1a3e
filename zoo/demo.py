"""The main job end to end: compile a sort, verify, draw, patch and publish it.

`make demo` runs this. Every figure that is printed was measured by this run.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from compiler.errors import InputError, ZooError
from compiler.machine.names import Edge
from compiler.machine.patch import Patch, edge_mask
from compiler.model import Model
from compiler.verify import verify_outputs
from zoo.wires import LEGEND, draw_wires

VOCAB, MAX_LEN = (1, 2, 3, 4), 10
SAMPLE = 20_000
PAIRS = 1000


def main(arguments: list[str] | None = None) -> None:
    """Run the demonstration; a bad input ends it with status 2 and a message."""
    parser = argparse.ArgumentParser(prog="python -m zoo.demo", description=__doc__)
    parser.add_argument("--input", default="[3,1,4,1,2,4,2]", metavar="JSON")
    parser.add_argument("--out", default="out/demo", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        demonstrate(_read(options.input), options.out)
    except (ZooError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _read(text: str) -> list[Any]:
    try:
        tokens = json.loads(text)
    except ValueError:
        tokens = None
    if not isinstance(tokens, list) or not tokens:
        raise InputError(
            f"--input {text!r} is not a list of numbers; write '[3,1,2]', with tokens "
            f"of {list(VOCAB)} and at most {MAX_LEN} of them"
        )
    return tokens


def demonstrate(tokens: list[Any], out: Path) -> None:
    """Print the whole demonstration, and write pictures and the model to a folder."""
    _say(1, "Compile `sort`, a RASP program, into the weights of a transformer.")
    begun = time.process_time()
    model = zoo.compile("sort", vocab=VOCAB, max_len=MAX_LEN)
    model.encode(tokens)  # a bad input is told at once
    print(f"  {model!r}")
    print(f"  compiled in {time.process_time() - begun:.2f} CPU s")

    _say(2, f"Verify it against the interpreter, on {SAMPLE:,} inputs of all lengths.")
    found = verify_outputs(model, limit=SAMPLE, sample=SAMPLE)
    print(
        f"  {found.inputs:,} inputs, {found.positions:,} outputs, {found.wrong} wrong"
    )

    _say(3, "Its circuit: the edges on which the program's variables travel.")
    print("\n".join(draw_wires(model.circuit)))
    print(f"\n  {LEGEND}")

    _say(4, "Run it.")
    print(f"  {tokens} -> {model(tokens)}")

    _say(5, "Patch one edge: one reader sees what a source wrote on another input.")
    show_patches(model, tokens)

    _say(6, "Save the model and the picture of its circuit, and load it again.")
    out.mkdir(parents=True, exist_ok=True)
    zoo.save(model, out / "sort", overwrite=True)
    again = zoo.load(out / "sort")(tokens)
    print(f"  {out / 'sort'} loaded: {tokens} -> {again}")
    for name in ("sort.svg", "sort.png"):
        model.picture().save(out / name)
        print(f"  {out / name}")
    _say(7, "Publish it: audit every edge, write a release, and prove it again.")
    show_release(model, tokens, out / "releases")
    print("\nNext: zoo list, zoo show reverse, zoo train reverse, zoo audit reverse.")


def show_patches(model: Model, tokens: list[Any]) -> None:
    """Print what an edge of the circuit does, and what one outside does not."""
    donor = donor_for(model, tokens)
    write = model.run(donor).writes
    inside = Edge(model.circuit.sites[model.output].node, "logits")
    target = model.circuit.sites["target_index"].node
    reading = [e for e in model.circuit.edges if e.source == target]
    outside = model.circuit.complement()
    print(f"  the donor runs on {donor}")
    for edge in (*reading[:1], inside, outside[0]):
        where = "in the circuit" if edge in model.circuit else "outside of it"
        output = patched(model, tokens, [edge], write)
        carried = ", ".join(model.circuit.carries.get(edge, ())) or "nothing"
        print(f"  {edge!s:<16} {where}, carries {carried}")
        print(f"    {model(tokens)} -> {output}")
    output = patched(model, tokens, list(outside), write)
    print(f"  all {len(outside)} edges outside at once")
    print(f"    {model(tokens)} -> {output}")


def show_release(model: Model, tokens: list[Any], shelf: Path) -> None:
    """Export a model, load the release, and measure its certificate once more."""
    from zoo.release.build import Draft, release_files
    from zoo.release.check import check_release
    from zoo.release.shelf import add

    certificate = zoo.audit(model, pairs=PAIRS, scope="sample")
    name = "sort-demo"
    folder, _ = add(shelf, name, 1, release_files(Draft(name, 1, model, certificate)))
    print(f"  {folder}, audited over {certificate.pairs:,} pairs:")
    for claim in certificate.claims:
        print(f"    {claim.name:<20} {claim.found:.4f}, at least {claim.at_least:g}")
    print(f"  loaded: {tokens} -> {zoo.load(folder)(tokens)}")
    found = check_release(folder)
    print(f"  verified: {found.files} files as their digests say, and")
    print(f"    {len(found.differences)} of {found.figures:,} figures differ")


def donor_for(model: Model, tokens: list[Any]) -> list[Any]:
    """Return another input of the same length: every token the next of the vocabulary.

    Where that sorts to the same values it is the last token everywhere.
    """
    vocab = list(model.typed.vocab)
    shifted = [vocab[(vocab.index(t) + 1) % len(vocab)] for t in tokens]
    if model(shifted) != model(tokens):
        return shifted
    return [vocab[-1]] * len(tokens)


def patched(model: Model, tokens: list[Any], edges: list[Edge], donor: Any) -> Any:
    """Return the output with some edges seeing a donor's writes."""
    mask = edge_mask(model.config.names, edges)
    run = model.run(tokens, patch=Patch.edges(mask, donor))
    return model.decode(np.asarray(run.logits)[1 : len(tokens) + 1])


def _say(number: int, text: str) -> None:
    print()
    print("\n".join(textwrap.wrap(f"{number}. {text}", 80, subsequent_indent="   ")))


if __name__ == "__main__":
    main()
