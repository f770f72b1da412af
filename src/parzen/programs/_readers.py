"""Who would read a value as a program: shells, interpreters, and what hands its arguments to a shell.

A value is passed as an argument of its own, so nobody reads it but the program that is run.  That program may be a shell
with a text to run (`sh -c TEXT`), and then TEXT is where a value must not stand; or one that puts its arguments together
and has a shell read them (`ssh host ...`), and then values must mean nothing to a shell.  Programs that do such a thing and
are not known here cannot be seen from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from parzen.errors import SpaceError

__all__ = ["refuse_programs"]

_SHELL = re.compile(r"(ba|da|z|k|mk|a|c|tc|fi|nu|r|xon|elv)?sh|(pw|power)shell|pwsh|cmd")
_CODE = re.compile(
    r"(python|pypy|perl|ruby|php|lua)[\d.]*|luajit|node|nodejs|rscript|r|julia|octave|tclsh|deno|bun|ghc"
)
_FIRST = re.compile(r"[gmn]?awk|g?sed|jq|expect|bc")
"""Interpreters whose first argument is the program."""
_JOINING = re.compile(
    r"ssh|rsh|mosh|pssh|su|runuser|script|watch|tmux|screen|at|batch|parallel|flock|.*\.(bat|cmd)"
    r"|[gbdnq]?make|remake|just|go-task|ninja|rake|ant|npm|npx|yarn|pnpm|bunx"
    r"|bsub|qsub|msub|xterm|urxvt|konsole|gnome-terminal|xfce4-terminal"
)
"""Programs that put their arguments together and have a shell read them; or read them themselves, as make does `$(shell …)`,
and put them into what a shell reads."""
_WITH_VALUE = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file", "-W", "-X", "-ExecutionPolicy")
_LONG = (
    "--command",
    "--eval",
    "--execute",
    "--expr",
    "--print",
    "--init-command",
    "-command",
    "-encodedcommand",
    "-eval",
)
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")


def refuse_programs(
    arguments: Sequence[tuple[str, ...]], options: Mapping[str, Sequence[Any]], in_words: Callable[[Any], str]
) -> None:
    """Refuse a place for a value where it would be read as a program.

    Args:
        arguments: each as texts at even places and labels at odd ones.
        options: label -> what it may be; nothing for numbers, which mean nothing to anybody.
        in_words: an option as an argument.

    Raises:
        SpaceError: there is one; the text says what to write instead.
    """
    programs = _programs(arguments)
    joining: str | None = None
    for place, parts in enumerate(arguments):
        labels = parts[1::2]
        if labels and place == 0:
            raise SpaceError(f"which program is run cannot depend on a parameter: {{{labels[0]}}} stands in its place")
        if labels and place in programs:
            raise SpaceError(
                f"{{{labels[0]}}} stands in a text that {programs[place]} reads as a program, where a value could do "
                f"anything: pass it as an argument, as in sh -c 'train --lr \"$1\"' sh {{{labels[0]}}}, or let the program "
                "read it from the file {config}",
                label=labels[0],
            )
        word = _called(parts[0]) if not labels else ""
        if _JOINING.fullmatch(word) or parts[0].startswith("--wrap"):
            joining = word or parts[0]
        for label in labels if joining is not None else ():
            for text in map(in_words, options.get(label, ())):
                if not _PLAIN.fullmatch(text):
                    raise SpaceError(
                        f"{joining} has a shell read its arguments, and {text!r:.80} of parameter {label!r} means something "
                        "to a shell: let the program read it from the file {config}",
                        label=label,
                    )


def _programs(arguments: Sequence[tuple[str, ...]]) -> dict[int, str]:
    """Places of arguments that somebody reads as a program, and who."""
    found: dict[int, str] = {}
    for k, parts in enumerate(arguments):
        word = _called(parts[0]) if len(parts) == 1 else ""
        if word == "env":
            found |= {m + d: "env" for m, d in _splitting(arguments, k)}
        elif _SHELL.fullmatch(word) or _CODE.fullmatch(word) or _FIRST.fullmatch(word):
            found |= dict.fromkeys(_read_by(word, arguments, k), word)
    return found


def _read_by(word: str, arguments: Sequence[tuple[str, ...]], k: int) -> list[int]:
    """What an interpreter at place `k` reads; its own options end where its script, or the program in `_FIRST`, stands."""
    read: list[int] = []
    skip, first = False, _FIRST.fullmatch(word) is not None
    for m in range(k + 1, len(arguments)):
        text = arguments[m][0]
        if skip:
            skip = False
        elif word == "cmd" and text.lower() in ("/c", "/k", "/r"):
            return [*read, *range(m + 1, len(arguments))]
        elif text in _WITH_VALUE or (first and text in ("-v", "-F")):
            skip = True
        elif first and text in ("-f", "--file", "--from-file"):  # the program is in a file
            return read
        elif not text.startswith(("-", "+")) or text == "--":
            return [*read, m] if first else read
        elif _holds_program(text):
            glued = len(arguments[m]) > 1
            read.append(m if glued else m + 1)
            if word in ("pwsh", "powershell"):
                return [*read, *range(m + 1, len(arguments))]
            skip = not glued
    return read


def _holds_program(option: str) -> bool:
    """Whether an option says that a program follows: -c, -lc, -ne, --eval; or holds one: -cTEXT, --eval=TEXT."""
    name = option.partition("=")[0].lower()
    if name in _LONG:
        return True
    return not option.startswith("--") and any(letter in "ceErp" for letter in option[1:5])


def _splitting(arguments: Sequence[tuple[str, ...]], k: int) -> list[tuple[int, int]]:
    """`env -S TEXT` and `env -STEXT`: as (place of the option, how far the text is from it)."""
    found = []
    for m in range(k + 1, len(arguments)):
        text = arguments[m][0]
        if text in ("-S", "--split-string"):
            found.append((m, 1))
        elif text.startswith(("-S", "--split-string=")):
            found.append((m, 0))
    return found


def _called(word: str) -> str:
    return re.sub(r"\.(exe|com)$", "", re.split(r"[/\\]", word)[-1].lower())
