"""Put the releases of the suite `core` into what is built, as `zoo/shipped/`.

All else about the package is in pyproject.toml. The releases stay where they are: a
wheel and a source distribution get a copy of the newest version of each.
"""

import json
import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
RELEASES = Path("releases")
SHIPPED = Path("zoo", "shipped")
FORMAT = runpy.run_path(str(ROOT / "zoo/release/index_format.py"))
"""The functions that say what an index is; the package cannot be imported yet."""


def shipped_entries() -> list[dict]:
    """Return the line of the index of each release that is shipped, by name."""
    names = runpy.run_path(str(ROOT / "zoo/core_suite.py"))["CORE"]
    text = (ROOT / RELEASES / "index.json").read_text(encoding="utf-8")
    every = json.loads(text)["releases"]
    known = {entry["name"]: entry for entry in FORMAT["newest"](every)}
    missing = [name for name in names if name not in known]
    if missing:
        raise SystemExit(
            f"releases/index.json has no {', '.join(missing)}, and zoo/core_suite.py "
            "names it. Build from a checkout, or from a source distribution"
        )
    return [known[name] for name in names]


def files_of(folder: Path) -> list[Path]:
    """Return the files of a release's folder, as SHA256SUMS lists them."""
    sums = (ROOT / folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return [folder / "SHA256SUMS", *(folder / line.split("  ", 1)[1] for line in sums)]


class BuildWithReleases(build_py):
    """Copies the releases beside the modules."""

    def shipped(self) -> list[tuple[Path, Path]]:
        """Return (from where, to where) of each file of the releases."""
        target = Path(self.build_lib) / SHIPPED
        folders = [RELEASES / entry["folder"] for entry in shipped_entries()]
        files = [file for folder in folders for file in files_of(folder)]
        return [(file, target / file.relative_to(RELEASES)) for file in files]

    def run(self) -> None:
        """Build; an editable installation reads the releases where they are."""
        super().run()
        if self.editable_mode:
            return
        for source, target in self.shipped():
            self.mkpath(str(target.parent))
            self.copy_file(str(ROOT / source), str(target))
        text = json.dumps(FORMAT["index_of"](shipped_entries()))
        place = Path(self.build_lib) / SHIPPED / "index.json"
        place.write_text(text, encoding="utf-8")

    def get_source_files(self) -> list[str]:
        """Return what a source distribution has to hold, the releases too."""
        found = [str(source) for source, _ in self.shipped()]
        return [*super().get_source_files(), *found, str(RELEASES / "index.json")]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return what is built."""
        found = super().get_outputs(include_bytecode)
        if self.editable_mode:
            return found
        targets = [str(target) for _, target in self.shipped()]
        return [*found, *targets, str(Path(self.build_lib) / SHIPPED / "index.json")]


setup(cmdclass={"build_py": BuildWithReleases})
