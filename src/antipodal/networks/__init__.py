"""Grasp-quality networks: crops, architectures, model files, scores."""

from antipodal.networks.model import (
    HEIGHT_MAP,
    METRIC_CROP,
    PIXEL_CROP,
    SUCTION_CROP,
    GraspNetwork,
    count_parameters,
    crop_definition,
    flops,
    for_planning,
    load,
    pick_device,
    read_plain,
    save,
    save_plain,
)

__all__ = [
    "HEIGHT_MAP",
    "METRIC_CROP",
    "PIXEL_CROP",
    "SUCTION_CROP",
    "GraspNetwork",
    "count_parameters",
    "crop_definition",
    "flops",
    "for_planning",
    "load",
    "pick_device",
    "read_plain",
    "save",
    "save_plain",
]
