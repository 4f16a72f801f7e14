"""A planner that works like Dex-Net 2.0's published one, as a reference for timing. It follows the description (Mahler
et al., RSS 2017, sections IV.C and V.B) and the known structure of the code; no code is copied.

Every edge pixel is paired with every other; each grasp warps the whole image, then crops and resizes; GQ-CNN 2.0 runs
in eager torch with torch's own local response normalisation; scikit-learn's Gaussian mixture refits between iterations.
"""

from __future__ import annotations

from typing import List, Tuple

import cv2
import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform
from torch import nn

from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.networks.gqcnn import LocalResponseNorm
from antipodal.networks.model import GraspNetwork

MOST_EDGES = 4000  # as the published sampler takes at most
CROP, SIZE = 96, 32  # pixels cut out of the warped image, and after resizing
FRICTION = 0.8
SLOPE = 0.002  # least difference of depth between neighbouring pixels at an edge [m]

Scored = Tuple[np.ndarray, np.ndarray]


class ReferencePlanner:
    """Candidates, crops, network and cross-entropy method of the reference, with the counts that it is given."""

    def __init__(self, gripper: Gripper, seed: int = 0):
        self.gripper = gripper
        torch.manual_seed(seed)
        self.network = with_torchs_norm(GraspNetwork("gqcnn2")).eval()

    @torch.no_grad()
    def plan(
        self, depth: np.ndarray, camera: Camera, candidates: int, samples: int, iterations: int, seed: int = 0
    ) -> Scored:
        """The last grasps (N, 4) as (column, row, angle, depth) and their scores (N,)."""
        rng = np.random.default_rng(seed)
        grasps = self.sample(depth, camera, candidates, rng)
        scores = self.score(depth, grasps)
        for _ in range(iterations):
            elites = grasps[np.argsort(-scores)[: max(2, len(grasps) // 4)]]
            grasps = refit(elites, samples, rng)
            scores = self.score(depth, grasps)
        return grasps, scores

    def sample(self, depth: np.ndarray, camera: Camera, count: int, rng: np.random.Generator) -> np.ndarray:
        """`count` antipodal grasps (count, 4), repeated where the image holds fewer pairs."""
        smooth = cv2.GaussianBlur(depth, (7, 7), 1.0)
        gy, gx = np.gradient(smooth)
        edges = np.argwhere(np.hypot(gx, gy) > SLOPE)
        edges = edges[rng.permutation(len(edges))[:MOST_EDGES]]
        normals = np.array([_normal(gx, gy, row, column) for row, column in edges])
        width = self.gripper.max_width * camera.fx / np.median(depth[depth > 0])
        distance, facing = squareform(pdist(edges)), normals @ normals.T
        first, second = np.nonzero((facing < -np.cos(np.arctan(FRICTION))) & (distance < width) & (distance > 0))
        found: List[List[float]] = []
        for k in rng.permutation(len(first)):
            one, two = edges[first[k]], edges[second[k]]
            if _antipodal(one, two, normals[first[k]], normals[second[k]]):
                row, column = (one + two) / 2
                angle = np.arctan2(two[0] - one[0], two[1] - one[1])
                top = smooth[int(row), int(column)]
                found.append([column, row, angle, rng.uniform(top, top + 0.03)])
            if len(found) == count:
                break
        if not found:
            raise ValueError("no antipodal pair in this image")
        return np.array([found[k % len(found)] for k in range(count)])

    def score(self, depth: np.ndarray, grasps: np.ndarray) -> np.ndarray:
        """The network's logits (N,) for grasps (N, 4)."""
        images = np.stack([crop(depth, g) for g in grasps])[:, None]
        depths = torch.from_numpy(grasps[:, 3:].astype(np.float32))
        return self.network(torch.from_numpy(images), depths).numpy()


def crop(depth: np.ndarray, grasp: np.ndarray) -> np.ndarray:
    """The image (SIZE, SIZE) around a grasp, by turning and shifting the whole depth image."""
    column, row, angle, _ = grasp
    H, W = depth.shape
    turn = cv2.getRotationMatrix2D((float(column), float(row)), float(np.degrees(angle)), 1.0)
    turn[:, 2] += W / 2 - column, H / 2 - row
    warped = cv2.warpAffine(depth, turn, (W, H), flags=cv2.INTER_LINEAR)
    v, u = (H - CROP) // 2, (W - CROP) // 2
    return cv2.resize(warped[v : v + CROP, u : u + CROP], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)


def refit(elites: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` draws (count, 4) of a Gaussian mixture fitted to elites (N, 4)."""
    from sklearn.mixture import GaussianMixture

    mean, spread = elites.mean(axis=0), elites.std(axis=0) + 1e-6
    components = min(5, max(1, len(elites) // 5))
    mixture = GaussianMixture(components, reg_covar=1e-3, random_state=int(rng.integers(1 << 31)))
    return mixture.fit((elites - mean) / spread).sample(count)[0] * spread + mean


def with_torchs_norm(network: nn.Module) -> nn.Module:
    """The network with torch's own local response normalisation in place of ours, which is several times faster."""
    for name, child in network.named_children():
        if isinstance(child, LocalResponseNorm):
            setattr(network, name, nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0))
        else:
            with_torchs_norm(child)
    return network


def _normal(gx: np.ndarray, gy: np.ndarray, row: int, column: int) -> np.ndarray:
    """Outward normal (2,) of an edge pixel as (row, column)."""
    normal = np.array([gy[row, column], gx[row, column]])
    return normal / max(float(np.linalg.norm(normal)), 1e-9)


def _antipodal(one: np.ndarray, two: np.ndarray, normal_one: np.ndarray, normal_two: np.ndarray) -> bool:
    """Whether the line between two contacts lies in both friction cones."""
    way = (two - one) / np.linalg.norm(two - one)
    least = np.cos(np.arctan(FRICTION))
    return bool(-way @ normal_one > least and way @ normal_two > least)
