"""Sync: the workloads W1 to W10 with our product, agent and mount, and with the peers, on this machine in one run.

Ours is `mainline serve` with its embedded store and real agents with real mounts; a save counts as safe when the agent
has the library's answer, which means verified in the store, in the catalogue, in the bucket's log. Peers are installed
there and then (see `syncing/peers.py`). What could not be measured here is named at the end, with the reason.
"""

import tempfile
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

from benchmarks.harness import Row
from benchmarks.syncing.mounts import mount_speed, save_in_storm, save_to_other_mount
from benchmarks.syncing.one_file import insert_in_large, killed_transfer, layered_versions, range_of_large
from benchmarks.syncing.peers import BENCH, Peers, running_peers
from benchmarks.syncing.scale import FULL, QUICK, Scale
from benchmarks.syncing.site import Site, running_site
from benchmarks.syncing.whole_trees import cold_library, first_sync, rename_folder

Workload = Callable[[Site, Peers, Scale, Path], list[Row]]
WORKLOADS: dict[str, Workload] = {
    "W1": first_sync,
    "W2": insert_in_large,
    "W3": rename_folder,
    "W4": save_to_other_mount,
    "W5": cold_library,
    "W6": layered_versions,
    "W7": killed_transfer,
    "W8": range_of_large,
    "W9": save_in_storm,
    "W10": mount_speed,
}
LEFT_OUT: dict[str, str] = {}
"""What this run could not measure, and why; the harness prints it and keeps it with the figures."""


def measure(quick: bool, *, only: Collection[str] = (), alone: bool = False) -> list[Row]:
    """only: these workloads, all if empty. alone: without the peers."""
    if unknown := set(only) - WORKLOADS.keys():
        raise SystemExit(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    scale = QUICK if quick else FULL
    BENCH.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mb-") as name, running_peers(Path(name) / "peers", alone=alone) as peers:
        LEFT_OUT.update({f"peer {peer}": why for peer, why in peers.absent.items()})
        with running_site(Path(name) / "ours") as site:
            for id, workload in WORKLOADS.items():
                if not only or id in only:
                    rows += _measured(id, workload, site, peers, scale)
        LEFT_OUT.update(peers.failed)
    return rows


def _measured(id: str, workload: Workload, site: Site, peers: Peers, scale: Scale) -> list[Row]:
    """One workload in a folder of its own. One that fails is named, and does not take the figures of the others with it."""
    print(f"{id} …", flush=True)
    with tempfile.TemporaryDirectory(prefix=f"{id}-", dir=BENCH, ignore_cleanup_errors=True) as scratch:
        try:
            site.settle()
            return workload(site, peers, scale, Path(scratch))
        except Exception as error:  # noqa: BLE001 - told in the output
            traceback.print_exc()
            LEFT_OUT[id] = f"{type(error).__name__}: {error}"
            return []
