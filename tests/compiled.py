"""What each new app would compile again, compiled once for all apps of a test run: templates and routes; and cheap password hashes.

A test has an app of its own, so that no test sees another's state. Compiled code is no state: the same source gives the same code.
"""

from collections.abc import Callable
from typing import Any

import argon2
import flask
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
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
    """A route whose builder of addresses is taken from an earlier app's equal route: it asks ``self`` for all that is not equal.

    Should werkzeug rename the method, then nothing changes but the time it takes.
    """

    _builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if self.defaults:  # Their converters' words go into the code.
            return super()._compile_builder(append_unknown)
        key = (self.rule, append_unknown, *self._trace)
        if key not in self._builders:
            self._builders[key] = super()._compile_builder(append_unknown)
        return self._builders[key]


def compile_once() -> None:
    """From now on, for every app of this process."""
    flask.Flask.jinja_options = {**flask.Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    flask.Flask.url_rule_class = CompiledRule


def hash_cheaply(password: str) -> str:
    """A hash that is verified in no time, since a hash says itself how dear it is; for accounts that sign in thousands of times."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)
