"""The built-in methods, a file each; importing this registers them all."""

from zoo.methods import (
    acdc,
    atp,
    atp_star,
    controls,
    eap,
    eap_ig,
    edge_pruning,
    exact,
    flow,
    hisp,
    nodes,
    probing,
    relp,
    ugs,
)
from zoo.methods.method import find_method, known_methods

__all__ = [
    "acdc",
    "atp",
    "atp_star",
    "controls",
    "eap",
    "eap_ig",
    "edge_pruning",
    "exact",
    "find_method",
    "flow",
    "hisp",
    "known_methods",
    "nodes",
    "probing",
    "relp",
    "ugs",
]
