"""What each new app would compile again, once for all apps of a test run: templates, routes and queries; and cheap password hashes.

A test has an app and a database of its own, so that no test sees another's state. What is compiled is no state: the same source gives
the same code, a template shows what the app that renders it gives, and a query is the same for every SQLite file.
"""

from collections.abc import Callable
from typing import Any

import argon2
import flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache
from werkzeug.local import LocalProxy
from werkzeug.routing import Rule

__all__ = ["compile_once", "hash_cheaply"]


class CompiledTemplates(BytecodeCache):
    """Code of templates by their text and the options that they are compiled with."""

    def __init__(self) -> None:
        self._codes: dict[tuple[object, ...], Any] = {}

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        options = (environment.trim_blocks, environment.lstrip_blocks, *sorted(environment.extensions))
        bucket = Bucket(environment, repr((name, filename, options)), self.get_source_checksum(source))
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


class CompiledRule(Rule):
    """A route that takes what an earlier app's equal route was compiled to: its parts, its converters and its builder of addresses.

    They ask the route for all that is not equal. Should werkzeug rename the methods, then nothing changes but the time it takes.
    """

    _known: dict[tuple[object, ...], dict[str, Any]] = {}
    _builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def compile(self) -> None:
        key = (self.rule, self.host, self.subdomain, self.merge_slashes)
        if self.defaults or key not in self._known:
            super().compile()
            self._known[key] = {name: vars(self)[name] for name in ("_parts", "_trace", "_converters", "arguments")}
        else:
            vars(self).update(self._known[key])
            self._build = self._compile_builder(False).__get__(self, None)
            self._build_unknown = self._compile_builder(True).__get__(self, None)

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if self.defaults:  # Their converters' words go into the code.
            return super()._compile_builder(append_unknown)
        key = (self.rule, append_unknown, *self._trace)
        if key not in self._builders:
            self._builders[key] = super()._compile_builder(append_unknown)
        return self._builders[key]


_make_environment = flask.Flask.create_jinja_environment
_environments: dict[tuple[str, str], FlaskEnvironment] = {}


def _shared_environment(app: flask.Flask) -> FlaskEnvironment:
    """One for all apps of a module: loading its templates took three times as long as rendering a page.

    An app that is to have templates of its own sets ``jinja_env`` to an overlay of it.
    """
    key = (app.import_name, app.root_path)
    if key not in _environments:
        made = _environments[key] = _make_environment(app)
        made.globals.update(url_for=flask.url_for, config=LocalProxy(lambda: flask.current_app.config))
    return _environments[key]


_make_engine = Engine.__init__
_statements: LRUCache[Any, Any] = LRUCache(20_000)


def _make_sharing_engine(engine: Engine, *arguments: Any, **options: Any) -> None:
    """SQLite engines are alike: what one has made of a query the next one need not make again; half a test's time went into that."""
    _make_engine(engine, *arguments, **options)
    if isinstance(engine.dialect, SQLiteDialect_pysqlite):
        engine._compiled_cache = _statements


def compile_once() -> None:
    """From now on, for every app of this process."""
    Engine.__init__ = _make_sharing_engine  # type: ignore[method-assign]
    SQLiteDialect_pysqlite.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[assignment]  # Part of each query's key.
    SQLiteDialect_pysqlite.__hash__ = lambda one: hash(type(one))  # type: ignore[assignment]
    flask.Flask.create_jinja_environment = _shared_environment  # type: ignore[method-assign]
    flask.Flask.jinja_options = {**flask.Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    flask.Flask.url_rule_class = CompiledRule


def hash_cheaply(password: str) -> str:
    """A hash that is verified in no time, since a hash says itself how dear it is; for accounts that sign in thousands of times."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)
