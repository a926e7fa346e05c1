"""Read: ask the node of each site on its socket; when it does not run, take what it left. Blocks; runs in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from console.feed.shape import understood
from console.feed.snapshot import Answer, Json, Question, SiteView, Snapshot
from core.control.client import ask
from core.errors import NodeUnreachable, NoSuchThing, OverlapseError
from core.site.place import Place
from core.text import safe

Ask = Callable[[Any, str, Mapping[str, Any]], Json]
SHORT = 160  # characters of a reason
PATIENCE = 4.0  # seconds that a node has to answer


class Reader:
    """Keeps what was heard of each site, so that only what is new is asked for."""

    def __init__(self, places: Sequence[Place], now: Callable[[], datetime]) -> None:
        self._places = {place.site: place for place in places}
        self._now = now
        self._views = {place.site: SiteView(place.site, place.node) for place in places}
        self._since: dict[str, int] = {}
        self._kept: dict[Question, tuple[datetime, Answer]] = {}  # those that last, and when they came
        self._acts = 0

    @property
    def snapshot(self) -> Snapshot:
        """Return what is known without asking anybody."""
        return Snapshot(self._now(), tuple(self._views.values()))

    def read(self, questions: Iterable[Question] = ()) -> Snapshot:
        """Return what is known now. Never raises: what could not be read says why."""
        for place in self._places.values():
            self._views[place.site] = self._view(place)
        answers = {question: self._lasting(question) for question in questions}
        return replace(self.snapshot, answers=answers)

    def act(self, site: str, verb: str, args: Mapping[str, Any], key: str) -> Json:
        """Have the node of a site do something; `key` makes a repeat the same request. Raise its error."""
        try:
            return ask(self._places[site].folders.control, verb, args, request_id=key)
        finally:
            self._acts += 1
            self._kept.clear()

    def _view(self, place: Place) -> SiteView:
        before = self._views[place.site]
        try:
            documents = self._heard(place, before.documents)
        except OverlapseError as error:
            self._since.pop(place.site, None)
            return self._left(place, before, _brief(error, place))
        who = before if before.live and before.verbs else self._who(place, before)
        return SiteView(place.site, place.node, documents, self._now(), "", who.role, who.verbs)

    def _heard(self, place: Place, known: Mapping[str, Json]) -> dict[str, Json]:
        """Return the documents, asking only for those that came since; raise OverlapseError."""
        found = dict(known) if place.site in self._since else {}
        since: float | None = self._since.get(place.site, 0)
        newest = 0.0
        while since is not None:
            page = ask(place.folders.control, "fleet", {"since": int(since)}, PATIENCE)
            for document in page["nodes"]:
                found[safe(document["node"], 32)] = understood(document)
                if document["node"] != place.node:  # its own is always new
                    newest = max(newest, float(document["heard"]))
            since = page.get("next")
        self._since[place.site] = max(int(newest), self._since.get(place.site, 0))
        return found

    def _who(self, place: Place, before: SiteView) -> SiteView:
        try:
            said = ask(place.folders.control, "who", {}, PATIENCE)
            return replace(before, role=str(said["role"]), verbs=frozenset(map(str, said["verbs"])))
        except (OverlapseError, KeyError, TypeError):
            return replace(before, role="view", verbs=frozenset())  # a node that does not say gets no acts

    def _left(self, place: Place, before: SiteView, trouble: str) -> SiteView:
        """Return what is still known, with the reason; of a node that was never heard, what lies in its run folder."""
        if before.read is not None:
            return replace(before, trouble=trouble, verbs=frozenset(), role="view")
        from core.status.fleet import read_fleet
        from core.status.read import Unreadable, read

        try:
            ours: Json = read(str(place.folders.status))
            at = float(ours["at"])
            others = {str(one["node"]): one for one in read_fleet(place.folders.fleet)}
            documents = {place.node: {**ours, "heard": at}, **others}
            documents = {name: understood(one) for name, one in documents.items()}
            return SiteView(place.site, place.node, documents, datetime.fromtimestamp(at, UTC), trouble)
        except (Unreadable, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            return replace(before, trouble=f"{trouble}; {safe(error, SHORT)}", verbs=frozenset(), role="view")

    def _lasting(self, question: Question) -> Answer:
        """Return an answer that is still good enough, else ask; only what a node itself said is kept."""
        at, kept = self._kept.get(question, (None, None))
        if at is not None and kept is not None and 0 <= (self._now() - at).total_seconds() < question.lasts:
            return kept
        acts, answer = self._acts, self._answer(question)
        self._kept.pop(question, None)
        if question.lasts and answer.live and not answer.error and acts == self._acts:
            self._kept[question] = self._now(), answer
        return answer

    def _answer(self, question: Question) -> Answer:
        place = self._places[question.site]
        try:
            return Answer(ask(place.folders.control, question.verb, dict(question.args), PATIENCE))
        except NodeUnreachable as error:
            return self._from_files(place, question, _brief(error, place))
        except OverlapseError as error:
            return Answer(error=safe(error, SHORT))

    def _from_files(self, place: Place, question: Question, why: str) -> Answer:
        from console.feed.files import left

        try:
            return Answer(left(place, question.verb, dict(question.args)), why, live=False)
        except NoSuchThing:
            return Answer(error=why, live=False)
        except OverlapseError as error:
            return Answer(error=safe(error, SHORT), live=False)


def _brief(error: OverlapseError, place: Place) -> str:
    """Return what an error says, without the socket's path: the site is named beside it."""
    return safe(str(error).removeprefix(f"{place.folders.control}: "), SHORT)
