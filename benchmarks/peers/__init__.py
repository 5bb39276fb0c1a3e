"""What others have: Tracr's settings and sizes, auto-circuit's scores beside ours.

tracr.py              settings and figures that `python -m benchmarks` compares with
with_auto_circuit.py  runs auto-circuit on our exports, in an environment of its own
"""
