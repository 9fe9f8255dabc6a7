"""How much each workload moves, and the trees of files that they move: the same bytes for us and for every peer."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Scale:
    """Sizes of the workloads. A goal in seconds holds at full scale; ``share`` scales it with the work."""

    files: int = 10_000
    tree_bytes: int = 179 * MIB
    large_mib: int = 1024
    folder_mib: int = 1024
    small_saves: int = 100
    large_saves: int = 5
    library_files: int = 100_000
    versions: int = 50
    layered_mib: int = 78
    broken_mib: int = 512
    ranges: int = 200
    storm_files: int = 20_000
    stream_mib: int = 512
    creates: int = 2000
    quick: bool = False


FULL = Scale()
QUICK = Scale(
    files=1000, tree_bytes=18 * MIB, large_mib=128, folder_mib=100, small_saves=20, large_saves=3, library_files=2000, versions=6,
    layered_mib=16, broken_mib=128, ranges=50, storm_files=1000, stream_mib=64, creates=300, quick=True,
)  # fmt: skip


def write_tree(folder: Path, *, files: int, total_bytes: int, seed: int) -> Path:
    """``files`` files of mixed sizes in folders of 100; half of the bytes compress, as in real folders."""
    numbers = random.Random(seed)
    weights = [numbers.paretovariate(1.3) for _ in range(files)]
    scale = total_bytes / sum(weights)
    for number, weight in enumerate(weights):
        inside = folder / f"批次 {number // 100:03d}"
        inside.mkdir(parents=True, exist_ok=True)
        size = max(1, int(weight * scale))
        (inside / f"素材 {number:05d}.dat").write_bytes(content(numbers, size))
    return folder


def content(numbers: random.Random, size: int) -> bytes:
    """Bytes of which about half compress."""
    noise = numbers.randbytes((size + 1) // 2)
    return (noise + b"main line " * (size // 20 + 1))[:size]


def write_noise(path: Path, mib: int, *, seed: int) -> Path:
    """A large file that does not compress, like a film or a layered picture."""
    numbers = random.Random(seed)
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(numbers.randbytes(MIB))
    return path


def insert_in_middle(source: Path, target: Path, *, seed: int) -> Path:
    """A copy with 1 MiB more in its middle."""
    half = source.stat().st_size // 2
    with source.open("rb") as old, target.open("wb") as new:
        left = half
        while left:
            piece = old.read(min(left, 4 * MIB))
            new.write(piece)
            left -= len(piece)
        new.write(random.Random(seed).randbytes(MIB))
        shutil.copyfileobj(old, new, 4 * MIB)
    return target


def edit_layers(path: Path, *, seed: int) -> None:
    """One save of a layered picture: its head, three layers that grow or shrink a little, and the merged picture at its end."""
    numbers = random.Random(seed)
    data = bytearray(path.read_bytes())
    data[:4096] = numbers.randbytes(4096)
    for _ in range(3):
        start = numbers.randrange(4096, len(data) * 3 // 4)
        length = numbers.randrange(100 * KIB, 800 * KIB)
        data[start : start + length] = numbers.randbytes(length + numbers.randrange(-2000, 2000))
    data[len(data) * 31 // 32 :] = numbers.randbytes(len(data) - len(data) * 31 // 32)
    path.write_bytes(data)
