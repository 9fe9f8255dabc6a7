"""The installation's signing key and what is signed with it: CSRF tokens, tickets. Keys are never logged."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from workspace.errors import NotAllowed
from workspace.i18n import _
from workspace.settings import Settings


class SigningKey:
    """Derives one key per purpose, so that a ticket can never pass for a CSRF token."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def mac(self, purpose: str, value: str) -> str:
        return hmac.new(self._secret, f"{purpose}\n{value}".encode(), hashlib.sha256).hexdigest()

    def sign(self, purpose: str, value: dict[str, Any]) -> str:
        return URLSafeTimedSerializer(self._secret, salt=purpose).dumps(value)

    def read(self, purpose: str, token: str, *, max_age_s: int) -> dict[str, Any]:
        """The signed value; NotAllowed when it was altered, made for another purpose, or is too old."""
        try:
            value: dict[str, Any] = URLSafeTimedSerializer(self._secret, salt=purpose).loads(token, max_age=max_age_s)
        except BadSignature as error:
            raise NotAllowed(_("凭证无效或已过期"), _("请刷新页面后再试。")) from error
        return value


def load_signing_key(settings: Settings) -> SigningKey:
    """The configured key, else one generated into ``data_dir/secret.key`` (0600) by whichever process is first."""
    if settings.secret_key:
        return SigningKey(settings.secret_key)
    path = settings.data_dir / "secret.key"
    if not path.exists():
        _create_once(path, secrets.token_urlsafe(48))
    return SigningKey(path.read_text("ascii").strip())


def token_hash(token: str) -> str:
    """How random tokens of at least 32 bytes are stored; they need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _create_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(0o600)
    draft.write_text(text, "ascii")
    try:
        os.link(draft, path)  # Atomic and fails when another process was first.
    except FileExistsError:
        pass
    finally:
        draft.unlink()
