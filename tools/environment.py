"""The environment in which the book is built and the tests run: the same on every machine.

A reader's own start-up files of IPython or settings of matplotlib must change neither the figures
nor the tests, and only warnings of the notebooks themselves may appear on stderr: they are errors.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIVATE = ROOT / ".venv" / "settings"
# A kernel warns at every start that it talks to the build without encryption, on this machine.
KERNEL_SETTINGS = "c.IPKernelApp.log_level = 40\n"


def prepared(**more: str) -> dict[str, str]:
    """Return the variables to run with; make what they point to."""
    ipython = PRIVATE / "ipython"
    matplotlib = PRIVATE / "matplotlib"
    profile = ipython / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_SETTINGS, encoding="utf-8")
    matplotlib.mkdir(exist_ok=True)

    environment = {
        **os.environ,
        "IPYTHONDIR": str(ipython),
        "MPLCONFIGDIR": str(matplotlib),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "TQDM_DISABLE": "1",
        **more,
    }
    for name in ("MPLBACKEND", "MATPLOTLIBRC", "PYTHONPATH", "PYTHONWARNINGS"):
        environment.pop(name, None)
    if not any(matplotlib.glob("fontlist*.json")):
        # The first import looks for the fonts of the machine and says so on stderr if it is slow.
        print("==> matplotlib looks for fonts (once)", flush=True)
        command = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True)
    return environment
