"""Do finders find where a variable is, and sparse autoencoders the features?

Finders look at the training split of a release, figures are taken on the test split,
one seed each. IIA is the share of outputs that are the program's with the variable
overridden; cause the same where the override changes something; isolate the share that
stays where the variable is the same; inside is how much of what was found lies in the
true subspace, covered how much of what is needed lies in what was found (for trained
models that is not known). Rows in brackets are no finders: the true subspace (of a
trained model all that its node writes), random subspaces of as many dimensions as the
first finder took, and its subspace at a site that is not right.

Dictionaries are those of a small sparse autoencoder of as many features as the stream
is wide, without those that never fire; a match has a cosine of 0.9. Random is the mean
of random directions, as many; visible counts only directions in which the data vary.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.report import Table, Target

TASKS = (
    ("sort-compiled", "output", "stream.2"),
    ("sort-rotated", "output", "stream.2"),
    ("sort-siit", "output", "stream.2"),
    ("histogram-beside-reverse", "frequency", "stream.1"),
    ("sort-rotated", "target_index", "stream.1"),
    ("sort-siit", "target_index", "m0"),
    ("sort-siit", "target_index", "stream.1"),
)
WIDTH, STEPS, SQUEEZED = 16, 3000, "reverse"
"""A compressed model, made on the spot: no release is one."""

DICTIONARIES = ("sort-compiled", "sort-rotated", "reverse-decoys", SQUEEZED)
SITES = ("m0", "stream.0", "stream.1")
FIGURES = ("figures", "random", "visible", "visible_random")
WAYS: dict[str, dict[str, Any]] = {"L1": {}, "TopK": {"top_k": 4}}


def measure(quick: bool) -> dict[str, Any]:
    """Return one row a finder and claim, and one a dictionary."""
    from zoo.threads import use_one_thread

    use_one_thread()
    tasks = TASKS[:1] if quick else TASKS
    rows = [row for task in tasks for row in _claims(*task, quick)]
    names = DICTIONARIES[:1] if quick else DICTIONARIES
    return {
        "claims": rows,
        "dictionaries": [row for name in names for row in _dictionaries(name, quick)],
        "quick": quick,
    }


def _claims(
    release: str, variable: str, site: str, quick: bool
) -> list[dict[str, Any]]:
    """Return the rows of one variable at one site."""
    import zoo
    from zoo.finders import FINDERS

    train = zoo.open_case(release)
    test = zoo.open_case(release, split="test")
    head = {"release": release, "variable": variable, "site": site}
    rows: list[dict[str, Any]] = []
    for name, finder in FINDERS.items():
        options = {"steps": 50} if quick and "das" in name else {}
        start = time.process_time()
        basis = finder(train, variable, site, **options)
        seconds = time.process_time() - start
        found = zoo.score_alignment(test, variable, site, basis).to_json()
        if not rows:
            for claim in ("truth", "random_subspace", "random_site"):
                other = found["record"]["other_site"]
                shown = f"at {other}" if claim == "random_site" else claim
                rows.append({**head, "finder": f"({shown})", "figures": found[claim]})
        rows.append(
            {
                **head,
                "finder": name,
                "dimension": found["dimension"],
                "figures": found["claimed"],
                "geometry": found["geometry"],
                "seconds": seconds,
            }
        )
    return rows


def _dictionaries(name: str, quick: bool) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    import zoo
    from zoo.finders import find_dictionary

    source: Any = name
    if name == SQUEEZED:
        source = zoo.compress(name, WIDTH, steps=STEPS).model
    train = zoo.open_case(source)
    test = train if name == SQUEEZED else zoo.open_case(source, split="test")
    shown = f"{name}, compressed to {WIDTH}" if name == SQUEEZED else name
    rows = []
    for site in SITES:
        for way, options in WAYS.items():
            steps: dict[str, Any] = {"steps": 100} if quick else {}
            start = time.process_time()
            size = train.config.d_model
            found = find_dictionary(train, site, size, **options, **steps)
            seconds = time.process_time() - start
            report = zoo.score_dictionary(test, found, site=site).to_json()
            rows.append(
                {
                    "model": shown,
                    "site": site,
                    "way": way,
                    "found": report["found"],
                    "true": len(report["features"]),
                    "left_out": len(report["left_out"]),
                    **{figures: report[figures] for figures in FIGURES},
                    "seconds": seconds,
                }
            )
    return rows


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the table of claims and that of dictionaries."""
    header = ("<release", "<variable", "<site", "<finder", "dim", "IIA", "cause")
    more = ("isolate", "disentangle", "inside", "covered", "CPU s")
    columns = ("<model", "<site", "<SAE", "found", "true", "true->found", "random")
    rest = ("found->true", "random", "recall", "F1", "visible F1", "random", "CPU s")
    return [
        Table(
            "Where a variable is",
            (*header, *more),
            [_claim(row) for row in result["claims"]],
        ),
        Table(
            "Dictionaries",
            (*columns, *rest),
            [_dictionary(row) for row in result["dictionaries"]],
        ),
    ]


def _dictionary(row: dict[str, Any]) -> tuple[str, ...]:
    found, random = row["figures"], row["random"]
    return (
        *(row[name] for name in ("model", "site", "way")),
        *(str(row[name]) for name in ("found", "true")),
        *(f"{f['to_found']:.3f}" for f in (found, random)),
        *(f"{f['to_true']:.3f}" for f in (found, random)),
        _share(found["recall"]),
        *(f"{f['f1']:.3f}" for f in (found, row["visible"], row["visible_random"])),
        f"{row['seconds']:.1f}",
    )


def _claim(row: dict[str, Any]) -> tuple[str, ...]:
    found, lies = row["figures"], row.get("geometry")
    both = found["disentangle"]
    return (
        row["release"],
        row["variable"],
        row["site"],
        row["finder"].replace("_", " "),
        str(row.get("dimension", "")),
        *(_share(found[name]) for name in ("iia", "cause", "isolate")),
        "-" if both is None else f"{both:.3f}",
        *(f"{lies[n]:.3f}" if lies else "" for n in ("inside", "covered")),
        f"{row['seconds']:.1f}" if "seconds" in row else "",
    )


def _share(found: dict[str, Any] | None) -> str:
    return "-" if found is None else f"{found['share']:.3f}"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether truth is truth, and whether finders find what is linear to find.

    DAS has a gradient where the logits read the variable, and not where only saturated
    attention does.
    """
    rows = [r for r in result["claims"] if not r["release"].endswith("-siit")]
    exact = [r["figures"]["cause"]["share"] for r in rows if r["finder"] == "(truth)"]
    found = [
        r["figures"]["cause"]["share"]
        for r in rows
        if r["finder"] == "das" and r["variable"] == "output"
    ]
    return [
        _target("true subspaces of compiled models, least cause", 1.0, exact),
        _target("DAS on the output of compiled models, least cause", 0.99, found),
    ]


def _target(what: str, wanted: float, found: list[float]) -> Target:
    if not found:
        return Target(what, f">= {wanted:g}", "not measured", None)
    least = min(found)
    return Target(what, f">= {wanted:g}", f"{least:.4f}", least >= wanted)
