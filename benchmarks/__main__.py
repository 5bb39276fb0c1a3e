"""`python -m benchmarks [names] [--quick]`: measure, print, and write the page.

Results go to `results/`, one JSON file a figure, and all that is there to `RESULTS.md`.
With --quick everything is smaller, and nothing is written.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import report

FIGURES = (
    "compile_time",
    "sizes",
    "growth",
    "throughput",
    "generation",
    "machines",
    "patch_cost",
    "startup",
    "scale",
    "exactness",
    "library",
    "interchange",
    "training",
    "edges_off",
    "proofs",
    "giveaways",
    "certified",
    "architectures",
    "audit_speed",
    "compression",
    "attribution_speed",
    "alignment",
    "variables",
    "components",
    "attributions",
    "claims",
    "steering",
    "reading",
    "parts",
    "superposition",
    "patching_choices",
    "redundancy",
    "mixing",
    "findings",
    "sampling",
    "large_dataset",
    "arena",
    "suite_time",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the figures that are asked for; return 1 if one of them is missed."""
    options = _read(arguments)
    targets: list[report.Target] = []
    for name in options.names or FIGURES:
        module = importlib.import_module(f"benchmarks.{name}")
        start = time.perf_counter()
        print(f"{name} ..", file=sys.stderr, flush=True)
        result = module.measure(options.quick)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        if not options.quick:
            report.save_result(name, result)
        for table in module.tables(result):
            print(f"\n{table.as_text()}", flush=True)
        targets += module.targets(result)
    print(f"\n{report.target_table(targets).as_text()}")
    if not options.quick:
        report.write_whole(report.PAGE, page())
        print(f"\nwritten: {report.PAGE.relative_to(report.FOLDER.parent)}")
    return int(any(target.met is False for target in targets))


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure compile time, sizes, speed and exactness.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="figure",
        help=f"which figures, all by default: {', '.join(FIGURES)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller, in a minute; writes nothing"
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in FIGURES]:
        parser.error(
            f"no figure is named {', '.join(unknown)}; choose among "
            f"{', '.join(FIGURES)}"
        )
    return options


def page() -> str:
    """Return the Markdown page of all results that are stored."""
    results: dict[str, dict[str, Any]] = {}
    for name in FIGURES:
        if (result := report.load_result(name)) is not None:
            results[name] = result
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in results}
    targets = [t for name, r in results.items() for t in modules[name].targets(r)]
    machines = dict.fromkeys(
        report.machine_line(result["machine"]) for result in results.values()
    )
    parts = [
        "# What was measured",
        "Written by `make bench`. Times are CPU seconds of one thread, unless they say "
        "otherwise. Tracr was not run beside: its figures are constants, recorded "
        "earlier on another machine of two cores, from `benchmarks/peers/tracr.py`. "
        "Ratios between two figures of ours are from one run.",
        "Machine: " + "; and ".join(machines) + ".",
        report.target_table(targets).as_markdown().replace("###", "##", 1).rstrip(),
    ]
    for name, result in results.items():
        heading, *text = (modules[name].__doc__ or name).strip().split("\n\n")
        parts += [f"## {heading}", *text]
        command = f"python -m benchmarks {name}"
        parts.append(f"Measured on {result.get('day', 'no known day')}: `{command}`.")
        parts += [
            table.as_markdown().rstrip() for table in modules[name].tables(result)
        ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
