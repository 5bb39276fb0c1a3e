"""What is measured: one module a figure, `python -m benchmarks` runs them.

    compile_time   CPU seconds from a program to its model
    sizes          parameters, layers and widths beside Tracr's
    growth         how sizes and times grow with length and vocabulary
    throughput     sequences a CPU second, and the share of the matrix-product rate
    patch_cost     forward passes under patches, as multiples of a plain one
    exactness      every program against the interpreter, exhaustively
    library        CPU time to compile and verify all programs, `zoo verify --all`
    interchange    every variable of every program against the interpreter
    suite_time     the tests themselves, and which take longest
    startup        the command line's first answer

A figure's module has `measure(quick)`, which returns JSON values; `tables(result)` and
`targets(result)` say them to people. `alone.py` measures in a process of its own,
`pool.py` runs over all programs, `peers/` holds what others have, `truths.py` checks
large models, `report.py` prints and writes, `host.py` names the machine.

Times are CPU seconds of one thread: wall times on a shared machine say little.
"""
