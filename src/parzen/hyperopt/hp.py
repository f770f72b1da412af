"""The words that a search space is written in: `parzen.hp` itself, so that either path leads to the same functions."""

import sys

from parzen import hp
from parzen.hp import *  # noqa: F403  what type checkers see

sys.modules[__name__] = hp
