"""Where studies live: memory by default, one SQLite file for most people, a database server for many machines.

`_open` finds the class for a path or URL and loads it only then; `memory`, `sql` and `journal` are the classes, `_heads` the
one rule by which all decide what may be appended.  Under `sql` lie `_session` (connection and transactions), `_tables` (the
statements), `_rows` (what is read is checked), `_engines` (URLs), `_upgrade` (from older tables) and `_file` (what is special
about a database that is a file); under `journal` lies `_lines` (the file).
"""

from parzen.storages._open import open_storage
from parzen.storages.memory import MemoryStorage

__all__ = ["MemoryStorage", "open_storage"]
