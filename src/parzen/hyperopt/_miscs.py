"""A document's "misc": the values of a trial, as "idxs" and "vals".

Both map each label to a list: one item where the label was active in this trial, none where it was not.  Of many trials
the same two mappings hold longer lists, that is how suggest functions speak.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["miscs_to_idxs_vals", "miscs_update_idxs_vals", "spec_from_misc"]


def miscs_update_idxs_vals(
    miscs: Sequence[dict[str, Any]],
    idxs: Mapping[str, Sequence[Any]],
    vals: Mapping[str, Sequence[Any]],
    assert_all_vals_used: bool = True,
    idxs_map: Mapping[Any, Any] | None = None,
) -> Sequence[dict[str, Any]]:
    """Write the values of many trials into their miscs, in place.

    Args:
        miscs: one for each trial, with its "tid".
        idxs: label -> tids in which it is active.
        vals: label -> its values, in the order of `idxs`.
        assert_all_vals_used: False leaves out values of trials that are not among `miscs`.
        idxs_map: tid in `idxs` -> tid in `miscs`; those that it lacks are the same.

    Returns:
        The miscs.

    Raises:
        ValueError: `idxs` and `vals` do not fit together.
        KeyError: a value belongs to a trial that is not among `miscs`.
    """
    if set(idxs) != set(vals):
        raise ValueError(
            f"idxs and vals are about the same labels; only one of them has {sorted(map(str, set(idxs) ^ set(vals)))}"
        )
    by_tid = {misc["tid"]: misc for misc in miscs}
    for misc in miscs:
        misc["idxs"] = {label: [] for label in idxs}
        misc["vals"] = {label: [] for label in idxs}
    for label, tids in idxs.items():
        if len(tids) != len(vals[label]):
            raise ValueError(f"label {label!r} has {len(tids)} idxs and {len(vals[label])} vals, expected one for each")
        for given, value in zip(tids, vals[label], strict=True):
            tid = given if idxs_map is None else idxs_map.get(given, given)
            if tid in by_tid:
                by_tid[tid]["idxs"][label] = [tid]
                by_tid[tid]["vals"][label] = [value]
            elif assert_all_vals_used:
                raise KeyError(f"label {label!r} has a value for trial {tid!r}, which is not among the miscs")
    return miscs


def miscs_to_idxs_vals(
    miscs: Iterable[Mapping[str, Any]], keys: Iterable[str] | None = None
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Label -> tids in which it was active, and label -> its values there.

    Args:
        miscs: of any trials; they need not have the same labels.
        keys: the labels; None for all that the miscs have, in order of first appearance.

    Raises:
        ValueError: there is nothing to take the labels from.
    """
    miscs = list(miscs)
    if keys is None:
        if not miscs:
            raise ValueError("without trials the labels are not known: give them as keys")
        keys = dict.fromkeys(label for misc in miscs for label in misc["vals"])
    idxs: dict[str, list[Any]] = {label: [] for label in keys}
    vals: dict[str, list[Any]] = {label: [] for label in idxs}
    for misc in miscs:
        for label, tids in idxs.items():
            values = misc["vals"].get(label, ())
            # The tid and not what "idxs" has: one is all it can be, and some write another number there.
            tids.extend([misc["tid"]] * len(values))
            vals[label].extend(values)
    return idxs, vals


def spec_from_misc(misc: Mapping[str, Any]) -> dict[str, Any]:
    """Label -> value; inactive labels are left out.

    Raises:
        NotImplementedError: a label has several values.
    """
    spec = {}
    for label, values in misc["vals"].items():
        if len(values) > 1:
            raise NotImplementedError(f"label {label!r} has {len(values)} values in one trial, expected one: {values}")
        if len(values):
            spec[label] = values[0]
    return spec
