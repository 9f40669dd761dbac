"""Who may come in: pages of our own address, and where others could come, too, those who have the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from voxrig_bridge import door

from .refusal import Refusal

COOKIE = "voxrig_token"


@dataclass(frozen=True)
class Entrance:
    """Where the studio listens, and what it wants to see."""

    host: str
    token: str = ""
    """Empty where nobody is asked for one."""

    @property
    def local(self) -> bool:
        """Whether only this machine can come."""
        return door.loopback(self.host)

    def check(self, path: str, host: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        """Raises Refusal."""
        name = urlsplit(f"//{host}").hostname if _readable(host) else None
        if self.local and not (name and door.loopback(name)):
            raise Refusal(400, "the name of this server is localhost, 127.0.0.1 or [::1]")
        origin = headers.get("Origin")
        if origin is not None and not _own(origin, host):
            raise Refusal(400, "pages of other origins may not ask this server")
        needed = path.startswith(("/api/", "/v1/", "/avatar"))
        if self.token and needed and not self.known(headers, cookies):
            raise Refusal(401, "no token, or a wrong one; open the address that voxrig studio printed")

    def known(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a request brings the token."""
        given = [*door.keys_given(headers.items()), cookies.get(COOKIE, "")]
        return door.known(given, [self.token])

    def right(self, token: str) -> bool:
        """Whether it is ours."""
        return bool(self.token) and door.known([token], [self.token])


def _readable(host: str) -> bool:
    try:
        _ = urlsplit(f"//{host}").port
        return True
    except ValueError:
        return False


def _own(origin: str, host: str) -> bool:
    """Whether an origin is the place that the request was sent to."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
