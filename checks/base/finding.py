"""What is found, how soon pictures are lost of it, and what a person does about it."""

from __future__ import annotations

OK, WARNING, CRITICAL, UNKNOWN = range(4)


class Finding:
    """One thing that is found.

    `text` is for the first line, a few words. `losing`: pictures lost an hour, now. `loss_at`: when the first one will
    be (seconds since the epoch). `impaired`: something is wrong, though no loss is in sight; it can wait until `until`,
    where that is known. `pages`: it wakes somebody, whenever the loss is. `owner`: the service that pages for this
    cause, so that this one does not.
    """

    __slots__ = (
        "cause",
        "evidence",
        "impaired",
        "losing",
        "loss_at",
        "owner",
        "pages",
        "step",
        "text",
        "unknown",
        "until",
    )

    def __init__(
        self,
        text: str,
        *,
        losing: float = 0.0,
        loss_at: float | None = None,
        impaired: bool = False,
        unknown: bool = False,
        until: float | None = None,
        pages: bool = False,
        owner: str | None = None,
        cause: str = "",
        evidence: str = "",
        step: str = "",
    ) -> None:
        self.text = text
        self.losing = losing
        self.loss_at = loss_at
        self.impaired = impaired
        self.unknown = unknown
        self.until = until
        self.pages = pages
        self.owner = owner
        self.cause = cause
        self.evidence = evidence
        self.step = step

    def state(self, now: float, act: float) -> int:
        """Return the state by the time to loss: what is lost within `act` seconds is CRITICAL, unless another pages."""
        if self.pages or self.losing > 0 or (self.loss_at is not None and self.loss_at - now <= act):
            return CRITICAL if self.owner is None else WARNING
        if self.loss_at is not None or self.impaired:
            return WARNING
        return UNKNOWN if self.unknown else OK

    def waits(self, act: float) -> float | None:
        """Return until when it can wait; None: nobody knows a loss."""
        if self.until is None and self.loss_at is not None:
            return self.loss_at - act
        return self.until

    def lines(self) -> list[str]:
        """Return the lines that explain it: cause, evidence, next step."""
        told = [f"cause: {self.cause}" if self.cause else "", f"evidence: {self.evidence}" if self.evidence else ""]
        told += [f"pages: {self.owner}" if self.owner else "", f"next: {self.step}" if self.step else ""]
        return [self.text, *(f"  {line}" for line in told if line)]
