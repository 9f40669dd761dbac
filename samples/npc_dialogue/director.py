"""Plays a dialogue on a stage: who speaks, who listens, what comes next, and what an interruption does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Protocol

from brain import Brain
from graph import RESUME, WITH_BRAIN, Graph, Node
from speech import Line, Studio, Voice, sentences, speak
from stage import SILENCE, Log, Npc, Stage

from voxrig.errors import VoxrigError


class Player(Protocol):
    """Who plays. Everything is asked at every tick and answers at once."""

    def cut_in(self, node: str, seconds: float) -> str | None:
        """What the player said just now, into a line that was heard for so long; None is nothing."""
        ...

    def answer(self, choices: Sequence[str]) -> str | None:
        """The number of a choice, or where there are none any words; None is not yet."""
        ...

    def word(self, speaker: str, word: str, first: bool) -> None:
        """A word of the subtitles is heard now."""
        ...

    def tell(self, text: str) -> None:
        """Something that no NPC says."""
        ...


class Director:
    """One performance of a dialogue."""

    def __init__(
        self,
        graph: Graph,
        stage: Stage,
        voices: dict[str, Voice],
        player: Player,
        log: Log,
        brain: Brain | None = None,
        prefetch: bool = True,
    ) -> None:
        """``voices`` are by actor."""
        self._graph, self._stage, self._voices, self._player = graph, stage, voices, player
        self._log, self._brain, self._prefetch = log, brain, prefetch
        self._studio = Studio(voices)
        self._flags = {WITH_BRAIN} if brain else set()
        self._cut: tuple[Node, Line] | None = None
        """The line that was interrupted last, and what is left of it."""

    async def play(self) -> None:
        """From the start to an end. Raises VoxrigError."""
        try:
            await self._line(self._graph.nodes[self._graph.start])
            await self._wait(60)  # the faces wake up
            at = self._graph.start
            while at:
                at = await self._node(self._graph.nodes[at])
            await self._wait(60)
        finally:
            self._studio.close()

    async def _node(self, node: Node) -> str:
        """Plays a node; the name of the next, empty at the end."""
        self._log("node", {"node": node.name, "npc": node.speaker, "tick": self._stage.now})
        if node.sets:
            self._flags.add(node.sets)
        if node.persona:
            await self._converse(node)
        elif (reaction := await self._perform(node, await self._line(node))) is not None:
            return reaction
        if node.next == RESUME:
            return await self._resume()
        return await self._choose(node) if node.choices else node.next

    async def _resume(self) -> str:
        """The rest of the line that was cut, which may be cut again."""
        if self._cut is None:
            return ""
        (node, rest), self._cut = self._cut, None
        self._log("resumed", {"node": node.name, "npc": node.speaker, "tick": self._stage.now})
        if (reaction := await self._perform(node, rest)) is not None:
            return reaction
        return await self._choose(node) if node.choices else node.next

    async def _perform(self, node: Node, line: Line) -> str | None:
        """Says a node's line; the reaction where one was provoked, else None."""
        cut = await self._say(node, line) is not None
        return (self._graph.reaction(node) or None) if cut else None

    async def _line(self, node: Node) -> Line:
        """A node's line, for which the faces wait; those that may follow are begun."""
        if not node.text:
            return Line("", SILENCE, ())
        line = self._studio.line(node.speaker, node.text)
        ready, begun = line.done(), self._stage.now
        if self._prefetch:
            for name in (self._graph.reaction(node), *node.ways):  # the reaction may be wanted first
                if (after := self._graph.nodes.get(name)) and after.text:
                    self._studio.line(after.speaker, after.text)
        while not line.done():
            await self._stage.tick()
        self._log("line", {"node": node.name, "ready": ready, "waited": self._stage.now - begun})
        return line.result()

    async def _say(self, node: Node, line: Line) -> str | None:
        """Says a line to its end, or until the player cuts in: what the player said, which may be empty."""
        npc = self._stage.npcs[node.speaker]
        await self._turn_to(node)
        await npc.say(line, node.direction)
        told, begun = 0, False
        while npc.speaking:
            await self._stage.tick()
            heard = npc.heard
            if heard and not begun:
                begun = True
                self._log(
                    "voice", {"node": node.name, "npc": npc.name, "tick": self._stage.now, "frame": npc.shown}
                )
            while told < len(line.words) and line.words[told].start < heard:
                self._player.word(npc.name, line.words[told].text, told == 0)
                self._log("word", {"npc": npc.name, "frame": npc.shown, "word": line.words[told].text})
                told += 1
            if (said := self._player.cut_in(node.name, heard)) is not None:
                await self._interrupt(node, npc, line.rest(heard))
                return said
        await npc.listen()
        return None

    async def _interrupt(self, node: Node, npc: Npc, rest: Line) -> None:
        self._log(
            "interrupted", {"node": node.name, "npc": npc.name, "tick": self._stage.now, "frame": npc.shown}
        )
        await npc.interrupt()
        await npc.listen()
        for other in self._stage.npcs.values():
            await other.look(0.0)  # everybody looks at who cut in
        if node.next != RESUME:
            self._cut = node, rest
        await self._wait(18)  # a moment of surprise

    async def _turn_to(self, node: Node) -> None:
        """Listeners look at the speaker, the speaker at who is spoken to."""
        for name, npc in self._stage.npcs.items():
            other = node.to if name == node.speaker else node.speaker
            await npc.look(self._graph.actors[name].sees.get(other))

    async def _choose(self, node: Node) -> str:
        """Waits, listening, until the player has chosen."""
        open_ones = [choice for choice in node.choices if choice.open(self._flags)]
        for npc in self._stage.npcs.values():
            await npc.look(None)
        while True:
            text = await self._answer([choice.text for choice in open_ones])
            if text.isdecimal() and 0 < int(text) <= len(open_ones):
                return open_ones[int(text) - 1].next
            self._player.tell(f"Choose 1 to {len(open_ones)}.")

    async def _converse(self, node: Node) -> None:
        """Free talk until the player says nothing; each sentence of an answer is spoken as it is complete."""
        assert self._brain is not None, "only choices that ask for a brain lead here"
        history = [{"role": "system", "content": node.persona}]
        self._player.tell(f"Say something to {node.speaker}; an empty line ends it.")
        text = await self._answer([])
        while text:
            history.append({"role": "user", "content": text})
            heard, text = await self._reply(node, history)
            history.append({"role": "assistant", "content": heard})
            text = text or await self._answer([])

    async def _reply(self, node: Node, history: Sequence[dict[str, str]]) -> tuple[str, str]:
        """Speaks an answer; what was heard of it, and what the player cut in with."""
        assert self._brain is not None
        coming = _Coming(self._brain, history, self._voices[node.speaker])
        heard: list[str] = []
        try:
            while (line := await self._next(coming)) is not None:
                said = await self._say(node, line)
                if said is None:
                    heard.append(line.text)
                    continue
                left = self._cut[1].words if self._cut else ()
                heard += [word.text for word in line.words[: len(line.words) - len(left)]]
                return " ".join(heard), said
        except VoxrigError as error:
            if coming.fault is not error:
                raise
            self._player.tell(f"({error})")
            self._log("brain", {"error": str(error)})
        finally:
            coming.stop()
        return " ".join(heard), ""

    async def _next(self, coming: _Coming) -> Line | None:
        while coming.empty:
            await self._stage.tick()
        return coming.take()

    async def _answer(self, choices: Sequence[str]) -> str:
        while (text := self._player.answer(choices)) is None:
            await self._stage.tick()
        self._log("answer", {"tick": self._stage.now, "text": text})
        return text.strip()

    async def _wait(self, ticks: int) -> None:
        for _ in range(ticks):
            await self._stage.tick()


class _Coming:
    """Lines of an answer that is still being thought: a thread reads, cuts into sentences and speaks them."""

    def __init__(self, brain: Brain, history: Sequence[dict[str, str]], voice: Voice) -> None:
        self.fault: VoxrigError | None = None
        self._brain, self._history, self._voice = brain, tuple(history), voice
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        threading.Thread(target=self._think, name="brain", daemon=True).start()

    @property
    def empty(self) -> bool:
        return self._lines.empty()

    def take(self) -> Line | None:
        """The next line, None after the last. Raises VoxrigError where the answer broke off."""
        line = self._lines.get()
        if line is None and self.fault is not None:
            raise self.fault
        return line

    def stop(self) -> None:
        """Nothing more is wanted: the thread ends with the next piece."""
        self._stopped.set()

    def _think(self) -> None:
        try:
            for sentence in sentences(self._brain.reply(self._history)):
                if self._stopped.is_set():
                    return
                self._lines.put(speak(self._voice, sentence))
        except VoxrigError as error:
            self.fault = error
        finally:
            self._lines.put(None)
