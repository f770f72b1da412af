"""What `import hyperopt` finds in the child processes of a program that called `parzen.install_as_hyperopt()`.

The folder above is on their `PYTHONPATH`.  This module puts parzen in its own place and is not seen again.
"""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("parzen") is None:
    # The parent found parzen by a `sys.path` of its own: this file tells where.
    sys.path.append(str(Path(__file__).resolve().parents[4]))

from parzen.hyperopt._alias import install_as_hyperopt

install_as_hyperopt()
