"""A folder of 1,000 pictures in the browser: until what is seen is painted and answers, and what Lighthouse says.

A real product, a real Chromium on the same machine. ``first`` is a visitor whose browser holds nothing, ``again`` one that was
there before. Painted: every thumbnail in the window is decoded, two frames later; ready: keys and mouse are listened to.
"""

import io
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import insert

from benchmarks.harness import ROOT, Row
from benchmarks.syncing.site import Library, Site, running_site
from sync.core.chunking import Chunk, Cutter
from sync.core.hashing import address_of
from sync.core.manifest import manifest_digest, manifest_of
from sync.library.assets.models import AssetEvent, Node, Version
from sync.library.content.actions import keep_manifests
from sync.library.previews.access import preview_key
from sync.library.previews.models import Preview
from sync.library.storage import ObjectStore
from tests.browser import PC, PHONE, Visit, chromium
from wiring import make_parts
from workspace.db import Database, new_id
from workspace.settings import Settings
from workspace.work import open_work

PICTURES = 1000
LIGHTHOUSE = ROOT / "benchmarks" / "lighthouse"
LEFT_OUT: dict[str, str] = {}
WATCH = """() => {
    window.paintedAt = new Promise(resolve => {
        const seen = i => { const b = i.getBoundingClientRect(); return b.top < innerHeight && b.bottom > 0; };
        const look = () => {
            if (!document.querySelector('[data-ready]')) return requestAnimationFrame(look); // Asking for places would lay out by itself.
            const images = [...document.querySelectorAll('[data-node] img')].filter(seen);
            const done = images.length && images.every(i => i.complete && i.naturalWidth);
            if (!done) return requestAnimationFrame(look);
            requestAnimationFrame(() => requestAnimationFrame(() => resolve({ms: performance.now(), shown: images.length})));
        };
        document.addEventListener('DOMContentLoaded', look);
    });
}"""


def measure(quick: bool) -> list[Row]:
    times = 3 if quick else 9
    _tell("starting a product")
    with tempfile.TemporaryDirectory(prefix="mainline-grid-") as name, running_site(Path(name) / "site") as site:
        library = site.open_library("一千张图")
        _tell(f"putting {PICTURES} pictures into it")
        fill(site, library)
        rows = []
        for label, size in (("pc", PC), ("phone", PHONE)):
            _tell(f"{label}: {times} times a first visit and another")
            first, again, shown = _visits(site, library, size, times)
            rows += [
                Row(f"first-{label}", f"First visit, {shown} thumbnails painted and input ready, median", "s", "lower", first, goal=1.0),
                Row(f"again-{label}", "The same with a warm cache, median", "s", "lower", again, goal=1.0),
            ]
        return [*rows, *_lighthouse(site, library)]


def _tell(what: str) -> None:
    """What the next minute goes into, and when it began: on a busy machine it is several."""
    print(f"{time.strftime('%H:%M:%S')} {what} …", flush=True)


def fill(site: Site, library: Library) -> None:
    """A thousand pictures with small previews, put where the product keeps them; nobody looks at large ones or originals here."""
    settings = Settings(data_dir=site.product.data_dir, port=site.product.port)
    parts = make_parts(settings)
    store = parts.get(ObjectStore)  # type: ignore[type-abstract]
    chance, now = random.Random(1), datetime.now(UTC)
    nodes: list[dict[str, Any]] = []
    manifests = []
    pictures: list[tuple[str, bytes]] = []
    for number in range(PICTURES):
        manifest = manifest_of([Chunk(address_of(str(number).encode()), 4)], Cutter.WHOLE)
        digest = manifest_digest(manifest)
        manifests.append(manifest)
        pictures.append((preview_key(digest, "small"), _picture(chance, 480)))
        name = f"主图 {number:04d}.jpg"
        nodes.append(
            {"id": new_id(), "library_id": library.id, "parent_id": library.root, "name": name, "name_key": name, "kind": "file",
             "version": 1, "digest": digest, "size_bytes": 4, "modified_at": now, "author_name": "苏航", "created_at": now,
             "seq": number + 2}
        )  # fmt: skip
    with ThreadPoolExecutor(16) as pool:  # Each waits for the disk.
        list(pool.map(lambda each: store.put(*each), pictures))
    with open_work(parts.get(Database), parts=parts) as work:
        keep_manifests(work, manifests)
        work.session.execute(insert(Node), nodes)
        versions = [
            {"node_id": node["id"], "number": 1, "library_id": library.id, "name": node["name"], "digest": node["digest"], "size_bytes": 4,
             "author_name": "苏航", "modified_at": now, "at": now, "note": ""}
            for node in nodes
        ]  # fmt: skip
        work.session.execute(insert(Version), versions)
        previews = [{"digest": node["digest"], "state": "made", "width": 1200, "height": 900, "at": now} for node in nodes]
        work.session.execute(insert(Preview), previews)
        work.record(AssetEvent.FOLDER_MADE, subject=f"asset:{library.root}", rooms=[], asset=library.name)
    parts.get(Database).dispose()


