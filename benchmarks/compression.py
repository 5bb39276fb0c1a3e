"""Accuracy against the width of a compressed stream.

After Lindner et al. 2023, section 5: one projection of the stream is learned, and the
compiled weights stay. Accuracy is the share of positions at which the decoded value is
the program's, on held-out inputs. A run ends at an accuracy of 0.999, or when its steps
are used up; one seed each, so that a row may be an unlucky one. Layers is the squared
error of what heads and MLPs write, a position; cosine is the greatest of two features'.
"""

from __future__ import annotations

from typing import Any

from benchmarks.report import Table, Target

WIDTHS = {
    "fraction_previous": (4, 6, 8, 10, 12),
    "reverse": (6, 8, 10, 12, 16),
    "sort_unique": (12, 16, 20, 24),
}
STEPS, QUICK_STEPS = 4000, 100
# A program, a width well below its compiled one, and the accuracy that it reaches.
WANTED = ("reverse", 12, 0.999)


def measure(quick: bool) -> dict[str, Any]:
    """Return one row a program and width."""
    import time

    from zoo.threads import use_one_thread

    use_one_thread()
    import zoo

    rows = []
    for name, widths in WIDTHS.items():
        model = zoo.compile(name)
        for width in widths[-1:] if quick else widths:
            start = time.process_time()
            made = zoo.compress(model, width, steps=QUICK_STEPS if quick else STEPS)
            last = made.history[-1]
            rows.append(
                {
                    "program": name,
                    "compiled": model.config.d_model,
                    "width": width,
                    "accuracy": last.accuracy,
                    "output": last.output,
                    "layers": last.layers,
                    "cosine": made.features.overlap,
                    "steps": last.step,
                    "seconds": time.process_time() - start,
                }
            )
    return {"rows": rows, "quick": quick}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a program and width, the accuracy as a bar besides."""
    rows = [
        (
            row["program"],
            f"{row['width']} of {row['compiled']}",
            f"{row['accuracy']:.4f}",
            "#" * round(20 * row["accuracy"]),
            f"{row['output']:.5f}",
            f"{row['layers']:.3f}",
            f"{row['cosine']:.3f}",
            f"{row['steps']:,}",
            f"{row['seconds']:.0f}",
        )
        for row in result["rows"]
    ]
    header = ("<program", "d_model", "accuracy", "<", "output", "layers", "cosine")
    return [Table("Compressed streams", (*header, "steps", "CPU s"), rows)]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether a known width is still enough."""
    name, width, wanted = WANTED
    what = f"compressed {name}, d_model {width}"
    for row in result["rows"]:
        if (row["program"], row["width"]) == (name, width):
            found = row["accuracy"]
            text = f"{found:.4f}"
            return [Target(what, f">= {wanted}", text, found >= wanted)]
    return [Target(what, f">= {wanted}", "not measured", None)]
