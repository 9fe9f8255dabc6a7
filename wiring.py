"""Composition: the outside things of a process, and every job and reaction. What each process needs; only web adds pages, in app.py."""

from types import ModuleType

from desktops.consoles import models as console_models
from desktops.hosts import jobs as host_jobs
from desktops.hosts.access import only_simulated
from desktops.hosts.drivers import Hypervisors, hypervisors_factory
from desktops.machines import jobs as machine_jobs
from desktops.machines.queries import desktops_by_site
from desktops.usage import models as usage_models
from main_lines.alerts import jobs as alert_jobs
from main_lines.alerts import reactions as alert_reactions
from main_lines.approvals import reactions as approval_reactions
from main_lines.approvals.holding import approved_versions, held_by_approvals
from main_lines.calendars import models as calendar_models
from main_lines.checks import reactions as check_reactions
from main_lines.checks.holding import held_by_checks
from main_lines.feed import reactions as feed_reactions
from main_lines.feed.holding import held_by_posts
from main_lines.gates import reactions as gate_reactions
from main_lines.handovers import reactions as handover_reactions
from main_lines.lines import reactions as line_reactions
from main_lines.numbers import models as number_models
from main_lines.order_templates import models as order_template_models
from main_lines.plans import reactions as plan_reactions
from main_lines.playbooks import access as playbook_access
from main_lines.retrospectives import models as retrospective_models
from main_lines.tasks import jobs as task_jobs
from main_lines.tasks import reactions as task_reactions
from main_lines.tasks.holding import held_by_tasks
from main_lines.work.access import PlaceFacts
from sync.library.agents_api import models as agents_models
from sync.library.agents_api.feed import Bell
from sync.library.assets import jobs as asset_jobs
from sync.library.backup import models as backup_models
from sync.library.collection import jobs as collection_jobs
from sync.library.comments import reactions as comment_reactions
from sync.library.comments.holding import held_by_comments
from sync.library.exchange import models as exchange_models
from sync.library.grants import jobs as grant_jobs
from sync.library.heads import jobs as head_jobs
from sync.library.heads import reactions as head_reactions
from sync.library.heads.access import Approved
from sync.library.leases import jobs as lease_jobs
from sync.library.previews import jobs as preview_jobs
from sync.library.quotas import jobs as quota_jobs
from sync.library.retention import jobs as retention_jobs
from sync.library.retention.access import Holders
from sync.library.shares import models as share_models
from sync.library.shares.access import held_by_links
from sync.library.storage import ObjectStore, store_factory
from sync.library.trash import jobs as trash_jobs
from sync.library.uploads import jobs as upload_jobs
from sync.library.webdav import models as webdav_models
from sync.library.words import jobs as words_jobs
from workspace import retention
from workspace.db import Database
from workspace.parts import Parts
from workspace.secrets import SigningKey, load_signing_key
from workspace.settings import Settings
from workspace.wake import Wake, make_wake

REGISTERS: tuple[ModuleType, ...] = (
    host_jobs,
    machine_jobs,
    asset_jobs,
    grant_jobs,
    comment_reactions,
    preview_jobs,
    words_jobs,
    lease_jobs,
    trash_jobs,
    retention_jobs,
    quota_jobs,
    upload_jobs,
    head_jobs,
    head_reactions,
    collection_jobs,
    approval_reactions,
    line_reactions,
    feed_reactions,
    alert_reactions,
    alert_jobs,
    task_reactions,
    task_jobs,
    handover_reactions,
    gate_reactions,
    plan_reactions,
    check_reactions,
    retention,
)  # Imported for the jobs and reactions that they register.
TABLES: tuple[ModuleType, ...] = (
    agents_models,
    backup_models,
    exchange_models,
    console_models,
    usage_models,
    webdav_models,
    share_models,
    calendar_models,
    retrospective_models,
    order_template_models,
    number_models,
    playbook_access,
)  # Imported for the tables, rooms and kinds of events that no job reaches.


def make_parts(settings: Settings) -> Parts:
    """The outside things of one process, made when first asked for."""
    wake = make_wake(settings)
    parts = Parts(wake)
    parts.provide(Settings, lambda: settings)
    parts.provide(Database, lambda: Database(settings.effective_database_url))
    parts.provide(SigningKey, lambda: load_signing_key(settings))
    parts.provide(Wake, lambda: wake)  # type: ignore[type-abstract]
    parts.provide(ObjectStore, store_factory(settings))  # type: ignore[type-abstract]
    parts.provide(
        Holders, lambda: Holders((held_by_approvals, held_by_tasks, held_by_checks, held_by_posts, held_by_comments, held_by_links))
    )
    parts.provide(Approved, lambda: Approved((approved_versions,)))
    parts.provide(PlaceFacts, lambda: PlaceFacts(desktops=desktops_by_site))
    parts.provide(Hypervisors, hypervisors_factory(parts))
    parts.simulated = lambda: only_simulated(parts.get(Database))
    parts.provide(Bell, lambda: _make_bell(settings, parts))
    return parts


def _make_bell(settings: Settings, parts: Parts) -> Bell:
    bell = Bell(parts.get(Wake), parts.get(Database), places=settings.feed_places)  # type: ignore[type-abstract]
    parts.at_stop(bell.close)
    parts.at_commit(bell.hear)
    return bell
