"""The conditions all tests run under: set before anything imports NumPy or jax.

Signatures of the three packages are checked at every call by beartype, and those with
arrays by jaxtyping; dtypes promote strictly, and a worker has one thread.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jaxlib.version

# Worker processes of pytest-xdist and the tests' own subprocesses inherit these.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUMPY_DTYPE_PROMOTION", "strict")
# Two workers with a thread a core each would fight for the same cores. NPROC is what
# XLA's CPU client reads; its multi_thread_eigen flag has no effect in jax 0.10.
for _threads in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

# Two thirds of the time of most tests is compilation. Without the passes that make code
# fast, and without the fusions that are written in MLIR, it takes a third of that.
_QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_parallel_codegen_split_count=1"
)
if jaxlib.version.__version_info__ < (0, 11):  # later ones end at a flag they lack
    _QUICKLY += " --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{_QUICKLY} {os.environ.get('XLA_FLAGS', '')}".strip()

# What one process has compiled, the others load: most of the time went there. The
# first makes the folder, and removes it at its end. There is no bound on its size: jax
# would read the whole folder each time that it puts something in. A file that another
# process is still writing is damaged to whoever reads it, who compiles for himself.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _compiled = tempfile.TemporaryDirectory(prefix="circuitzoo-compiled-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", "-1")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")

import jax  # noqa: E402
import pytest  # noqa: E402
from beartype import BeartypeConf  # noqa: E402
from beartype.claw import beartype_packages  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

from tests.slow_tests import is_slow  # noqa: E402

# A loaded machine is slow at drawing, and that says nothing about the code.
_SLOW_MACHINE = (HealthCheck.too_slow,)

settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=_SLOW_MACHINE
)
settings.register_profile(
    "thorough",
    deadline=None,
    derandomize=False,
    max_examples=2000,
    print_blob=True,
    suppress_health_check=_SLOW_MACHINE,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Modules without arrays that are called a million times do without jaxtyping, whose
# wrapper binds the arguments of every call. What users call with wrong types on purpose
# (`Aggregate(tokens, tokens)`) stays: beartype alone would refuse it before we do.
_SCALAR = (
    "compiler.ir",
    "compiler.passes",
    "compiler.picture.grid",
    "compiler.picture.svg",
    "compiler.rasp.operators",
    "compiler.rasp.values",
    "programs",
    "zoo.auditing.rates",
    "zoo.release.differences",
    "zoo.release.pages",
    "zoo.release.schema",
)


def _folder(package: str) -> Path:
    return Path(__file__).parent.parent / package.replace(".", "/")


def _modules(package: str) -> list[str]:
    found = pkgutil.iter_modules([str(_folder(package))])
    return [f"{package}.{module.name}" for module in found]


# beartype alone refuses names that are imported for type checkers only.
_LATE = tuple(
    f"programs.{path.stem}"
    for path in sorted(_folder("programs").glob("*.py"))
    if "if TYPE_CHECKING" in path.read_text("utf-8")
)
beartype_packages(_SCALAR, conf=BeartypeConf(claw_skip_package_names=_LATE))
_SPLIT = ("compiler", "compiler.picture", "compiler.rasp")
_SPLIT += ("zoo", "zoo.auditing", "zoo.release")
_CHECKED = [*_LATE, *(m for package in _SPLIT for m in _modules(package))]
install_import_hook(
    [name for name in _CHECKED if name not in (*_SCALAR, *_SPLIT)], "beartype.beartype"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `slow_tests.py` as slow; files that have such come first.

    Two workers that take one file after the other then end at nearly the same time.
    """
    slow_files = set()
    for item in items:
        if is_slow(item.nodeid):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow"):
            slow_files.add(item.path)
    items.sort(key=lambda item: item.path not in slow_files)


def pytest_collection_finish() -> None:
    """Let the garbage collector forget what stays, and look for garbage less often.

    It took a tenth of the time: by default it starts after 700 new objects, and tracing
    one function makes a thousand times as many that are no garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


_MAPS = Path("/proc/self/maps")
_MOST_MAPS = 15_000


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_functions() -> Iterator[None]:
    """Free what was compiled, once it is much.

    Every compiled function keeps a few memory maps, and Linux allows a process 65,530
    of them: XLA crashes at that bound, which a worker with a thousand tests can reach.
    """
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MOST_MAPS:
        jax.clear_caches()
