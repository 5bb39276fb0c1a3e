"""`zoo sample`: random programs, built towards a goal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from zoo.commands.options import Seed, Vocab, read_vocab

if TYPE_CHECKING:
    from programs.facts import OutputType
    from zoo.sampling.dataset import SampledDataset


def sample(
    n: Annotated[int, typer.Option("--n", help="Number of programs.")] = 100,
    layers: Annotated[
        str,
        typer.Option(
            metavar="N|N-M",
            help="Attention layers of each compiled model, 1 to 8; or several, such as "
            "2-5.",
        ),
    ] = "2",
    heads: Annotated[
        str,
        typer.Option(
            metavar="N|N-M",
            help="Attention heads in each layer, 1 to 4; or several, such as 1-2.",
        ),
    ] = "1",
    output: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="Type of the outputs: categorical, numerical or boolean; any if not "
            "given.",
        ),
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="What heads may compute, with commas between: counts, lookups, rules, "
            "means; all if not given.",
        ),
    ] = None,
    vocab: Vocab = None,
    max_len: Annotated[
        int, typer.Option(help="The greatest number of tokens, 2 to 12.")
    ] = 6,
    causal: Annotated[
        bool,
        typer.Option(
            "--causal", help="Positions see only themselves and earlier ones."
        ),
    ] = False,
    local: Annotated[
        bool,
        typer.Option(
            "--local", help="Also keep functions of one token and its position."
        ),
    ] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder for the programs; if not given, they are printed.",
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="rasp: the programs. dataset: with their compiled models, as Parquet "
            "and safetensors files that datasets.load_dataset(DIR) reads; a run that "
            "was stopped goes on where it was.",
        ),
    ] = "rasp",
    shard: Annotated[
        int, typer.Option(help="Models in a shard of a dataset, at most 10,000.")
    ] = 1000,
    test: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Share of functions in a dataset's test split."
        ),
    ] = 0.1,
    jobs: Annotated[
        int,
        typer.Option(help="Processes that draw programs; the result is the same."),
    ] = 1,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace a suite, or another dataset, in the folder."
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object a program, with figures; of a dataset one "
            "object with its figures.",
        ),
    ] = False,
) -> None:
    """Write random programs, in which every part is needed.

    All of them are different.

    Each compiled model has the layers and heads that are asked for. The folder gets
    NAME.rasp for each program, programs.jsonl with figures, and suite.json. The same
    options give the same files on any machine. docs/sampling.md says how programs are
    chosen, and what is in a dataset.
    """
    from compiler.errors import count
    from zoo.program_sampling import sample as draw
    from zoo.sampling.program import SampledSuite

    suite = draw(
        n,
        layers=layers,
        heads=heads,
        output=cast("OutputType | None", output),
        families=families,
        vocab=read_vocab(vocab),
        max_len=max_len,
        causal=causal,
        local=local,
        seed=seed,
        out=out,
        format=cast("Literal['rasp']", format),
        shard=shard,
        test=test,
        jobs=jobs,
        force=force,
    )
    if not isinstance(suite, SampledSuite):
        _print_dataset(suite, as_json)
    elif as_json:
        for program in suite.programs:
            print(json.dumps(program.to_json(), allow_nan=False))
    elif out is None:
        print("\n".join(program.text for program in suite.programs))
    else:
        reasons = [f"  {times:6} {why}" for why, times in suite.rejected.items()]
        print(f"{out}: {count(len(suite.programs), 'program')}")
        print(f"{count(suite.draws, 'draw')}, of which these were not kept:")
        print("\n".join(reasons))


def _print_dataset(found: SampledDataset, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        print(json.dumps(asdict(found) | {"folder": str(found.folder)}))
        return
    from zoo.sampling.dataset import dataset_lines

    print("\n".join(dataset_lines(found)))
