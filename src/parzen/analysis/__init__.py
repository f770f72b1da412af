"""Understanding a study: which parameters matter, why a trial was tried, how sure the answer is, what is the matter.

Everything here takes a `Study`, a `Result` or a `History`, reads it and changes nothing.  `_ped_anova` and `_fanova` say
which parameters matter, `_dependence` how; `_region` gives the answer as ranges; `_why` explains a trial; `_doctor` gathers
diagnoses, of which `_bounds`, `_dead`, `_failures` and `_luck` hold one or two each.  `_noise`, `_forest` and
`_random_search` are what these stand on.
"""

from parzen.analysis._dependence import Dependence, partial_dependence
from parzen.analysis._doctor import doctor
from parzen.analysis._fanova import fanova
from parzen.analysis._finding import Finding
from parzen.analysis._importances import Importance, Importances, Interaction
from parzen.analysis._noise import Noise, noise_of
from parzen.analysis._ped_anova import ped_anova
from parzen.analysis._random_search import RandomSearch, random_search
from parzen.analysis._region import Range, Region, region
from parzen.analysis._source import Source, history_of, scored
from parzen.analysis._why import Why, why

__all__ = [
    "Dependence",
    "Finding",
    "Importance",
    "Importances",
    "Interaction",
    "Noise",
    "RandomSearch",
    "Range",
    "Region",
    "Source",
    "Why",
    "doctor",
    "fanova",
    "history_of",
    "noise_of",
    "partial_dependence",
    "ped_anova",
    "random_search",
    "region",
    "scored",
    "why",
]
