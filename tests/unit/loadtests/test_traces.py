import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from loadtests.replay import recorded_at, schedule
from loadtests.traces import Sample, Trace, read_trace

CSV = """vehicle_id,ts,lat,lon,speed_kmh,heading,route
a,1000,30.1,-97.1,36,90,7
b,1010,30.2,-97.2,,,8
a,1060,30.3,-97.3,72,,7
"""
GPX = """<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">
 <trk><trkseg>
  <trkpt lat="43.2" lon="76.9"><ele>800</ele><time>2024-05-01T10:00:00Z</time></trkpt>
  <trkpt lat="43.3" lon="76.9"><time>2024-05-01T15:00:30+05:00</time>
   <extensions><speed>12.5</speed><course>180</course></extensions></trkpt>
  <trkpt lat="43.4" lon="76.9"/>
 </trkseg></trk>
 <trk><trkseg><trkpt lat="51.1" lon="71.4"><time>2024-05-01T10:00:10Z</time></trkpt></trkseg></trk>
</gpx>
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_csv_with_wall_times_keeps_them_relative_to_each_other(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path / "t.csv", CSV))
    assert trace.vehicles == {
        "a": [Sample(0, 30.1, -97.1, 10, 90), Sample(60, 30.3, -97.3, 20, None)],
        "b": [Sample(10, 30.2, -97.2, None, None)],
    }
    assert (trace.count, trace.duration) == (3, 60)


def test_drives_on_their_own_clocks_all_start_at_once(tmp_path: Path) -> None:
    rows = "vehicle_id,t_s,lat,lon\n1,5,1,1\n1,7,1,1\n2,0,1,1\n2,3,1,1\n"
    trace = read_trace(written(tmp_path / "t.csv", rows))
    assert [[s.t for s in track] for track in trace.vehicles.values()] == [[0, 2], [0, 3]]


def test_drives_of_different_years_are_moved_together(tmp_path: Path) -> None:
    rows = "vehicle_id,ts,lat,lon\n1,1000,1,1\n1,1002,1,1\n2,40000000,1,1\n2,40000003,1,1\n"
    trace = read_trace(written(tmp_path / "t.csv", rows))
    assert trace.duration == 3


def test_a_gzipped_file_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    assert read_trace(tmp_path / "t.csv.gz") == read_trace(written(tmp_path / "t.csv", CSV))


def test_a_gpx_gives_a_vehicle_a_track_and_leaves_out_points_without_a_time(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path / "t.gpx", GPX))
    assert trace.vehicles == {
        "1": [Sample(0, 43.2, 76.9, None, None), Sample(30, 43.3, 76.9, 12.5, 180)],
        "2": [Sample(10, 51.1, 71.4, None, None)],
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.csv", "vehicle_id,lat,lon\n1,2,3\n", "lacks the columns t_s"),
        ("t.csv", "vehicle_id,ts,lat,lon\n1,2,3,4\n1,2,x,4\n", "line 3"),
        ("t.csv", "vehicle_id,ts,lat,lon\n", "no fixes"),
        ("t.txt", "", "neither .csv nor .gpx"),
    ],
)
def test_what_is_no_trace_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_trace(written(tmp_path / name, text))


def test_clones_drive_beside_each_other() -> None:
    trace = Trace({"a": [Sample(0, 10, 20, None, None)]}).cloned(3)
    assert {name: (t[0].lat, t[0].lon) for name, t in trace.vehicles.items()} == {
        "a": (10, 20),
        "a/1": (10.01, 20.01),
        "a/2": (10.02, 20.02),
    }


def test_a_cut_trace_leaves_out_vehicles_that_had_not_started(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path / "t.csv", CSV)).upto(5)
    assert list(trace.vehicles) == ["a"]


@pytest.mark.parametrize("speed", [1.0, 7.0, 60.0])
def test_recorded_times_keep_the_trace_s_spacing_and_are_never_in_the_future(speed: float) -> None:
    samples = [Sample(t, 0, 0, None, None) for t in (0.0, 27.5, 120.0, 4000.0)]
    trace = Trace({"a": samples})
    start = 1_700_000_000.0
    end = start + trace.duration / speed
    times = [recorded_at(sample, trace.duration, end) for sample in samples]
    sends = [start + after for after, _, _ in schedule(trace, speed)]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([27.5, 92.5, 3880])
    assert all(recorded <= sent + 1e-3 for recorded, sent in zip(times, sends, strict=True))
    assert times[-1] == pytest.approx(sends[-1], abs=2e-3)


def test_the_schedule_mixes_vehicles_in_the_order_of_time() -> None:
    trace = Trace(
        {
            "a": [Sample(0, 0, 0, None, None), Sample(30, 0, 0, None, None)],
            "b": [Sample(10, 0, 0, None, None)],
        }
    )
    assert [(after, vehicle) for after, vehicle, _ in schedule(trace, 10)] == [(0, "a"), (1, "b"), (3, "a")]


@pytest.mark.parametrize(
    ("name", "vehicles", "count"),
    [
        ("austin-buses-2017-03-21.csv.gz", 329, 45_382),
        ("osm-drives-1hz.csv.gz", 88, 186_016),
        ("aracaju-gotrack-2014.csv.gz", 133, 18_027),
    ],
)
def test_the_real_traces_are_read_whole(shared_data: Path, name: str, vehicles: int, count: int) -> None:
    trace = read_trace(shared_data / name)
    assert (len(trace.vehicles), trace.count) == (vehicles, count)
    assert all(a.t <= b.t for track in trace.vehicles.values() for a, b in pairwise(track))
    assert trace.duration < 12 * 3600
