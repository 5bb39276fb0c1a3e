"""What XLA compiled is kept for the next command: most of a short one's time.

jax does the keeping, under a name that has the program, the processor and the versions
in it; it drops what was not used for longest, and compiles again what it cannot read.
"""

from __future__ import annotations

import os

from zoo.files import cache_folder

PLACE = "JAX_COMPILATION_CACHE_DIR"
"""jax's own variable: a folder set there is used as it is."""
MOST_BYTES = 2**26
"""About 2,000 functions. jax looks at all of them each time that it keeps another one,
to find the oldest: .08 s for 2,000, and more than compiling takes for 20,000."""
LEAST_SECONDS = 0.2


def keep_compiled_functions() -> None:
    """Have jax keep them in the user's cache; call before jax is first imported.

    A folder that cannot be written is done without, and so is one with
    `JAX_ENABLE_COMPILATION_CACHE=false`.
    """
    if PLACE in os.environ:
        return
    try:
        folder = cache_folder() / "jax"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no room, or no home
        return
    if os.access(folder, os.W_OK):
        os.environ[PLACE] = str(folder)
        os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(MOST_BYTES))
        least = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
        os.environ.setdefault(least, str(LEAST_SECONDS))
