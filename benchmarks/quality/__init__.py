"""Search quality: tasks described once for every library, runs that resume, regret tables.

`spaces` is the neutral description, `tasks` the public tasks, `scoring` the regret arithmetic; `run` and `report` are
the two commands.
"""
