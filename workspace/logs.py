"""Structured logs on standard error: one line an event, no secrets, readable on a terminal and by machines."""

import logging
import sys

import structlog

from workspace.settings import Settings

SECRET_NAMES = ("token", "password", "secret", "code", "authorization", "cookie")


def configure_logs(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    pretty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _without_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if not pretty else structlog.processors.StackInfoRenderer(),
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=level, stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _without_secrets(_logger: object, _name: str, line: "structlog.typing.EventDict") -> "structlog.typing.EventDict":
    for name in line:
        if any(word in name.lower() for word in SECRET_NAMES):
            line[name] = "***"
    return line
