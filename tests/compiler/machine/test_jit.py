"""How functions are compiled gives way to what the user's XLA_FLAGS say."""

from compiler.machine.jit import options_beside


def test_a_flag_of_the_user_is_overridden_by_no_option_of_a_function():
    options = options_beside("")
    assert options["xla_backend_optimization_level"] == 1
    for name in options:
        rest = options_beside(f"--xla_dump_to=/tmp/x --{name}=0")
        assert rest == {other: options[other] for other in options if other != name}
