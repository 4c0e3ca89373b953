"""The generator's frames against the server's own codec: two implementations of one wire."""

import msgpack
import orjson
import pytest

from loadtests.bench.fleet import Truck
from loadtests.bench.wire import Codec, Json, Msgpack
from server.protocol.codec import CODECS
from server.protocol.messages import PositionReport


@pytest.mark.parametrize("codec", [Msgpack(), Json()], ids=["msgpack", "json"])
@pytest.mark.parametrize("count", [1, 5, 15, 16, 500])
def test_the_server_reads_a_prebuilt_position_frame(codec: Codec, count: int) -> None:
    truck = Truck(43.25, 76.9, 90.0, 20.0, 1_700_000_000.0)
    fixes = [truck.fix(seq, 1_700_000_000.0 + seq) for seq in range(1, count + 1)]
    message = CODECS[codec.subprotocol].decode(codec.report(fixes))
    assert isinstance(message, PositionReport)
    assert [(p.seq, p.at, p.lat, p.lon, p.speed, p.heading, p.accuracy) for p in message.points] == fixes


def test_both_codecs_say_the_same() -> None:
    fixes = [Truck(51.1, 71.4, 0.0, 10.0, 0.0).fix(7, 3.0)]
    assert msgpack.unpackb(Msgpack().report(fixes)) == orjson.loads(Json().report(fixes))


def test_a_truck_drives_as_far_as_its_speed_says() -> None:
    truck = Truck(51.0, 71.0, 90.0, 20.0, 100.0)
    _, at, lat, lon, speed, heading, _ = truck.fix(1, 200.0)
    assert (at, speed, heading) == (200.0, 20.0, 90.0)
    assert lat == pytest.approx(51.0)
    assert (lon - 71.0) * 111_195 * 0.62932 == pytest.approx(2000, rel=0.001)  # cos 51 degrees
