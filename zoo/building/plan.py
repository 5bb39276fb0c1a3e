"""What a release is built from: a plan, read from a file or off a published release.

A plan is plain JSON, so that it can be sent to another process or machine.
"""

from __future__ import annotations

import hmac
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from compiler.errors import FormatError, InputError, NameLookupError, nearest
from compiler.sealed import PROGRAM, digest_of_sums
from zoo import catalogue
from zoo.release.fields import CERTIFICATE, RECIPE, TWIN
from zoo.release.shelf import check_name
from zoo.release.whole import Folder

COMPILED, TRAINED = "compiled", "trained"
SCOPES = ("full", "quick", "sample")
OPTIONS = (
    *("causal", "rotate", "permute_heads", "decoys", "beside", "seed", "like"),
    *("norm", "act", "gated", "generate", "max_table", "max_domain", "max_parameters"),
)
"""Options of `zoo.compile` that a plan can have."""
PLANS = Path(__file__).parent / "plans"
"""Plans that come with the package, each for a suite of its name."""
_TABLE = "model"


@dataclass(frozen=True)
class BuildPlan:
    """All that a release is made from.

    Attributes:
        name: of the release.
        version: of the release.
        kind: `compiled` or `trained`.
        program: the program or task, by its name in the zoo.
        vocab: the tokens as JSON values; the program's own if None.
        max_len: the greatest number of tokens; the program's own if None.
        options: of `zoo.compile`, where it is compiled.
        recipe: the name of a recipe of the zoo, where it is trained; "" for the
            program's own.
        like: the architecture that is trained; "" for none.
        settings: what is changed in the recipe.
        recipe_text: a whole recipe.toml, in the place of the last three.
        twin: whether the natural twin is trained and published too.
        scope: how much is audited: `full`, `quick` or `sample`.
        pairs: of the audit's sample; the default of the scope if None.
        prove: whether the audit also bounds what any donor can do.
        seed: of the audit.
        published: SHA-256 digest of the SHA256SUMS that the release has already; "" of
            a new one.
    """

    name: str
    version: int = 1
    kind: str = TRAINED
    program: str = ""
    vocab: list[Any] | None = None
    max_len: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    like: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe_text: str = ""
    twin: bool = False
    scope: str = "full"
    pairs: int | None = None
    prove: bool = False
    seed: int = 0
    published: str = ""

    def to_json(self) -> str:
        """Return the plan as a line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BuildPlan:
        """Return the plan that `to_json` wrote."""
        return cls(**json.loads(text))

    @property
    def title(self) -> str:
        """The name, with the version where it is not the first."""
        return self.name if self.version == 1 else f"{self.name}@{self.version}"


def read_plans(path: str | Path) -> list[BuildPlan]:
    """Return the plans of a TOML file: one table `[[model]]` a release.

    Raises:
        FormatError: there is no such file, or it is no TOML.
        InputError: an entry is unknown, of another type, or names nothing of the zoo.
    """
    place = Path(path)
    try:
        data = tomllib.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FormatError(
            f"{place}: found nothing, expected a plan: a TOML file with a table "
            f"[[{_TABLE}]] for each release"
        ) from None
    except (OSError, ValueError) as error:
        raise FormatError(f"{place}: cannot be read as TOML ({error})") from None
    tables = data.get(_TABLE)
    if set(data) != {_TABLE} or not isinstance(tables, list):
        strange = ", ".join(sorted(set(data) - {_TABLE})) or "no table"
        raise InputError(
            f"{place}: found {strange}, expected tables [[{_TABLE}]] and nothing else"
        )
    plans = [_plan_of(table, f"{place}, model {i}") for i, table in enumerate(tables)]
    names = [plan.title for plan in plans]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{place}: {twice[0]} is there twice. Give it a version")
    return plans


_TYPES: Mapping[str, tuple[type, ...]] = {
    **{name: (str,) for name in ("name", "kind", "program", "recipe", "like", "scope")},
    **{name: (int,) for name in ("version", "max_len", "pairs", "seed")},
    **{name: (bool,) for name in ("twin", "prove")},
    **{name: (dict,) for name in ("options", "settings")},
    "vocab": (list,),
}


def _plan_of(table: Any, where: str) -> BuildPlan:
    """Return the plan of a table of a file, checked."""
    if not isinstance(table, dict):
        raise InputError(f"{where}: found {table!r}, expected a table of settings")
    for key, value in table.items():
        if key not in _TYPES:
            raise InputError(f"{where}: {key!r} is no setting.{nearest(key, _TYPES)}")
        if type(value) not in _TYPES[key]:
            kind = _TYPES[key][0].__name__
            raise InputError(f"{where}: {key} is {value!r}, expected a {kind}")
    for key in ("name", "program"):
        if key not in table:
            raise InputError(f"{where}: it has no {key}")
    plan = BuildPlan(**table)
    try:
        check_name(plan.name)
        kinds = catalogue.kinds_of(plan.program)
    except (InputError, NameLookupError) as error:
        raise InputError(f"{where}: {error}") from None
    if not kinds:
        hint = nearest(plan.program, [entry.name for entry in catalogue.entries()])
        raise InputError(
            f"{where}: no program or task is named {plan.program!r}.{hint}"
        )
    if plan.kind not in (COMPILED, TRAINED):
        raise InputError(
            f"{where}: kind is {plan.kind!r}, expected compiled or trained"
        )
    if plan.kind == COMPILED and "program" not in kinds:
        raise InputError(
            f"{where}: {plan.program} is a task, which can only be trained"
        )
    _check_options(plan.options, where)
    if plan.scope not in SCOPES:
        raise InputError(f"{where}: scope is {plan.scope!r}, not full, quick or sample")
    if not 1 <= plan.version < 10**9:
        raise InputError(f"{where}: version is {plan.version}, expected 1 or more")
    return plan


def _check_options(options: Mapping[str, Any], where: str) -> None:
    """Raise InputError for an option that `zoo.compile` does not have."""
    for key in options:
        if key not in OPTIONS:
            raise InputError(
                f"{where}: {key[:40]!r} is no option of zoo.compile."
                f"{nearest(key[:40], OPTIONS)}"
            )


def with_secret(plan: BuildPlan, secret: str) -> BuildPlan:
    """Return a plan whose seeds are made from a secret text and the plan's name.

    Those of weights, inputs and placement where it is trained; of the basis, the order
    of heads and the decoys where it is compiled, if it has any of them.
    """

    def seed(what: str) -> int:
        text = f"{plan.title}/{what}".encode()
        made = hmac.new(secret.encode(), text, "sha256").digest()
        return int.from_bytes(made[:4], "big") >> 1

    if plan.kind == TRAINED:
        made = {key: seed(key) for key in ("seed", "inputs_seed", "placement_seed")}
        return replace(plan, settings={**plan.settings, **made})
    seeds = {
        key: seed(key) for key in ("rotate", "permute_heads") if key in plan.options
    }
    return replace(plan, options={**plan.options, **seeds, "seed": seed("seed")})


def plan_of_release(folder: Folder) -> BuildPlan:
    """Return what a published release is made from, so that it can be made again.

    Raises:
        InputError: it cannot be made again from its files.
        FormatError: a file of it is none.
    """
    summary = folder.summary()
    certificate = folder.json(CERTIFICATE).entries()
    proof = certificate.get("proof")
    shared: dict[str, Any] = {
        "name": summary["name"],
        "version": summary["version"],
        "scope": summary.get("audit", "sample"),
        "pairs": certificate["pairs"].json,
        "seed": certificate["seed"].json,
        "prove": proof is not None and proof.json is not None,
        "published": digest_of_sums(folder.path),
    }
    if summary["kind"] == TRAINED:
        return BuildPlan(
            **shared,
            kind=TRAINED,
            program=summary["program"],
            recipe_text=folder.text(RECIPE),
            twin=TWIN in folder.sums,
        )
    if summary["kind"] != COMPILED:
        raise InputError(
            f"{summary['name']}: it is {summary['kind']}, and only compiled and "
            "trained releases say all that they are made from"
        )
    saved = folder.json(PROGRAM).entries()
    typed, facts = saved["program"].entries(), saved["facts"].json
    try:
        given = facts.get("options", {})
        options = {k: v for k, v in given.items() if v is not None}
        if "beside" in facts:
            options["beside"] = facts["beside"]["name"]
    except (AttributeError, KeyError, TypeError):
        raise FormatError(
            f"{summary['name']}: {PROGRAM}, facts: found no readable options. Fetch it "
            "again"
        ) from None
    _check_options(options, f"{summary['name']}: {PROGRAM}")
    return BuildPlan(
        **shared,
        kind=COMPILED,
        program=summary["program"],
        vocab=typed["vocab"].json,
        max_len=typed["max_len"].json,
        options=options,
    )
