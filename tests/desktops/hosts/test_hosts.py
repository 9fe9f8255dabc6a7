"""What is kept of hosts."""

import pytest

from desktops.caching.counts import Counts, cache_counts, tell_counts
from desktops.hosts.access import only_simulated
from desktops.hosts.actions import add_host, ensure_own_host, note_host_seen, note_probe
from desktops.hosts.models import Host
from desktops.hosts.words import sentences
from desktops.machines.queries import list_hosts
from workspace.db import Database
from workspace.errors import InvalidInput
from workspace.parts import Parts
from workspace.settings import Settings
from workspace.work import open_work

FACTS = {"memory_mib": 4096, "accelerator": "qemu"}


def test_own_host_when_nobody_added_one_then_once(database: Database, parts: Parts) -> None:
    for _time in range(2):
        with open_work(database, parts=parts) as work:
            ensure_own_host(work)
    with open_work(database, parts=parts, writes=False) as work:
        assert work.session.query(Host).count() == 1


def test_probe_when_nothing_changed_then_no_event(database: Database, parts: Parts) -> None:
    with open_work(database, parts=parts) as work:
        host_id = add_host(work, name="机房").id
    recorded = []
    for facts in (FACTS, dict(FACTS), {**FACTS, "accelerator": "kvm"}):
        with open_work(database, parts=parts) as work:
            note_probe(work, host_id, simulated=False, facts=facts, verdict="")
            recorded.append(len(work.recorded))
    assert recorded == [1, 0, 1]


def test_host_when_lost_and_back_then_an_event_each(database: Database, parts: Parts) -> None:
    with open_work(database, parts=parts) as work:
        host_id = add_host(work, name="机房").id
    kinds = []
    for trouble in ("", "没有回应", "没有回应", "", ""):
        with open_work(database, parts=parts) as work:
            note_host_seen(work, host_id, trouble)
            kinds.append([str(one.kind) for one in work.recorded])
    assert kinds == [[], ["desktops.host.lost"], [], ["desktops.host.back"], []]


def test_cache_when_its_process_has_told_then_the_page_of_hosts_says_how_much_it_saved(database: Database, parts: Parts) -> None:
    settings = parts.get(Settings)
    assert cache_counts(settings) is None
    (settings.data_dir / "chunks").mkdir(parents=True)
    tell_counts(settings, Counts(hits=3, hit_bytes=300, fetches=1, fetched_bytes=100, used_bytes=400))
    with open_work(database, parts=parts) as work:
        host_id = add_host(work, name="机房").id
        assert list_hosts(work)[0].cache_percent is None
        note_host_seen(work, host_id, cache=cache_counts(settings))
        work.session.flush()
        assert (list_hosts(work)[0].cache_percent, list_hosts(work)[0].cache_used_bytes) == (75, 400)


def test_add_host_when_known_already_then_refused(database: Database, parts: Parts) -> None:
    with open_work(database, parts=parts) as work:
        add_host(work, name="机房", uri="qemu+ssh://a/system")
    with pytest.raises(InvalidInput), open_work(database, parts=parts) as work:
        add_host(work, name="另一个", uri="qemu+ssh://a/system")


@pytest.mark.parametrize(("kinds", "simulated"), [([], False), ([True], True), ([True, False], False), ([False], False)])
def test_only_simulated_when_hosts_are_known_then_said_only_if_all_are(
    database: Database, parts: Parts, kinds: list[bool], simulated: bool
) -> None:
    with open_work(database, parts=parts) as work:
        for number, kind in enumerate(kinds):
            host = add_host(work, name=f"机房 {number}", uri=f"uri:{number}")
            work.session.flush()
            note_probe(work, host.id, simulated=kind, facts=FACTS, verdict="")
    assert only_simulated(database) is simulated


def test_sentences_when_a_code_is_unknown_then_shown_as_it_is() -> None:
    found = sentences(["simulated", "from_a_later_release"])
    assert found[0].startswith("这是 libvirt 自带的模拟宿主机")
    assert found[1] == "from_a_later_release"
