"""The words of a web page in the languages that it can have, and dates as they are written there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


class Words(NamedTuple):
    """What a page says; fields in braces are filled in."""

    months: str
    shown: str  # an instant
    day: str
    expected: str  # when the next picture is
    none: str  # of a camera that has shown nothing yet
    strip: str  # what the picture of a day shows
    zone: str
    reload: str
    stale: str  # said by the script: `ago` is since when
    wrong: str
    skewed: str
    lost: str


LANGUAGES: Mapping[str, Words] = {
    "en": Words(
        months="January February March April May June July August September October November December",
        shown="{day} {month} {year}, {time}",
        day="{day} {month} {year}",
        expected="Next picture expected at {time}",
        none="No picture yet.",
        strip="{day} in the colours of its pictures ({n}), from midnight to midnight; grey: no picture",
        zone="Times of {zone}.",
        reload="Load the page again to see the newest picture.",
        stale="No newer picture: the next one was expected {ago}.",
        wrong="The age cannot be told: the clock of your device seems to be wrong.",
        skewed="The clock of your device is wrong; ages are told by the clock of this website.",
        lost="No connection: a newer picture may be there already.",
    ),
    "fr": Words(
        months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        shown="{day} {month} {year}, {time}",
        day="{day} {month} {year}",
        expected="Prochaine image prévue à {time}",
        none="Pas encore d’image.",  # noqa: RUF001
        strip="{day}, en couleurs de ses images ({n}), de minuit à minuit ; gris : pas d’image",  # noqa: RUF001
        zone="Heures de {zone}.",
        reload="Rechargez la page pour voir la dernière image.",
        stale="Pas d’image plus récente : la suivante était prévue {ago}.",  # noqa: RUF001
        wrong="Âge inconnu : l’horloge de votre appareil semble fausse.",  # noqa: RUF001
        skewed="L’horloge de votre appareil est fausse ; l’âge est compté par celle de ce site.",  # noqa: RUF001
        lost="Pas de connexion : une image plus récente est peut-être là.",
    ),
    "de": Words(
        months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        shown="{day}. {month} {year}, {time}",
        day="{day}. {month} {year}",
        expected="Nächstes Bild erwartet um {time}",
        none="Noch kein Bild.",
        strip="{day} in den Farben seiner Bilder ({n}), von Mitternacht bis Mitternacht; grau: kein Bild",
        zone="Zeiten von {zone}.",
        reload="Laden Sie die Seite neu, um das neueste Bild zu sehen.",
        stale="Kein neueres Bild: das nächste war {ago} erwartet.",
        wrong="Das Alter lässt sich nicht sagen: die Uhr Ihres Geräts geht wohl falsch.",
        skewed="Die Uhr Ihres Geräts geht falsch; das Alter ist nach der Uhr dieser Website.",
        lost="Keine Verbindung: vielleicht gibt es schon ein neueres Bild.",
    ),
}


def instant(words: Words, at: datetime) -> str:
    """Return a local instant in words, with its zone: "21 November 2026, 09:50 CET"."""
    return words.shown.format(**_parts(words, at), time=f"{at:%H:%M} {at:%Z}".strip())


def day(words: Words, at: datetime) -> str:
    """Return a local day in words: "21 November 2026"."""
    return words.day.format(**_parts(words, at))


def expected(words: Words, at: datetime, now: datetime) -> str:
    """Return when the next picture is expected, with its day when that is another one than the last picture's."""
    clock = f"{at:%H:%M}"
    said = clock if at.date() == now.date() else words.shown.format(**_parts(words, at), time=clock)
    return words.expected.format(time=said)


def _parts(words: Words, at: datetime) -> dict[str, object]:
    return {"day": at.day, "month": words.months.split()[at.month - 1], "year": at.year}
