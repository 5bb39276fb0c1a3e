"""Transformers whose circuits are known and proven.

    import zoo
    model = zoo.compile("reverse", vocab=list("abc"), max_len=8)
    model(list("abc"))            # ['c', 'b', 'a']

Importing this package loads nothing else: each name is fetched when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.hidden import check_packages

if TYPE_CHECKING:
    from compiler import errors
    from compiler.machine.patch import Patch
    from compiler.model import Model
    from compiler.reading_bound import bound_readings, measure_readings
    from compiler.superpose import superpose
    from zoo import tasks
    from zoo.alignment.score import score_alignment
    from zoo.annotation.components import components
    from zoo.api import (
        audit,
        compile,
        compress,
        load,
        programs,
        resume,
        save,
        show,
        to_rasp,
        train,
        train_seeds,
        verify,
    )
    from zoo.arena.opening import open_arena
    from zoo.attribution.score import score_attribution
    from zoo.attribution.task import open_attribution
    from zoo.building.build import build
    from zoo.cases.by_input import truth
    from zoo.cases.case import open_case
    from zoo.catalogue import list_entries as list
    from zoo.claims.candidates import score_programs
    from zoo.claims.description import score_description
    from zoo.claims.program import score_program
    from zoo.dictionary.score import score_dictionary
    from zoo.finders.alignment_maps import score_map
    from zoo.gallery.site import site
    from zoo.imported.used_edges import audit_import
    from zoo.library_verification import verify_library
    from zoo.lookup import has_run
    from zoo.parts.score import open_parts, score_parts
    from zoo.program_sampling import sample
    from zoo.publishing import (
        card,
        data,
        download,
        download_suite,
        export,
        publish,
        releases,
        serve,
    )
    from zoo.reading.answers import score_answers
    from zoo.reading.lens import score_lens
    from zoo.reading.questions import questions
    from zoo.release.released import Released
    from zoo.release_publication import publish_all
    from zoo.release_verification import verify_releases
    from zoo.scoring.by_input import score_by_input
    from zoo.scoring.by_position import truth_by_position
    from zoo.scoring.circuit_sets import score_circuits
    from zoo.scoring.evaluate import evaluate
    from zoo.scoring.hypotheses import examine_circuit
    from zoo.scoring.pruned_circuits import prune_circuits
    from zoo.scoring.score import score
    from zoo.scoring.sufficient import find_circuits as circuits
    from zoo.scoring.trojans import open_trojan, score_trojan
    from zoo.steering.score import score_steering
    from zoo.steering.task import open_steering
    from zoo.submissions.board import leaderboard
    from zoo.submissions.packing import submit
    from zoo.training.recipe import Recipe

# Public name -> where it is defined, `module:name`; a module by itself.
_PLACES = {
    "Model": "compiler.model:Model",
    "Patch": "compiler.machine.patch:Patch",
    "Recipe": "zoo.training.recipe:Recipe",
    "Released": "zoo.release.released:Released",
    "audit": "zoo.api:audit",
    "audit_import": "zoo.imported.used_edges:audit_import",
    "bound_readings": "compiler.reading_bound:bound_readings",
    "build": "zoo.building.build:build",
    "card": "zoo.publishing:card",
    "circuits": "zoo.scoring.sufficient:find_circuits",
    "compile": "zoo.api:compile",
    "components": "zoo.annotation.components:components",
    "compress": "zoo.api:compress",
    "data": "zoo.publishing:data",
    "download": "zoo.publishing:download",
    "download_suite": "zoo.publishing:download_suite",
    "errors": "compiler.errors",
    "evaluate": "zoo.scoring.evaluate:evaluate",
    "examine_circuit": "zoo.scoring.hypotheses:examine_circuit",
    "export": "zoo.publishing:export",
    "has_run": "zoo.lookup:has_run",
    "leaderboard": "zoo.submissions.board:leaderboard",
    "list": "zoo.catalogue:list_entries",
    "load": "zoo.api:load",
    "measure_readings": "compiler.reading_bound:measure_readings",
    "open_arena": "zoo.arena.opening:open_arena",
    "open_attribution": "zoo.attribution.task:open_attribution",
    "open_case": "zoo.cases.case:open_case",
    "open_parts": "zoo.parts.score:open_parts",
    "open_steering": "zoo.steering.task:open_steering",
    "open_trojan": "zoo.scoring.trojans:open_trojan",
    "programs": "zoo.api:programs",
    "prune_circuits": "zoo.scoring.pruned_circuits:prune_circuits",
    "publish": "zoo.publishing:publish",
    "publish_all": "zoo.release_publication:publish_all",
    "questions": "zoo.reading.questions:questions",
    "releases": "zoo.publishing:releases",
    "resume": "zoo.api:resume",
    "sample": "zoo.program_sampling:sample",
    "save": "zoo.api:save",
    "score": "zoo.scoring.score:score",
    "score_by_input": "zoo.scoring.by_input:score_by_input",
    "score_circuits": "zoo.scoring.circuit_sets:score_circuits",
    "score_alignment": "zoo.alignment.score:score_alignment",
    "score_answers": "zoo.reading.answers:score_answers",
    "score_attribution": "zoo.attribution.score:score_attribution",
    "score_description": "zoo.claims.description:score_description",
    "score_dictionary": "zoo.dictionary.score:score_dictionary",
    "score_lens": "zoo.reading.lens:score_lens",
    "score_map": "zoo.finders.alignment_maps:score_map",
    "score_parts": "zoo.parts.score:score_parts",
    "score_program": "zoo.claims.program:score_program",
    "score_programs": "zoo.claims.candidates:score_programs",
    "score_steering": "zoo.steering.score:score_steering",
    "score_trojan": "zoo.scoring.trojans:score_trojan",
    "serve": "zoo.publishing:serve",
    "show": "zoo.api:show",
    "site": "zoo.gallery.site:site",
    "submit": "zoo.submissions.packing:submit",
    "superpose": "compiler.superpose:superpose",
    "tasks": "zoo.tasks",
    "to_rasp": "zoo.api:to_rasp",
    "train": "zoo.api:train",
    "train_seeds": "zoo.api:train_seeds",
    "truth": "zoo.cases.by_input:truth",
    "truth_by_position": "zoo.scoring.by_position:truth_by_position",
    "verify": "zoo.api:verify",
    "verify_releases": "zoo.release_verification:verify_releases",
    "verify_library": "zoo.library_verification:verify_library",
}

__all__ = [
    "Model",
    "Patch",
    "Recipe",
    "Released",
    "audit",
    "audit_import",
    "bound_readings",
    "build",
    "card",
    "circuits",
    "compile",
    "components",
    "compress",
    "data",
    "download",
    "download_suite",
    "errors",
    "evaluate",
    "examine_circuit",
    "export",
    "has_run",
    "leaderboard",
    "list",
    "load",
    "measure_readings",
    "open_arena",
    "open_attribution",
    "open_case",
    "open_parts",
    "open_steering",
    "open_trojan",
    "programs",
    "prune_circuits",
    "publish",
    "publish_all",
    "questions",
    "releases",
    "resume",
    "sample",
    "save",
    "score",
    "score_alignment",
    "score_answers",
    "score_attribution",
    "score_by_input",
    "score_circuits",
    "score_description",
    "score_dictionary",
    "score_lens",
    "score_map",
    "score_parts",
    "score_program",
    "score_programs",
    "score_steering",
    "score_trojan",
    "serve",
    "show",
    "site",
    "submit",
    "superpose",
    "tasks",
    "to_rasp",
    "train",
    "train_seeds",
    "truth",
    "truth_by_position",
    "verify",
    "verify_library",
    "verify_releases",
]

check_packages()


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    place, _, attribute = _PLACES[name].partition(":")
    module = importlib.import_module(place)
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value  # next time it is found without coming here
    return value


def __dir__() -> Any:
    return sorted({*globals(), *__all__})
