"""People for tests: a server that knows several, and one that lets nobody near Tether."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer, IdentityProvider, User


class NamedIdentity(IdentityProvider):
    """Believes the name in a header, behind the usual token."""

    def _name(self, handler: Any) -> str:
        return str(handler.request.headers.get("X-Test-User", "somebody"))

    async def get_user(self, handler: Any) -> User | None:  # type: ignore[override]
        known = await super()._get_user(handler)
        return User(username=self._name(handler)) if known else None


class DenyTether(Authorizer):
    """Allows everything but Tether."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        return resource != "tether"


class DenyContents(Authorizer):
    """Allows everything but the workspace."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        return resource != "contents"
