"""`zoo audit`: the certificate of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compiler.errors import InputError
from zoo.commands.options import (
    MaxLen,
    ModelArgument,
    Vocab,
    audit_scope,
    find,
    open_model,
)

if TYPE_CHECKING:
    from compiler.model import Model
    from zoo.lookup import ResolvedName


def audit(
    source: ModelArgument = "",
    pairs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Run all pairs of inputs if there are at most this many, else a "
            "random sample of this size; 10,000 by default.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Run fewer pairs, and search less for a break."),
    ] = False,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Run the random sample of pairs only: no strata, no search, no "
            "ablations.",
        ),
    ] = False,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove",
            help="Also bound what any donor can do, for each edge and node outside "
            "the circuit. This takes some minutes.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the certificate to this JSON file; of a model in a folder, "
            "certificate.json in it by default."
        ),
    ] = None,
    realism: Annotated[
        bool,
        typer.Option(
            "--realism",
            help="Also describe weights and activations, next to those of the compiled "
            "model and of the natural twin, if these exist.",
        ),
    ] = False,
    twin: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The natural twin (trained on behaviour alone) that --realism "
            "describes; by default the one of the release, or DIR-twin.",
        ),
    ] = None,
    imported: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="DIR",
            help="Instead of a model of ours, test the published edges of a model of "
            "an earlier set. Its files are read, and nothing in them is run.",
        ),
    ] = None,
    layout: Annotated[
        str, typer.Option(help="The layout of that folder: interpbench.")
    ] = "interpbench",
    bos: Annotated[
        int | None,
        typer.Option(help="Id of the token that opens its inputs, if there is one."),
    ] = None,
    pad: Annotated[
        int | None, typer.Option(help="Id of a token that its inputs never have.")
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Test a circuit: patch every edge, node and variable.

    All inputs are run where there are at most a million. Pairs of several kinds are
    patched, and a search looks for a pair that breaks an output. The exit status is 1
    if a claim fails.
    """
    if imported is not None:
        _audit_import(imported, layout, source, (bos, pad), pairs, seed, out)
        return
    if not source:
        raise InputError("name a model, or give the folder of one with --import")
    scope = audit_scope(quick, sample, prove)
    if twin is not None and not realism:
        raise InputError("--twin is for --realism; give both, or neither")
    target = find(source)
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    import zoo
    from compiler.files import write_atomically
    from zoo.auditing.proof.proof_table import proof_table
    from zoo.auditing.table import table
    from zoo.auditing.thorough_table import thorough_table

    model = open_model(target, vocab, max_len)
    beside = _models_to_compare(source, model, twin) if realism else {}
    certificate = zoo.audit(
        model,
        pairs=pairs,
        seed=seed,
        scope=scope,
        prove=prove,
        threads=threads,
    )
    numerical = model.readout.kind != "classes"
    print("\n".join(table(certificate, numerical=numerical)))
    if certificate.thorough is not None:
        print("\n".join(thorough_table(certificate.thorough)))
    if certificate.proof is not None:
        proof, sampled = certificate.proof, (certificate.edges, certificate.nodes)
        print("\n".join(proof_table(proof, *sampled)))
    if realism:
        from zoo.auditing.realism import describe, realism_of

        found = {name: realism_of(m, seed=seed) for name, m in beside.items()}
        print("\n".join(["", *describe(found)]))
    if out is None:
        out = _place(target)
    if out is not None:
        text = json.dumps(certificate.to_json(), indent=1) + "\n"
        write_atomically(out, text.encode())
        print(f"\nThe certificate is in {out}.")
    if not certificate.holds:
        raise typer.Exit(1)


def _audit_import(
    folder: Path,
    layout: str,
    source: str,
    tokens: tuple[int | None, int | None],
    pairs: int | None,
    seed: int,
    out: Path | None,
) -> None:
    """Print which published edges of a model of an earlier set are used."""
    if source:
        raise InputError(f"give --import or the model {source!r}, and not both")
    from compiler.files import check_parent, write_atomically
    from zoo.imported.used_edges import PAIRS, audit_import

    if out is not None:
        check_parent(out)
    found = audit_import(
        folder, layout, bos=tokens[0], pad=tokens[1], pairs=pairs or PAIRS, seed=seed
    )
    print(found)
    if out is not None:
        text = json.dumps(found.to_json(), indent=1) + "\n"
        write_atomically(out, text.encode())
    if found.used < len(found.edges):
        raise typer.Exit(1)


def _place(target: ResolvedName) -> Path | None:
    """Return where the certificate goes by default: into the folder, if no release."""
    if target.folder is None or target.release is not None:
        return None
    return target.folder / "certificate.json"


def _models_to_compare(
    source: str, model: Model, twin: Path | None
) -> dict[str, Model]:
    """Return the model, its compiled original and its natural twin, where they are."""
    import zoo

    models = {model.facts.get("kind", "compiled"): model}
    typed = model.typed
    if "compiled" not in models and model.name in zoo.programs():
        models["compiled"] = zoo.compile(model.name, typed.vocab, typed.max_len)
    folder = twin or Path(f"{source.rstrip('/')}-twin")
    published = getattr(model, "twin", None)
    if twin is not None or zoo.has_run(folder):
        models["twin"] = zoo.load(folder)
    elif published is not None:
        models["twin"] = published
    return models
