"""What `make docs` adds to the pages of docs/: the README, figures, a reference.

A hook of MkDocs (mkdocs.yml names it). Links between files of the repository become
links between pages of the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/RESULTS.md": "results.md",
}
"""Files of the repository, and the pages of the site that they become."""

_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_linked(text, source)))
    files.append(File.generated(config, "reference.md", content=reference()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Return a page of docs/ whose links lead to pages of the site."""
    path = page.file.src_uri
    if page.file.generated_by is not None:
        return markdown
    return _linked(markdown, posixpath.join("docs", path))


def _linked(text: str, source: str) -> str:
    """Return the text of a file with its links as the site has them.

    Args:
        text: Markdown.
        source: its path in the repository.
    """
    here = posixpath.dirname(source)
    at = posixpath.dirname(_page_of(source) or "")

    def link(found: re.Match[str]) -> str:
        words, target, anchor = found[1], found[2], found[3] or ""
        page = _page_of(posixpath.normpath(posixpath.join(here, target)))
        if page is None:  # a file that the site does not have: its name alone
            return words
        return f"[{words}]({posixpath.relpath(page, at or '.')}{anchor})"

    return _LINK.sub(link, text)


def _page_of(path: str) -> str | None:
    """Return the page that a file of the repository becomes, None if it has none."""
    if path in PAGES:
        return PAGES[path]
    inside = path.removeprefix("docs/")
    shown = path.endswith((".md", ".svg", ".png")) and (ROOT / path).is_file()
    return inside if inside != path and shown else None


def reference() -> str:
    """Return a page with every public function of `zoo`, from its docstring."""
    import zoo

    lines = [
        "# Functions",
        "",
        "Everything that `import zoo` offers.",
        "",
    ]
    for name, place in sorted(zoo._PLACES.items()):
        module, _, inside = place.partition(":")
        lines += [f"::: {module}.{inside}" if inside else f"::: {module}", ""]
        if inside and inside != name:
            lines += [f"In `zoo` it is called `{name}`.", ""]
    return "\n".join(lines)
