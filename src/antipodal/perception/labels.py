"""Label images: which object each pixel shows, and which of them are wanted."""

from __future__ import annotations

from typing import Any, Collection, List, Optional, Tuple

import numpy as np

from antipodal.errors import InputError
from antipodal.perception.inputs import as_channel

MAX_LABEL = 2**31 - 1
SHOWN = 20  # labels that a message lists


def check_labels(
    labels: np.ndarray, targets: Optional[Collection[int]], depth: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Labels (H, W) int32, 0 = no object, and the pixels (H, W) bool of the targets, of all objects where those are
    None. Raises InputError."""
    labels = as_labels(labels, depth)
    wanted = None if targets is None else check_targets(targets)
    mask = labels > 0 if wanted is None else np.isin(labels, wanted)
    present = np.unique(labels[labels > 0]).tolist()
    if not present:
        raise InputError("labels name no object: every pixel is 0")
    unknown = sorted(set(wanted or ()) - set(present))
    if unknown:
        raise InputError(f"no pixel has the label {_listed(unknown)}; possible targets: {_listed(present)}")
    if not (mask & (depth > 0)).any():
        raise InputError(f"depth is missing at all {int(mask.sum())} pixels of the targets")
    return labels, mask


def as_labels(labels: Any, depth: np.ndarray) -> np.ndarray:
    """A label image of `depth` as (H, W) int32. Raises InputError."""
    labels = as_channel("labels", labels, depth)
    if labels.dtype.kind not in "iu":
        hint = "; hand a mask over as mask" if labels.dtype == bool else ""
        raise InputError(f"labels must be whole numbers, 0 = no object, got {labels.dtype}{hint}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > MAX_LABEL:
        raise InputError(f"labels must be 0 to {MAX_LABEL}, got {low} to {high}")
    return np.ascontiguousarray(labels, np.int32)


def check_targets(targets: Collection[int]) -> List[int]:
    """The labels of the objects that may be grasped. Raises InputError."""
    wanted = list(targets) if isinstance(targets, (list, tuple, set, frozenset, np.ndarray)) else []
    if not wanted or not all(isinstance(t, (int, np.integer)) and not isinstance(t, bool) and t > 0 for t in wanted):
        raise InputError(f"targets must be one or more labels, whole numbers above 0, got {targets!r}")
    return [int(t) for t in wanted]


def _listed(labels: List[int]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(map(str, labels[:SHOWN])) + more
