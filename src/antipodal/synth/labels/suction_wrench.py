"""What a sealed suction cup holds against.

After Dex-Net 3.0 (Mahler et al., ICRA 2018, section IV): a ring of contact transmits a force along its normal, the
vacuum's pull among it, friction in its plane and about its normal, and elastic moments about the axes in its plane:

    f_N = f_z + V >= 0,   f_x^2 + f_y^2 + (t_z / r)^2 <= (mu f_N)^2,   t_x^2 + t_y^2 <= (pi r kappa)^2

with the vacuum's pull V, the lip's radius r and friction mu. The paper puts a box into each ellipsoid (sqrt(3) |f_x| <=
mu f_N, ..., sqrt(2) |t_x| <= pi r kappa), which turns with the axes across the normal although the cup is round; here
the ellipsoids themselves are taken. The six wrenches of a single contact are all there is, so the one that carries the
object is known, and no programme has to be solved.

kappa: the lip is pushed back by half of the bellows' travel and leans until one side is pushed back by all of it. A
ring with the cup's stiffness then gives the moment stiffness * travel * radius / 4, the largest within the bellows'
elastic range.
"""

from __future__ import annotations

import numba
import numpy as np

from antipodal.suction_cup import SuctionCup
from antipodal.synth.labels.contacts import NEVER


def elastic_moment(cup: SuctionCup) -> float:
    """The largest moment across the lip's plane [Nm], pi r kappa."""
    return cup.stiffness * cup.travel * cup.radius / 4


def friction_needed(T: np.ndarray, centers: np.ndarray, weights: np.ndarray, cup: SuctionCup) -> np.ndarray:
    """The least coefficients (N,) of friction with which cups at T (N, 4, 4) hold objects, NEVER where none is enough:
    the vacuum is too weak, or the moment bends the cup too far.

    centers: (N, 3) centres of mass [m]; weights: (N, 3) forces on them [N]; both in the frame of T.
    """
    T, centers, weights = (np.ascontiguousarray(a, dtype=np.float64) for a in (T, centers, weights))
    return _friction_each(T, centers, weights, cup.force, cup.radius, elastic_moment(cup))


@numba.njit(cache=True)
def _friction_each(T, centers, weights, pull, radius, moment):
    out = np.empty(len(T))
    for n in range(len(T)):
        out[n] = friction_to_hold(T[n, :3, :3], centers[n] - T[n, :3, 3], weights[n], pull, radius, moment)
    return out


@numba.njit(cache=True)
def friction_to_hold(R, arm, weight, pull, radius, moment):
    """As `friction_needed`, of one cup with axes R (3, 3), the centre of mass at `arm` (3,) from its lip's middle."""
    x, y, z = R[:, 0], R[:, 1], R[:, 2]
    torque = np.empty(3)
    torque[0] = weight[1] * arm[2] - weight[2] * arm[1]  # the cup's moment on the object, against that of the weight
    torque[1] = weight[2] * arm[0] - weight[0] * arm[2]
    torque[2] = weight[0] * arm[1] - weight[1] * arm[0]
    normal = pull - np.sum(z * weight)
    if normal <= 0 or np.hypot(np.sum(x * torque), np.sum(y * torque)) > moment:
        return NEVER
    sliding = np.hypot(np.sum(x * weight), np.sum(y * weight))
    return min(np.hypot(sliding, np.sum(z * torque) / radius) / normal, NEVER)
