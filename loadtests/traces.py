"""Recorded tracks: CSV (`vehicle_id, ts|t_s, lat, lon, speed_kmh, heading`) and GPX, gzipped or not."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple
from xml.etree import ElementTree

LONGEST_SPAN_S = 2 * 86400.0
"""A trace whose vehicles drove at times further apart is a collection of drives, not one day of a fleet."""


class Sample(NamedTuple):
    """One recorded fix: seconds, degrees, m/s, degrees; None where the recording has nothing."""

    t: float
    lat: float
    lon: float
    speed: float | None
    heading: float | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Samples by vehicle, each in time order. Times count from the first sample of the whole trace."""

    vehicles: dict[str, list[Sample]]

    @property
    def duration(self) -> float:
        """Seconds from the first sample to the last."""
        return max(samples[-1].t for samples in self.vehicles.values())

    @property
    def count(self) -> int:
        """How many samples there are."""
        return sum(map(len, self.vehicles.values()))

    def box(self, margin: float = 0.05) -> tuple[float, float, float, float]:
        """west, south, east, north in degrees around all samples."""
        lats = [sample.lat for samples in self.vehicles.values() for sample in samples]
        lons = [sample.lon for samples in self.vehicles.values() for sample in samples]
        return (
            max(-180.0, min(lons) - margin), max(-90.0, min(lats) - margin),
            min(180.0, max(lons) + margin), min(90.0, max(lats) + margin),
        )  # fmt: skip

    def cloned(self, times: int, step: float = 0.01) -> "Trace":
        """Every vehicle `times` times, each copy moved by `step` degrees to the north-east of the one before."""
        return Trace(
            {
                f"{name}/{copy}" if copy else name: [
                    s._replace(lat=min(90.0, s.lat + copy * step), lon=min(180.0, s.lon + copy * step))
                    for s in samples
                ]
                for name, samples in self.vehicles.items()
                for copy in range(times)
            }
        )

    def upto(self, seconds: float) -> "Trace":
        """The beginning of the trace."""
        cut = {name: [s for s in samples if s.t <= seconds] for name, samples in self.vehicles.items()}
        return Trace({name: samples for name, samples in cut.items() if samples})


def read_trace(path: Path) -> Trace:
    """Read a trace file; raises ValueError with the line at fault, or when there is nothing in it.

    Wall times are kept relative to each other. Times from each vehicle's own start (`t_s`), and wall times
    more than two days apart, are moved so that all vehicles start at once.
    """
    with _opened(path) as text:
        name = path.name.removesuffix(".gz")
        if name.endswith(".gpx"):
            samples, own_clocks = _gpx(text), False
        elif name.endswith(".csv"):
            samples, own_clocks = _csv(text)
        else:
            raise ValueError(f"{path.name} is neither .csv nor .gpx (nor either with .gz)")
    if not samples:
        raise ValueError(f"{path.name} holds no fixes")
    for track in samples.values():
        track.sort(key=lambda sample: sample.t)
    starts = [track[0].t for track in samples.values()]
    ends = [track[-1].t for track in samples.values()]
    together = own_clocks or max(ends) - min(starts) > LONGEST_SPAN_S
    return Trace(
        {
            vehicle: _moved(track, track[0].t if together else min(starts))
            for vehicle, track in samples.items()
        }
    )


def _moved(track: Iterable[Sample], start: float) -> list[Sample]:
    return [sample._replace(t=sample.t - start) for sample in track]


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    if path.name.endswith(".gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            yield text
    else:
        with path.open(encoding="utf-8", newline="") as text:
            yield text


def _csv(text: IO[str]) -> tuple[dict[str, list[Sample]], bool]:
    table = csv.DictReader(text)
    columns = set(table.fieldnames or ())
    clock = "ts" if "ts" in columns else "t_s"
    missing = {"vehicle_id", "lat", "lon", clock} - columns
    if missing:
        raise ValueError(f"the CSV lacks the columns {', '.join(sorted(missing))}")
    samples: dict[str, list[Sample]] = defaultdict(list)
    for row in table:
        try:
            speed, heading = row.get("speed_kmh"), row.get("heading")
            sample = Sample(
                float(row[clock]), float(row["lat"]), float(row["lon"]),
                float(speed) / 3.6 if speed else None, float(heading) if heading else None,
            )  # fmt: skip
        except (TypeError, ValueError) as error:
            raise ValueError(f"line {table.line_num}: {error}") from error
        samples[row["vehicle_id"]].append(sample)
    return samples, clock == "t_s"


def _gpx(text: IO[str]) -> dict[str, list[Sample]]:
    """Track points with a time; a vehicle is a `trk`. The namespace differs between GPX 1.0 and 1.1."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    track = 0
    for event, element in ElementTree.iterparse(text, events=("start", "end")):
        tag = element.tag.rpartition("}")[2]
        if tag == "trk" and event == "start":
            track += 1
        elif tag == "trkpt" and event == "end":
            inside = {child.tag.rpartition("}")[2]: child.text for child in element.iter()}
            if inside.get("time"):
                samples[str(track)].append(_track_point(element, inside))
            element.clear()
    return samples


def _track_point(element: ElementTree.Element, inside: dict[str, str | None]) -> Sample:
    speed, course = inside.get("speed"), inside.get("course")
    return Sample(
        datetime.fromisoformat((inside["time"] or "").strip()).timestamp(),
        float(element.attrib["lat"]), float(element.attrib["lon"]),
        float(speed) if speed else None, float(course) if course else None,
    )  # fmt: skip
