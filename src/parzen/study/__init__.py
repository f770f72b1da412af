"""The doors that people use: `minimize` for one call, `Study` for everything else, `Result` for what comes back."""

from parzen.study._minimize import minimize
from parzen.study._replay import Replay
from parzen.study._result import Result, TrialView
from parzen.study._study import Study

__all__ = ["Replay", "Result", "Study", "TrialView", "minimize"]
