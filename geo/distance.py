"""Great-circle geometry on the mean sphere: metres in and out, WGS-84 degrees, bearings clockwise from north.

The sphere (mean radius of IUGG, 6,371,008.8 m) is within 0.6 % of the ellipsoid, far below the error of a
road estimate. `unit` and `chord` serve ordering: straight lines through the earth compare like arcs, know
no antimeridian and no pole, and cost one `math.dist` instead of four trigonometric calls.
"""

from math import asin, atan2, cos, degrees, pi, radians, sin, sqrt

from .types import Position

EARTH_RADIUS_M = 6_371_008.8
# One degree of latitude; a degree of longitude is never longer.
METRES_PER_DEGREE = EARTH_RADIUS_M * pi / 180

Vector = tuple[float, float, float]


def haversine_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres along the great circle between two places."""
    phi1, phi2 = radians(lat1), radians(lat2)
    half = sin((phi2 - phi1) / 2) ** 2 + cos(phi1) * cos(phi2) * sin(radians(lon2 - lon1) / 2) ** 2
    # Rounding can lift the value of antipodes a hair above 1.
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def bearing_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Initial course from the first place to the second, in [0, 360); 0 where they coincide."""
    phi1, phi2, turn = radians(lat1), radians(lat2), radians(lon2 - lon1)
    east = sin(turn) * cos(phi2)
    north = cos(phi1) * sin(phi2) - sin(phi1) * cos(phi2) * cos(turn)
    # A tiny negative angle comes out of % as 360.0 itself.
    return degrees(atan2(east, north)) % 360 % 360


def destination(lat: float, lon: float, bearing_deg: float, metres: float) -> Position:
    """The place reached from (lat, lon) by going `metres` on the great circle of that initial course."""
    phi, course, arc = radians(lat), radians(bearing_deg), metres / EARTH_RADIUS_M
    sin_end = sin(phi) * cos(arc) + cos(phi) * sin(arc) * cos(course)
    end = asin(max(-1.0, min(1.0, sin_end)))
    turn = atan2(sin(course) * sin(arc) * cos(phi), cos(arc) - sin(phi) * sin_end)
    return Position(degrees(end), (lon + degrees(turn) + 180) % 360 - 180)


def unit(lat: float, lon: float) -> Vector:
    """The place as a vector of length 1 from the centre of the earth."""
    phi, lam = radians(lat), radians(lon)
    ring = cos(phi)
    return (ring * cos(lam), ring * sin(lam), sin(phi))


def chord(metres: float) -> float:
    """The straight line under an arc of `metres`, in earth radii; 2, the diameter, from half the globe on."""
    arc = metres / EARTH_RADIUS_M
    return 2 * sin(arc / 2) if arc < pi else 2.0


def arc_m(chord: float) -> float:
    """Metres of the arc above a straight line of `chord` earth radii."""
    return 2 * EARTH_RADIUS_M * asin(min(1.0, chord / 2))
