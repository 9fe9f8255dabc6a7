"""Where a new desktop goes."""

import pytest

from desktops.hosts.rules import Candidate, Refusal, place


def host(
    name: str,
    *,
    city: str | None = "上海",
    memory: int = 8192,
    reserved: int = 0,
    accepts: bool = True,
    reachable: bool = True,
    simulated: bool = False,
) -> Candidate:
    return Candidate(name, city, memory, reserved, accepts, reachable, simulated)


CASES = {
    "none": ([], Refusal.NO_HOST),
    "closed": ([host("a", accepts=False)], Refusal.NO_HOST),
    "silent": ([host("a", reachable=False)], Refusal.UNREACHABLE),
    "full": ([host("a", reserved=7169)], Refusal.FULL),
    "fits exactly": ([host("a", reserved=7168)], "a"),
    "own city before more memory": ([host("a", city="北京", memory=65536), host("b")], "b"),
    "another city when the own is full": ([host("a", city="北京"), host("b", reserved=8000)], "a"),
    "most free memory": ([host("a", reserved=2048), host("b", reserved=1024)], "b"),
    "stable when equal": ([host("b"), host("a")], "a"),
    "real before simulated": ([host("a", simulated=True), host("b", city="成都")], "b"),
    "simulated when nothing else": ([host("a", simulated=True), host("b", reachable=False)], "a"),
    "closed ones do not count as silent": ([host("a", accepts=False), host("b", reserved=8192)], Refusal.FULL),
}


@pytest.mark.parametrize("case", CASES)
def test_place_when_hosts_differ_then_filters_before_scores(case: str) -> None:
    hosts, expected = CASES[case]
    chosen = place(hosts, memory_mib=1024, site_id="上海")
    assert (chosen if isinstance(chosen, Refusal) else chosen.host_id) == expected
