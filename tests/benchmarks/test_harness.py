"""The figures' own logic: goals, percentiles, the table and the plot."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks import harness
from benchmarks.__main__ import available
from benchmarks.harness import Row, figure_text, machine, percentile, table
from benchmarks.plot import draw


@pytest.mark.parametrize(
    ("better", "ours", "goal", "met"),
    [
        ("lower", 1.0, 2.0, True),
        ("lower", 3.0, 2.0, False),
        ("higher", 3.0, 2.0, True),
        ("higher", 1.0, 2.0, False),
        ("lower", 1.0, None, None),
    ],
)
def test_goal_is_met_on_the_better_side(better: str, ours: float, goal: float | None, met: bool | None) -> None:
    assert Row("a", "what", "s", better, ours, {}, goal).met is met  # type: ignore[arg-type]


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.95, 96), (1.0, 100)])
def test_percentile_of_one_to_a_hundred(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value


@pytest.mark.parametrize(("value", "text"), [(0.0123, "0.0123"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12 346")])
def test_figures_are_shown_with_three_digits_that_mean_something(value: float, text: str) -> None:
    assert figure_text(value) == text


def test_table_says_how_many_times_better_ours_is_on_either_side() -> None:
    text = table(
        "Title", [Row("a", "time", "s", "lower", 2.0, {"rclone": 8.0}, 3.0), Row("b", "rate", "1/s", "higher", 2.0, {"rclone": 8.0}, 3.0)]
    )
    assert "rclone 8 (4×)" in text
    assert "rclone 8 (0.25×)" in text
    assert "goal ≤ 3 met" in text
    assert "goal ≥ 3 MISSED" in text


def test_plot_is_well_formed_and_draws_every_figure() -> None:
    row = Row("a", "time & <place>", "s", "lower", 2.0, {"rclone": 8.0, "restic": 4.0}, 3.0)
    picture = ElementTree.fromstring(draw("标题", [row.as_json()]))
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)
    assert len(picture.findall("{http://www.w3.org/2000/svg}line")) == 1


def test_quick_run_is_kept_apart_from_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    monkeypatch.setattr(harness.importlib, "import_module", lambda _name: _Measured)
    harness.run("trial", quick=True)
    written = json.loads((tmp_path / "artefacts" / "benchmarks" / "trial.json").read_text())
    assert written["title"] == "A trial."
    assert written["rows"] == [
        {"id": "a", "what": "time", "unit": "s", "better": "lower", "ours": 1.0, "peers": {"cp": 2.0}, "goal": 1.5, "met": True}
    ]
    assert not (tmp_path / "benchmarks" / "results").exists()


def test_part_of_a_benchmark_is_kept_apart_from_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    monkeypatch.setattr(harness.importlib, "import_module", lambda _name: _Measured)
    harness.run("trial", quick=False, only=("a",))
    assert (tmp_path / "artefacts" / "benchmarks" / "trial.json").exists()
    assert not (tmp_path / "benchmarks" / "results").exists()


class _Measured:
    """A trial."""

    @staticmethod
    def measure(quick: bool, *, only: tuple[str, ...] = ()) -> list[Row]:
        assert quick or only == ("a",)
        return [Row("a", "time", "s", "lower", 1.0, {"cp": 2.0}, 1.5)]


def test_machine_tells_what_figures_depend_on() -> None:
    assert {"cpu", "cores", "memory_mib", "load", "commit"} <= set(machine())


def test_every_benchmark_has_a_title() -> None:
    assert all(available().values())
