"""Tests and files that take long, besides those that are marked in place.

`make test ARGS='-m "not slow"'` leaves them out, for daily use; `make test` runs them.
A function is listed for more than about five seconds, a file for more than twenty.
Nearly all of it is compilation by XLA; where a fixture trains or audits, the first test
that needs it takes that time, whichever test it is.
"""

from __future__ import annotations

SLOW = (
    "tests/test_readme.py::test_the_three_jobs_of_the_readme_do_what_they_show",
    "tests/test_docs_site.py",
    "tests/examples/test_notebooks.py::"
    "test_a_notebook_shows_what_it_shows_when_it_is_run",
    "tests/compiler/interchange/test_hugging_face.py",
    "tests/compiler/interchange/test_nnx.py",
    "tests/compiler/machine/rerun/test_rerun.py",
    "tests/compiler/machine/test_architectures.py",
    "tests/compiler/machine/test_forward.py",
    "tests/compiler/machine/test_stream.py",
    "tests/compiler/test_generation.py::test_generation_follows_the_whole_forward_pass",
    "tests/compiler/test_miscompilations.py",
    "tests/compiler/test_next_token.py::test_transformers_runs_the_same_weights",
    "tests/compiler/test_options.py",
    "tests/compiler/test_reshape.py",
    "tests/compiler/test_save.py::test_a_loaded_model_is_the_saved_one",
    "tests/compiler/test_save.py::test_bytes_do_not_depend_on_the_order_of_sets",
    "tests/compiler/test_save.py::"
    "test_a_mutated_folder_is_refused_or_is_just_what_it_says",
    "tests/programs/test_dyck.py::test_program_equals_plain_python",
    "tests/programs/test_dyck_depth.py::test_program_equals_plain_python",
    "tests/programs/test_machines.py::test_a_generated_trace_is_that_of_the_machine",
    "tests/programs/test_machines.py::test_arithmetic_on_the_machines",
    "tests/zoo/annotation/test_components.py::"
    "test_the_code_of_every_component_computes_what_the_program_does",
    "tests/zoo/annotation/test_components.py::test_the_five_roles_are_told_apart",
    "tests/zoo/arena/agents/test_play.py",
    "tests/zoo/arena/test_execution.py",
    "tests/zoo/arena/test_judging.py",
    "tests/zoo/arena/test_mcp_tools.py",
    "tests/zoo/arena/test_models.py",
    "tests/zoo/attribution/test_dependence.py",
    "tests/zoo/attribution/test_score_attribution.py::"
    "test_every_method_scores_and_its_controls_are_at_chance",
    "tests/zoo/auditing/test_certificate.py",
    "tests/zoo/auditing/test_old_releases.py",
    "tests/zoo/auditing/test_perturbed.py",
    "tests/zoo/scoring/test_trojans.py",
    "tests/zoo/compression/test_compress.py::"
    "test_tasks_of_a_squeezed_model_are_places_of_its_tuples",
    "tests/zoo/scoring/test_by_position.py",
    "tests/zoo/auditing/test_tasks.py::"
    "test_a_task_uses_the_edges_that_its_program_uses_by_itself",
    "tests/zoo/auditing/test_proof.py",
    "tests/zoo/auditing/test_circuit_lists.py",
    "tests/zoo/auditing/test_thorough.py",
    "tests/zoo/building/test_build.py",
    "tests/zoo/cases/test_case.py::test_an_optimal_constant_hurts_less_than_the_mean",
    "tests/zoo/cases/test_classes.py",
    "tests/zoo/cases/test_directions.py",
    "tests/zoo/claims/test_score_description.py",
    "tests/zoo/claims/test_score_program.py",
    "tests/zoo/compression/test_command.py::"
    "test_a_compressed_model_is_saved_run_and_shown",
    "tests/zoo/finders/test_alignment_maps.py",
    "tests/zoo/finders/test_finders.py::"
    "test_das_finds_a_planted_direction_of_the_stream",
    "tests/zoo/finders/test_finders.py::test_every_finder_returns_orthonormal_columns",
    "tests/zoo/gallery/test_recordings.py",
    "tests/zoo/imported/test_audit_import.py",
    "tests/zoo/methods/test_methods.py",
    "tests/zoo/methods/test_relevance.py",
    "tests/zoo/methods/test_your_own.py",
    "tests/zoo/release/test_hostile.py::test_foreign_text_reaches_no_terminal_raw",
    "tests/zoo/release/test_hub.py",
    "tests/zoo/release/test_index.py",
    "tests/zoo/release/test_lies.py",
    "tests/zoo/release/test_release.py",
    "tests/zoo/release/test_verify_release.py",
    "tests/zoo/sampling/test_dataset.py",
    "tests/zoo/sampling/test_sample.py",
    "tests/zoo/scoring/test_circuits.py::test_a_circuit_is_scored_by_its_own_items",
    "tests/zoo/scoring/test_commands.py::test_a_file_is_scored_beside_three_baselines",
    "tests/zoo/scoring/test_commands.py::"
    "test_a_grid_is_a_row_for_each_choice_and_two_controls",
    "tests/zoo/scoring/test_commands.py::"
    "test_methods_are_evaluated_once_and_made_a_leaderboard",
    "tests/zoo/scoring/test_evaluate.py::test_a_cell_is_run_once",
    "tests/zoo/scoring/test_evaluate.py::test_a_changed_function_is_run_again",
    "tests/zoo/scoring/test_evaluate.py::"
    "test_an_object_that_is_called_is_always_run_again",
    "tests/zoo/scoring/test_evaluate.py::test_what_goes_wrong_stays_in_its_cell",
    "tests/zoo/scoring/test_score.py",
    "tests/zoo/methods/test_shared_task.py",
    "tests/zoo/scoring/test_sufficient.py",
    "tests/zoo/submissions/test_claims.py",
    "tests/zoo/submissions/test_leaderboard_cluster.py",
    "tests/zoo/submissions/test_submissions.py",
    "tests/zoo/tasks/test_language.py",
    "tests/zoo/tasks/test_trained.py",
    "tests/zoo/tasks/test_your_own.py",
    "tests/zoo/test_api.py::test_audit_takes_what_the_command_line_does",
    "tests/zoo/test_api.py::test_audits_one_after_the_other",
    "tests/zoo/test_api.py::test_the_scope_of_an_audit_says_how_much_is_measured",
    "tests/zoo/test_demo.py::test_it_publishes_twice_into_the_same_folder",
    "tests/zoo/test_jit_cache.py::"
    "test_a_command_prints_the_same_from_kept_and_from_damaged_functions",
    "tests/zoo/test_lookup.py::test_all_functions_and_commands_speak_of_the_same_model",
    "tests/zoo/test_wrong_types.py::test_wrong_types_are_told",
    "tests/zoo/test_notebooks.py::test_a_certificate_a_report_and_a_table_show_tables",
    "tests/zoo/test_notebooks.py::"
    "test_a_compiled_model_is_trained_and_an_expression_audited",
    "tests/zoo/test_release_verification.py",
    "tests/zoo/test_tutorial.py",
    "tests/zoo/training/test_commands.py",
    "tests/zoo/training/test_kill.py",
    "tests/zoo/training/test_loop.py",
    "tests/zoo/training/test_mining.py",
    "tests/zoo/training/test_together.py",
)


def is_slow(test: str) -> bool:
    """Return whether a test, `file::function[case]`, or its file is listed."""
    file, _, function = test.partition("::")
    return file in SLOW or f"{file}::{function.partition('[')[0]}" in SLOW