def _picture(chance: random.Random, width: int) -> bytes:
    """About 10 kB, as a photograph of this size has."""
    image = Image.effect_noise((width // 8, width * 3 // 32), 60).resize((width, width * 3 // 4)).convert("RGB")
    tint = Image.new("RGB", image.size, tuple(chance.randrange(256) for _ in range(3)))
    out = io.BytesIO()
    Image.blend(image, tint, 0.6).save(out, "WEBP", quality=70)
    return out.getvalue()


def _visits(site: Site, library: Library, size: tuple[int, int], times: int) -> tuple[float, float, int]:
    first: list[float] = []
    again: list[float] = []
    shown = 0
    with chromium() as browser:
        for _ in range(times):
            visit = Visit(browser, site.product.url, size=size)
            visit.sign_in("linyue")
            cookies = visit.context.cookies()
            visit.context.close()
            visit = Visit(browser, site.product.url, size=size)  # Another one: its cache is empty.
            visit.context.add_cookies(cookies)  # type: ignore[arg-type]
            visit.page.add_init_script(f"({WATCH})()")
            for kept in (first, again):
                visit.go(f"/library/{library.id}")
                painted = visit.page.evaluate("window.paintedAt")
                kept.append(painted["ms"] / 1000)
                shown = painted["shown"]
            visit.context.close()
    return statistics.median(first), statistics.median(again), shown


def _lighthouse(site: Site, library: Library) -> list[Row]:
    """Scores of 100; installed with its own lock when it is not there yet."""
    program = LIGHTHOUSE / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        _tell("installing Lighthouse with npm")
    if not program.exists() and subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=LIGHTHOUSE, check=False).returncode:
        LEFT_OUT["lighthouse"] = "npm could not install it"
        return []
    rows = []
    with _session(site) as cookie:
        for label, options in (("pc", ["--preset=desktop"]), ("phone", [])):
            _tell(f"{label}: Lighthouse")
            try:
                scores = _scores(program, f"{site.product.url}/library/{library.id}", cookie, options)
            except (
                subprocess.CalledProcessError
            ) as error:  # Its browser sometimes does not paint; what was measured before must not go with it.
                LEFT_OUT[f"Lighthouse, {label}"] = error.stderr[-500:].replace(cookie, "…")
                continue
            for kind, score in scores.items():
                rows.append(Row(f"{kind[:5]}-{label}", f"Lighthouse: {kind}, {label}", "of 100", "higher", score, goal=95.0))
    return rows


@contextmanager
def _session(site: Site) -> Iterator[str]:
    with chromium() as browser:
        visit = Visit(browser, site.product.url).sign_in("linyue")
        yield "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in visit.context.cookies())


def _scores(program: Path, url: str, cookie: str, options: list[str]) -> dict[str, float]:
    flags = "--headless=new --no-sandbox --disable-gpu"
    done = subprocess.run(
        [str(program), url, *options, "--quiet", "--output=json", "--only-categories=performance,accessibility",
         f"--chrome-flags={flags}", "--extra-headers", json.dumps({"Cookie": cookie})],
        env={**os.environ, "CHROME_PATH": shutil.which("chromium") or ""}, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    report = json.loads(done.stdout)
    if folder := os.environ.get("LIGHTHOUSE_REPORT"):
        Path(folder, f"{len(options)}.json").write_text(done.stdout, "utf-8")
    return {name: round(100 * found["score"], 1) for name, found in report["categories"].items()}
