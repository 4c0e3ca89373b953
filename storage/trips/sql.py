"""Statements of the trips; which index each uses stands above it."""

# ix_trips_look. Trips that another worker looks at now are passed over.
CLAIM = """
SELECT * FROM trips WHERE look_at <= clock_timestamp() AND ended_at IS NULL
ORDER BY look_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
# The same: of trips that are over, one at a time, for it may have a week of fixes.
CLAIM_ENDED = """
SELECT * FROM trips WHERE look_at <= clock_timestamp() AND ended_at IS NOT NULL
ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
NOW = "SELECT clock_timestamp()"
# Primary keys.
ORDERS = """
SELECT o.*, a.driver_id FROM orders o JOIN assignments a ON a.order_id = o.id WHERE o.id = ANY($1::bigint[])
"""
STOPS = "SELECT * FROM trip_stops WHERE order_id = ANY($1::bigint[]) ORDER BY order_id, position"
# ix_assignments_driver for the driver's other hand: this load comes after the one that was taken before it.
BEHIND = """
SELECT a.order_id FROM assignments a
WHERE a.order_id = ANY($1::bigint[]) AND EXISTS (SELECT FROM assignments b
    WHERE b.driver_id = a.driver_id AND b.ended_at IS NULL AND b.order_id <> a.order_id
        AND b.assigned_at < a.assigned_at)
"""
ADD_STOPS = """
INSERT INTO trip_stops (order_id, position, fence, radius_m)
SELECT n.order_id, n.position, ST_MakePoint(n.lon, n.lat)::geography, n.radius_m
FROM unnest($1::bigint[], $2::smallint[], $3::float8[], $4::float8[], $5::real[])
    AS n(order_id, position, lat, lon, radius_m)
ON CONFLICT DO NOTHING
"""
# A fix against the fences of the stops that the truck has not left: PostGIS measures on the ellipsoid.
_FENCES = """
    ARRAY(SELECT s.position FROM trip_stops s WHERE s.order_id = t.order_id
        AND ST_DWithin(s.fence, p.point::geography, s.radius_m)) AS inside,
    ARRAY(SELECT s.position FROM trip_stops s WHERE s.order_id = t.order_id
        AND ST_DWithin(s.fence, p.point::geography, s.radius_m * $5::real)) AS near
"""
# ix_devices_user_id, then the primary key of the partitions of those days: one range a device. Late fixes wait for
# the recount; jumps (3) come along, because the trail makes up its own mind. $6: at most so many a trip.
FIXES = f"""
SELECT t.order_id, f.* FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
    AS t(order_id, driver_id, since, until)
CROSS JOIN LATERAL (
    SELECT p.recorded_at, p.point, p.accuracy, p.flag, {_FENCES}
    FROM positions p WHERE p.device_id IN (SELECT d.id FROM devices d WHERE d.user_id = t.driver_id)
        AND p.driver_id = t.driver_id AND p.recorded_at > t.since AND p.recorded_at <= t.until
        AND p.flag IN (0, 3)
    ORDER BY p.recorded_at LIMIT $6
) AS f ORDER BY t.order_id, f.recorded_at
"""
# The same for one trip that is over, with what came late: $3 and $4 are its ends. Read by a cursor, so that it is
# put in order once, however long the trip was.
WHOLE = f"""
SELECT p.recorded_at, p.point, p.accuracy, p.flag, {_FENCES}
FROM (SELECT $1::bigint AS order_id, $2::bigint AS driver_id) t
CROSS JOIN positions p
WHERE p.device_id IN (SELECT d.id FROM devices d WHERE d.user_id = $2)
    AND p.driver_id = t.driver_id AND p.recorded_at > $3 AND p.recorded_at <= $4 AND p.flag IN (0, 1, 3)
ORDER BY p.recorded_at
"""
# The same range; what was received after $5 has come late.
CAME_LATE = """
SELECT EXISTS (SELECT FROM positions p WHERE p.device_id IN (SELECT d.id FROM devices d WHERE d.user_id = $1)
    AND p.driver_id = $1 AND p.recorded_at > $2 AND p.recorded_at <= $3 AND p.received_at > $4)
"""
# Primary keys, in all of these.
SAVE = """
UPDATE trips SET followed_to = $2, metres = $3, trail = $4, eta = $5, eta_at = $6, delay_s = $7,
    told_delay_s = $8, suggested = $9, started_at = $10, ended_at = $11, look_at = $12
WHERE order_id = $1
"""
SAVE_STOP = """
UPDATE trip_stops SET arrived_at = $3, left_at = $4, inside_since = $5, outside_since = $6
WHERE order_id = $1 AND position = $2
"""
ADD_HALT = """
INSERT INTO trip_halts (order_id, since, until, point) VALUES ($1, $2, $3, $4)
ON CONFLICT (order_id, since) DO UPDATE SET until = excluded.until, point = excluded.point
"""
CLOSE = """
UPDATE trips SET closed_at = clock_timestamp(), metres = $2, empty_metres = $3, trail = '{}', look_at = $4
WHERE order_id = $1
"""
SETTLED = "UPDATE trips SET look_at = NULL WHERE order_id = $1"
FORGET_HALTS = "DELETE FROM trip_halts WHERE order_id = $1"
# 10 m off the line is within what a receiver errs; PostGIS keeps the M (time) of the points that stay.
KEEP_TRACK = """
INSERT INTO trip_tracks (order_id, line, cells)
SELECT $1, ST_Simplify(ST_MakeLine(array_agg(ST_SetSRID(ST_MakePointM(w.lon, w.lat, w.at), 4326) ORDER BY w.at)),
    0.0001), $5::bigint[]
FROM unnest($2::float8[], $3::float8[], $4::float8[]) AS w(lat, lon, at)
ON CONFLICT (order_id) DO UPDATE SET line = excluded.line, cells = excluded.cells
"""
FORGET_TRACK = "DELETE FROM trip_tracks WHERE order_id = $1"
# Primary key of order_events; the first time of each step of the driver's.
STEPS = """
SELECT status, min(at) AS at FROM order_events WHERE order_id = $1 AND kind = status GROUP BY status
ORDER BY min(seq)
"""
# Primary keys; uq_reviews_order_id_side. Both sides of a haul that ended well are asked what it was like, but
# for who has said so. $2 its driver.
ASK_FOR_REVIEWS = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
SELECT party, 'review.asked', jsonb_build_object('order', o.id), 'ask:' || o.id || ':' || party,
    clock_timestamp() + interval '7 days'
FROM orders o CROSS JOIN unnest(ARRAY[o.shipper_id, $2::bigint]) AS party
WHERE o.id = $1 AND o.status IN ('delivered', 'closed')
    AND NOT EXISTS (SELECT FROM reviews r WHERE r.order_id = o.id AND r.author_id = party)
ORDER BY party ON CONFLICT DO NOTHING
"""
# The outbox by its unique dedupe_key: one push for each step that the stream suggests.
SUGGEST = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
VALUES ($1, 'trip.suggested', jsonb_build_object('order', $2::bigint, 'status', $3::text),
    'suggest:' || $2::bigint || ':' || $3::text, clock_timestamp() + interval '1 hour')
ON CONFLICT DO NOTHING
"""
