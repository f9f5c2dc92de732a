"""Rules that are watched in each frame: events when they begin to hold and when they cease."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import MgcaError, UserError, describe_error
from runtime.flag_values import whole_number
from runtime.options import option
from runtime.redaction import RedactingFilter
from runtime.rules.measuring import find_zone, measure
from runtime.rules.naming import describe_missing_zone, find_class, why_it_waits
from runtime.rules.rule import Rule, read_rule
from runtime.rules.watch import Watch
from runtime.rules.zone import Zone, check_zones, read_zone
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims
    from runtime.stream.stream import Stream

FLAG = "--snapshots"
KEPT = 1000

__all__ = ["Alerts"]

log = logging.getLogger("mgca.alerts")
log.addFilter(RedactingFilter())


@dataclass
class _Watched:
    """A rule, how it stands, and why it waits, "" while it does not."""

    rule: Rule
    watch: Watch
    waits: str = ""


@register
class Alerts(Sink):
    """Watches rules in every frame of a stream and tells when an alert begins and ends.

    A picture is written only where an alert begins, so its queue holds what comes meanwhile. A
    picture that cannot be written ends no alert; it is warned of, and the run ends with that
    error, with ``--strict`` at once.
    """

    key = "alerts"
    place = 38
    queue_frames = 8

    @dataclass(frozen=True)
    class Options:
        """The zones, the rules, and where pictures go."""

        zone: tuple[Zone, ...] | None = option(
            "a part of the picture that rules can name, its corners in shares of width and "
            "height: --zone 'yard=0.1,0.2 0.9,0.2 0.9,0.8' (may be repeated)",
            metavar="NAME=X,Y..",
            read=read_zone,
            write=str,
            repeated=True,
        )
        alert: tuple[Rule, ...] | None = option(
            "events when a number of objects or a share begins to be so and ends: "
            "--alert 'person>0 in gate' --alert 'smoke>2%% for 5s in yard'",
            metavar="RULE",
            read=read_rule,
            write=str,
            repeated=True,
        )
        snapshots: str | None = option(
            "a JPEG when an alert begins: --alert 'person>0' --snapshots alerts/", metavar="DIR"
        )
        keep_snapshots: int = option(
            f"the newest pictures of a stream that stay: --keep-snapshots 100 (default {KEPT})",
            default=KEPT,
            metavar="N",
            holds=int,
            read=whole_number(1),
        )

    def __init__(
        self,
        rules: tuple[Rule, ...],
        zones: tuple[Zone, ...] = (),
        folder: str | None = None,
        most_snapshots: int = KEPT,
    ) -> None:
        self.zones = zones
        self.given = folder
        self.most_snapshots = most_snapshots
        self.takes_frames = bool(rules)  # zones alone are for the page
        self.wants_objects = any(not rule.is_share for rule in rules)
        self.began = self.snapshots = 0
        self._watched = [_Watched(rule, Watch(rule.hold_s)) for rule in rules]
        self._stream: Stream | None = None
        self._name = ""
        self._failure: MgcaError | None = None

    @classmethod
    def from_options(cls, options: Options) -> Alerts | None:
        """One for ``--alert`` or ``--zone``; ``UserError`` for ``--snapshots`` without rules."""
        zones, rules = options.zone or (), options.alert or ()
        if not rules:
            if options.snapshots is not None:
                raise UserError(f"{FLAG} needs --alert 'person>0', whose beginnings it shows")
        if options.snapshots is None and options.keep_snapshots != KEPT:
            raise UserError(f"--keep-snapshots needs {FLAG} DIR to write the pictures to")
        try:
            check_zones(zones)
        except ValueError as error:
            raise UserError(f"--zone: {error}") from None
        if not zones and not rules:
            return None
        return cls(rules, zones, options.snapshots, options.keep_snapshots)

    def check(self, claims: Claims) -> None:
        """Claim the folder, and find each rule's class; raises ``UserError``."""
        from runtime.sinks.output_file import check_folder

        for one in self._watched:
            one.rule = replace(one.rule, class_name=find_class(one.rule, claims.class_names))
        if self.given is not None:
            if not self.given:
                raise UserError(f"{FLAG} is empty; give the name of a folder")
            check_folder(Path(self.given), FLAG)
            claims.claim_folder(FLAG, self.given, shared=True)

    def prepare(self, facts: RunFacts) -> None:
        """Take over the stream's name."""
        self._name = facts.stream

    def attach(self, stream: Stream) -> None:
        """Give the stream its zones.

        Raises:
            UserError: a rule names a zone that there is not, and no page on which to draw it.
        """
        self._stream = stream
        stream.zones = self.zones
        if any(sink.key == "serve" for sink in stream.sinks):
            return
        for one in self._watched:
            if one.rule.zone is not None and find_zone(one.rule, self.zones) is None:
                raise UserError(describe_missing_zone(one.rule, self.zones))

    def write(self, item: SegmentedFrame) -> None:
        """Look at one frame."""
        assert self._stream is not None
        zones = self._stream.zones  # the page may replace them at any time
        for one in self._watched:
            zone = find_zone(one.rule, zones)
            waits = why_it_waits(one.rule, item.result.class_names, zone)
            self._tell_of_waiting(one, waits, item)
            if not waits:
                self._look(one, item, zone)
        if self._failure is not None and self._stream.strict:
            raise self._failure

    def close(self) -> None:
        """Raise what the writing of a picture met."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def record(self) -> dict[str, Any] | None:
        """The rules, how many alerts began, and the pictures."""
        if not self._watched:
            return None
        record: dict[str, Any] = {"rules": [str(one.rule) for one in self._watched]}
        record |= {
            "began": self.began,
            "active": [str(o.rule) for o in self._watched if o.watch.active],
        }
        if self.given is not None:
            record |= {"folder": self.given, "snapshots": self.snapshots}
        return record

    def summary(self) -> tuple[str, str] | None:
        """How many alerts began."""
        return ("alerts", f"{self.began} began") if self._watched else None

    def _look(self, one: _Watched, item: SegmentedFrame, zone: Zone | None) -> None:
        rule, watch = one.rule, one.watch
        value = measure(rule, item, zone)
        if not watch.update(rule.holds(value), item.frame.time_s):
            return
        if watch.active:
            self.began += 1
            snapshot = self._save(rule, item, zone)
            text = f"alert: {rule} ({rule.describe(value)})"
            self._tell("alert-began", text, one, item, value=value, snapshot=snapshot)
        else:
            text = f"alert over: {rule} ({rule.describe(value)}), after {watch.lasted_s:.1f} s"
            self._tell("alert-ended", text, one, item, value=value)

    def _tell_of_waiting(self, one: _Watched, waits: str, item: SegmentedFrame) -> None:
        if waits == one.waits:
            return
        one.waits = waits
        if not waits:
            self._tell("alert-resumed", f"alert is watched again: {one.rule}", one, item)
            return
        if one.watch.stop():
            self._tell("alert-ended", f"alert over: {one.rule}, since {waits}", one, item)
        self._tell("alert-waits", f"alert waits: {one.rule}, since {waits}", one, item)

    def _tell(self, kind: str, text: str, one: _Watched, item: SegmentedFrame, **more: Any) -> None:
        assert self._stream is not None
        facts: dict[str, Any] = {"rule": str(one.rule), "class": one.rule.class_name}
        facts |= {"zone": one.rule.zone, "frame": item.frame.index}
        facts |= {"time_s": round(item.frame.time_s, 3)}
        if kind == "alert-ended":
            facts["duration_s"] = round(one.watch.lasted_s, 3)
        if "value" in more:
            more["value"] = round(float(more["value"]), 6)
        self._stream.tell(kind, text, **facts, **more)

    def _save(self, rule: Rule, item: SegmentedFrame, zone: Zone | None) -> str | None:
        """Write a picture; its path, None where none is wanted or it failed."""
        if self.given is None:
            return None
        from runtime.rules.snapshots import draw_snapshot, write_snapshot
        from runtime.sinks.output_file import make_folder

        folder = Path(self.given)
        try:
            make_folder(folder, FLAG)
            picture_bgr = draw_snapshot(item, rule, zone)
            path = write_snapshot(
                folder, self._name or "alert", item.frame.index, picture_bgr, self.most_snapshots
            )
        except (OSError, MgcaError) as error:
            reason = getattr(error, "strerror", None) or describe_error(error)
            failure = MgcaError(f"{FLAG} {self.given}: a picture is missing ({reason})")
            if self._failure is None:
                log.warning("%s", failure)
            self._failure = self._failure or failure
            return None
        self.snapshots += 1
        return str(path)
