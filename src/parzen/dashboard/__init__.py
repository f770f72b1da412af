"""The web page of a storage: `parzen dashboard study.db`, or `parzen.dashboard.serve("study.db")`.

The server reads each study once and follows it (`_library`); everything that a browser asks for is made from that history:
lists and single trials (`_views`), the table (`_table`, with conditions in words by `_filter`), plots (`_figures`), a form made
from the space (`_form`), and news as they come (`_live`).  What a browser may change goes through the methods of `Study`
(`_control`).  `_guard` decides who may speak with it at all, before anything else looks at a request; `_app` puts this together
and `_serve` starts it.

The page itself is in `static/`: HTML, CSS and ES modules as they are read by browsers, without a build step.  It makes elements
with `textContent` only (`js/dom.js`), because labels, options and messages of a study may be anything.
"""

from parzen.dashboard._serve import Dashboard, serve

__all__ = ["Dashboard", "serve"]
