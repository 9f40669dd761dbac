"""Who answers freely: ``Brain`` is the whole interface to a language model; bring your own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from voxrig.errors import VoxrigError, one_line

LONGEST = 1 << 20
"""Bytes of one line of a server's answer."""


class BrainError(VoxrigError):
    """No answer, or half of one."""


class Brain(Protocol):
    """Who answers the player."""

    def reply(self, history: Sequence[dict[str, str]]) -> Iterator[str]:
        """An answer in pieces of any size, as they come; runs in a thread of its own. Raises BrainError.

        ``history`` is what was said, as chat completions have it: {"role": "system" | "user" | "assistant",
        "content": …}, of the NPC only what was heard before it was interrupted.
        """
        ...


class ChatServer:
    """Any server of chat completions as OpenAI's: llama.cpp, Ollama, vLLM, LM Studio at ``http://HOST:PORT/v1``."""

    def __init__(self, url: str, model: str = "default", timeout: float = 30.0) -> None:
        self._url, self._model, self._timeout = urlsplit(url), model, timeout
        if self._url.scheme != "http" or not self._url.hostname:
            raise VoxrigError(f"'{one_line(url)}' is no brain; write http://HOST:PORT/v1")

    def reply(self, history: Sequence[dict[str, str]]) -> Iterator[str]:
        asked = json.dumps({"model": self._model, "messages": list(history), "stream": True})
        to, where = self._url, self._url.netloc
        server = http.client.HTTPConnection(to.hostname or "", to.port, timeout=self._timeout)
        try:
            headers = {"content-type": "application/json"}
            server.request("POST", f"{to.path.rstrip('/')}/chat/completions", asked, headers)
            answer = server.getresponse()
            if answer.status != 200:
                said = one_line(answer.read(300).decode(errors="replace"))
                raise BrainError(f"{where} answers {answer.status}: {said}")
            yield from self._pieces(answer)
        except (OSError, http.client.HTTPException) as error:
            raise BrainError(f"{where} broke off: {one_line(str(error)) or type(error).__name__}") from error
        finally:
            server.close()

    def _pieces(self, answer: http.client.HTTPResponse) -> Iterator[str]:
        """Server-sent events: lines ``data: {…}``, at the end ``data: [DONE]``."""
        while line := answer.readline(LONGEST):
            data = line.decode(errors="replace").strip()
            if not data.startswith("data:"):
                continue
            if (data := data[5:].strip()) == "[DONE]":
                return
            try:
                event: Any = json.loads(data)
                piece = event["choices"][0]["delta"].get("content") if event["choices"] else None
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                raise BrainError(
                    f"{self._url.netloc} sent no chat completion: {one_line(data)[:60]}"
                ) from None
            if isinstance(piece, str):
                yield piece
        raise BrainError(f"{self._url.netloc} broke off in the middle of its answer")
