"""What a user's export holds: one statement a section, $1 the user. Secrets and other people's data stay out.

A test compares this with storage.erasure_rules: what names a user is exported, or says here why it is not.
"""

# Small by nature: read whole. Each row is one JSON value.
WHOLE: dict[str, str] = {
    "profile": """
SELECT jsonb_build_object('user', id, 'phone', phone, 'role', role, 'name', name, 'email', email, 'locale', locale,
    'time_zone', time_zone, 'created_at', created_at) FROM users WHERE id = $1""",
    "sessions": """
SELECT jsonb_build_object('session', id, 'ip', ip, 'user_agent', user_agent, 'created_at', created_at,
    'expires_at', expires_at, 'revoked_at', revoked_at, 'revoke_reason', revoke_reason)
FROM sessions WHERE user_id = $1 ORDER BY created_at""",
    "identities": """
SELECT jsonb_build_object('provider', provider, 'subject', subject, 'email', email, 'name', name,
    'linked_at', linked_at) FROM identities WHERE user_id = $1 ORDER BY id""",
    "second_factor": """
SELECT jsonb_build_object('confirmed_at', confirmed_at) FROM second_factors WHERE user_id = $1""",
    "devices": """
SELECT to_jsonb(d) - 'user_id' - 'secret_hash' FROM devices d WHERE user_id = $1 ORDER BY id""",
    "push_endpoints": """
SELECT to_jsonb(p) - 'user_id' - 'keys' FROM push_endpoints p WHERE user_id = $1 ORDER BY id""",
    "subscription": "SELECT to_jsonb(s) FROM subscriptions s WHERE user_id = $1",
    "access": """
SELECT to_jsonb(e) - 'user_id' - 'actor_id' FROM access_entries e WHERE user_id = $1 ORDER BY seq""",
    "loyalty": """
SELECT to_jsonb(l) - 'user_id' FROM loyalty_entries l WHERE user_id = $1 ORDER BY id""",
    "transfer_slips": """
SELECT to_jsonb(t) - 'user_id' - 'decided_by' FROM transfer_slips t WHERE user_id = $1 ORDER BY id""",
    "driver_state": "SELECT to_jsonb(s) FROM driver_states s WHERE driver_id = $1",
    "last_position": """
SELECT jsonb_build_object('recorded_at', recorded_at, 'point', point, 'speed', speed, 'heading', heading)
FROM last_positions WHERE driver_id = $1""",
    "company": """
SELECT to_jsonb(c) - 'decided_by' || jsonb_build_object('your_role', m.role, 'joined_at', m.joined_at)
FROM company_members m JOIN companies c ON c.id = m.company_id WHERE m.user_id = $1""",
    "invitations": """
SELECT to_jsonb(i) - 'invited_by' || jsonb_build_object('company', c.legal_name)
FROM invitations i JOIN companies c ON c.id = i.company_id
WHERE i.phone = (SELECT phone FROM users WHERE id = $1) OR i.invited_by = $1 ORDER BY i.id""",
    "fleets": """
SELECT to_jsonb(f) || jsonb_build_object('company', c.legal_name)
FROM fleet_drivers f JOIN companies c ON c.id = f.company_id WHERE f.driver_id = $1 ORDER BY f.id""",
    "vehicles": "SELECT to_jsonb(v) FROM vehicles v WHERE keeper_id = $1 ORDER BY id",
    "documents": """
SELECT to_jsonb(d) - 'reviewed_by' - 'warned_days' FROM documents d WHERE user_id = $1 ORDER BY id""",
    "files": """
SELECT to_jsonb(f) - 'name' - 'owner_id' || jsonb_build_object('sha256', encode(sha256, 'hex'))
FROM files f WHERE owner_id = $1 ORDER BY id""",
    "driver_code": "SELECT to_jsonb(c) FROM driver_codes c WHERE driver_id = $1",
    "blocks": """
SELECT to_jsonb(b) - 'actor_id' FROM blocks b WHERE actor_id = $1 OR shipper_id = $1 AND made_by = 'shipper'
    OR driver_id = $1 AND made_by = 'carrier' ORDER BY id""",
    "habits": "SELECT to_jsonb(h) FROM habits h WHERE user_id = $1 ORDER BY day, kind",
    "cooldowns": "SELECT to_jsonb(c) FROM cooldowns c WHERE user_id = $1",
    "shipper_rating": "SELECT to_jsonb(s) FROM shipper_stats s WHERE shipper_id = $1",
    "ratings": "SELECT to_jsonb(r) FROM user_ratings r WHERE user_id = $1",
    "saved_searches": """
SELECT jsonb_build_object('search', id, 'name', name, 'given', given, 'active', active, 'notify', notify,
    'created_at', created_at) FROM saved_searches WHERE driver_id = $1 ORDER BY id""",
    "search_alerts": "SELECT to_jsonb(a) FROM search_alerts a WHERE driver_id = $1",
    "saved_places": "SELECT to_jsonb(p) FROM saved_places p WHERE user_id = $1 ORDER BY id",
    "invoices": """
SELECT jsonb_build_object('invoice', i.id, 'purpose', i.purpose, 'plan', i.plan, 'amount', i.amount,
    'currency', i.currency, 'provider', i.provider, 'state', i.state, 'created_at', i.created_at,
    'booked', (SELECT jsonb_agg(jsonb_build_object('what', t.act, 'amount', t.amount, 'currency', t.currency,
        'at', t.at) ORDER BY t.id) FROM ledger_transactions t WHERE t.invoice_id = i.id))
FROM invoices i WHERE i.user_id = $1 ORDER BY i.created_at, i.id""",
    "saved_cards": """
SELECT to_jsonb(c) - 'user_id' - 'token' - 'fingerprint' FROM saved_cards c WHERE user_id = $1 ORDER BY id""",
    "api_keys": """
SELECT to_jsonb(k) - 'key_hash' FROM api_keys k WHERE user_id = $1 ORDER BY id""",
    "referral_code": "SELECT to_jsonb(c) FROM referral_codes c WHERE user_id = $1",
    "brought": """
SELECT jsonb_build_object('at', at, 'state', state, 'confirmed_at', confirmed_at) FROM referrals
WHERE inviter_id = $1 ORDER BY id""",
    "brought_by_a_code": """
SELECT jsonb_build_object('at', r.at, 'paid', (SELECT jsonb_agg(to_jsonb(p) - 'id' - 'invitee_id')
    FROM referral_payments p WHERE p.invitee_id = $1))
FROM referrals r WHERE r.invitee_id = $1""",
    "proofs": """
SELECT to_jsonb(p) - 'given_by' FROM proofs p WHERE given_by = $1 ORDER BY id""",
    "incidents": "SELECT to_jsonb(i) - 'reported_by' FROM incidents i WHERE reported_by = $1 ORDER BY id",
    "sharing": "SELECT to_jsonb(s) FROM driver_sharing s WHERE driver_id = $1",
    "share_links": """
SELECT to_jsonb(l) - 'secret_hash' - 'revoked_by' FROM share_links l WHERE made_by = $1 ORDER BY id""",
    "exports": "SELECT to_jsonb(x) - 'name' - 'lease_until' FROM data_exports x WHERE user_id = $1 ORDER BY id",
    "order_templates": "SELECT to_jsonb(t) FROM order_templates t WHERE shipper_id = $1 ORDER BY id",
    "order_files": "SELECT to_jsonb(a) - 'added_by' FROM order_files a WHERE added_by = $1 ORDER BY id",
    "moderation": """
SELECT to_jsonb(c) - 'claimed_by' - 'claimed_at' - 'decided_by' - 'alike' FROM moderation_cases c
WHERE shipper_id = $1 ORDER BY id""",
    "chats_read": "SELECT to_jsonb(r) - 'user_id' FROM chat_reads r WHERE user_id = $1 ORDER BY order_id",
    "dismissed_announcements": """
SELECT to_jsonb(d) - 'user_id' FROM announcement_dismissals d WHERE user_id = $1 ORDER BY announcement_id""",
    "erasures": "SELECT to_jsonb(e) FROM erasures e WHERE user_id = $1 ORDER BY id",
    "notices": """
SELECT jsonb_build_object('kind', kind, 'payload', payload, 'state', state, 'created_at', created_at)
FROM outbox WHERE user_id = $1 AND channel = 'push' ORDER BY id""",
    "notice_preferences": "SELECT to_jsonb(p) - 'user_id' FROM notice_preferences p WHERE user_id = $1",
}

# Page by page: rows of (key, JSON value) above the key $2, at most $3. Own loads by ix_orders_shipper_id_id, those
# carried by ix_assignments_driver_id_order_id: of these only what their driver saw of them.
PAGED: dict[str, str] = {
    "orders": """
SELECT o.id, to_jsonb(o) - 'seek_at' - 'wave' || jsonb_build_object(
    'events', (SELECT jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind, 'status', status, 'at', at)
        ORDER BY seq) FROM order_events e WHERE e.order_id = o.id),
    'versions', (SELECT jsonb_agg(jsonb_build_object('version', version, 'content', content, 'at', at)
        ORDER BY version) FROM order_versions v WHERE v.order_id = o.id))
FROM orders o WHERE o.shipper_id = $1 AND o.id > $2 ORDER BY o.id LIMIT $3""",
    "carried": """
SELECT o.id, jsonb_build_object('order', o.id, 'status', o.status, 'pickup', o.pickup_name, 'drop', o.drop_name,
    'cargo', o.cargo, 'weight_kg', o.weight_kg, 'distance_m', o.distance_m, 'price_amount', o.price_amount,
    'price_currency', o.price_currency, 'vehicle', a.vehicle_id, 'assigned_at', a.assigned_at,
    'ended_at', a.ended_at, 'your_steps', (SELECT jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind,
        'status', status, 'at', at) ORDER BY seq)
        FROM order_events e WHERE e.order_id = o.id AND e.actor_id = $1))
FROM assignments a JOIN orders o ON o.id = a.order_id
WHERE a.driver_id = $1 AND a.order_id > $2 ORDER BY a.order_id LIMIT $3""",
    # ix_trips_driver_id_order_id.
    "trips": """
SELECT t.order_id, to_jsonb(t) - 'driver_id' - 'trail' - 'eta' - 'look_at' || jsonb_build_object(
    'stops', (SELECT jsonb_agg(jsonb_build_object('position', position, 'arrived_at', arrived_at,
        'left_at', left_at) ORDER BY position) FROM trip_stops s WHERE s.order_id = t.order_id),
    'halts', (SELECT jsonb_agg(jsonb_build_object('since', since, 'until', until, 'lat', ST_Y(point),
        'lon', ST_X(point)) ORDER BY since) FROM trip_halts h WHERE h.order_id = t.order_id),
    'track', (SELECT ST_AsGeoJSON(line, 6)::jsonb FROM trip_tracks k WHERE k.order_id = t.order_id))
FROM trips t WHERE t.driver_id = $1 AND t.order_id > $2 ORDER BY t.order_id LIMIT $3""",
    # ix_bids_driver_id_id; of the versions the own words and the shipper's answers to them.
    "bids": """
SELECT b.id, to_jsonb(b) - 'acted_by' || jsonb_build_object('versions',
    (SELECT jsonb_agg(to_jsonb(v) - 'actor_id' ORDER BY version) FROM bid_versions v WHERE v.bid_id = b.id))
FROM bids b WHERE b.driver_id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3""",
    # ix_staff_actions_user_id_id: who of the staff looked, not who they are.
    "looks": """
SELECT id, jsonb_build_object('at', at, 'what', action) FROM staff_actions a
WHERE user_id = $1 AND id > $2
    AND action IN ('view.start', 'view.read', 'truck.view', 'track.view', 'chat.view', 'deliveries.view')
ORDER BY id LIMIT $3""",
    # ix_chat_messages_author_id_order_id_seq: own words, conversation by conversation.
    "chats": """
SELECT order_id, jsonb_build_object('order', order_id, 'messages', jsonb_agg(jsonb_build_object('seq', seq,
    'text', text, 'phrase', phrase, 'at', created_at) ORDER BY seq))
FROM chat_messages m WHERE author_id = $1 AND order_id > $2 GROUP BY order_id ORDER BY order_id LIMIT $3""",
    # ix_position_views_driver_id_id: who was shown where the driver was, and not who of the staff.
    "viewers": """
SELECT v.id, to_jsonb(v) - 'driver_id' - 'slot' - 'viewer_id' FROM position_views v
WHERE v.driver_id = $1 AND v.id > $2 ORDER BY v.id LIMIT $3""",
    # ix_reviews_author_id_id, and ix_reviews_about_id_id: own words, and what everybody may read about the user.
    "reviews_written": """
SELECT id, to_jsonb(r) - 'about_id' - 'judged_by' - 'replied_by' - 'reported_by' - 'report_reason' - 'report_note'
    - 'reported_at' - 'waiting' FROM reviews r
WHERE r.author_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3""",
    "reviews_about": """
SELECT id, to_jsonb(r) - 'author_id' - 'judged_by' - 'replied_by' - 'reported_by' - 'note' FROM reviews r
WHERE r.about_id = $1 AND r.published_at IS NOT NULL AND r.standing = 'clear' AND r.id > $2
ORDER BY r.id LIMIT $3""",
    # ix_dispute_messages_author_id_id.
    "disputes": """
SELECT m.id, to_jsonb(m) || jsonb_build_object('order', d.order_id, 'code', d.code, 'amount', d.amount,
    'state', d.state, 'outcome', d.outcome, 'decision', d.decision, 'decided_amount', d.decided_amount)
FROM dispute_messages m JOIN disputes d ON d.id = m.dispute_id
WHERE m.author_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3""",
    # ix_inbox_items_user_id_id, ix_deliveries_user_id_id: what the user was told, and how.
    "inbox": """
SELECT id, to_jsonb(i) - 'user_id' FROM inbox_items i WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3""",
    "deliveries": """
SELECT id, to_jsonb(d) - 'user_id' FROM deliveries d WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3""",
    # Of own and of carried loads, by ix_orders_shipper_id_id, ix_assignments_driver_id_order_id and
    # ix_remittance_marks_order_id_id.
    "payments": """
SELECT m.id, to_jsonb(m) - 'shipper_by' - 'driver_by' FROM remittance_marks m
WHERE m.order_id IN (SELECT id FROM orders WHERE shipper_id = $1
        UNION SELECT order_id FROM assignments WHERE driver_id = $1)
    AND m.id > $2 ORDER BY m.id LIMIT $3""",
    # ix_assignments_driver_id_order_id.
    "missed_payments": """
SELECT r.order_id, jsonb_build_object('order', r.order_id, 'at', r.unpaid_at, 'note', r.unpaid_note)
FROM assignments a JOIN remittances r ON r.order_id = a.order_id
WHERE a.driver_id = $1 AND r.unpaid_at IS NOT NULL AND r.order_id > $2 ORDER BY r.order_id LIMIT $3""",
    "order_invitations": """
SELECT i.id, to_jsonb(i) - 'invited_by' FROM order_invitations i
WHERE i.invited_by = $1 AND i.id > $2 ORDER BY i.id LIMIT $3""",
}

# By ranges of the primary key, for no index has them by driver: rows of (key, JSON value), $2 < key <= $3.
RANGED: dict[str, tuple[str, str]] = {
    "offers": (
        "SELECT coalesce(max(id), 0) FROM offers",
        """
SELECT id, to_jsonb(o) - 'score' - 'reasons' FROM offers o
WHERE driver_id = $1 AND id > $2 AND id <= $3 ORDER BY id""",
    ),
}

# The primary key of positions, from its last row on.
DEVICES = "SELECT id FROM devices WHERE user_id = $1 ORDER BY id"
POSITIONS = """
SELECT recorded_at, stream_id, seq, ST_Y(point) AS lat, ST_X(point) AS lon, speed, heading, accuracy, flag
FROM positions
WHERE device_id = $1 AND driver_id = $2
    AND (recorded_at, stream_id, seq) > ($3::timestamptz, $4::integer, $5::integer)
ORDER BY recorded_at, stream_id, seq LIMIT $6
"""
# ix_documents_user_id, ix_files_owner_id: the user's own files, papers and what hangs on orders.
PAPERS = """
SELECT 'documents/' || d.id || '-' || d.kind AS inside, f.name, f.mime
FROM documents d JOIN files f ON f.id = d.file_id WHERE d.user_id = $1
UNION ALL
SELECT 'files/' || f.id || coalesce('-' || f.purpose, ''), f.name, f.mime
FROM files f WHERE f.owner_id = $1 AND f.purpose IS DISTINCT FROM 'document'
"""

NOT_EXPORTED = {
    "sms_spent.user_id": "how many SMS of a day, which the deliveries tell one by one",
    "proof_demands.set_by": "what was asked of the driver, in the events of orders",
    "fuel_prices.set_by": "staff's work, not the user's data",
    "access_entries.actor_id": "staff's work, not the user's data",
    "transfer_slips.decided_by": "staff's work, not the user's data",
    "settled_alerts.settled_by": "staff's work, not the user's data",
    "money_checks.asked_by": "staff's work, not the user's data",
    "plan_versions.set_by": "staff's work, not the user's data",
    "referrals.decided_by": "staff's work, not the user's data",
    "loyalty_terms.set_by": "staff's work, not the user's data",
    "tariffs.set_by": "staff's work, not the user's data",
    "tariff_lanes.set_by": "staff's work, not the user's data",
    "content_pages.updated_by": "staff's work, not the user's data",
    "announcements.created_by": "staff's work, not the user's data",
    "announcements.updated_by": "staff's work, not the user's data",
    "broadcasts.created_by": "staff's work, not the user's data",
    "broadcasts.updated_by": "staff's work, not the user's data",
    "broadcasts.queued_by": "staff's work, not the user's data",
    "broadcasts.cancelled_by": "staff's work, not the user's data",
    "dictionary_entries.updated_by": "staff's work, not the user's data",
    "refunds.requested_by": "staff's work, not the user's data",
    "refunds.approved_by": "staff's work, not the user's data",
    "payment_differences.settled_by": "staff's work, not the user's data",
    "accepts.driver_id": "the answers to own requests, which the offers tell",
    "accepts.actor_id": "the same",
    "flags.user_id": "what staff suspects: told, it could not be looked into",
    "flags.cleared_by": "staff's work, not the user's data",
    "chats.shipper_id": "in orders",
    "chats.driver_id": "in carried",
    "companies.contact_phone": "in company",
    "companies.decided_by": "staff's work, not the user's data",
    "documents.reviewed_by": "staff's work, not the user's data",
    "reviews.judged_by": "staff's work, not the user's data",
    "reviews.replied_by": "in reviews_about",
    "reviews.reported_by": "in reviews_about",
    "remittance_marks.shipper_by": "in payments",
    "remittance_marks.driver_by": "in payments",
    "disputes.opened_by": "in disputes",
    "disputes.claimed_by": "staff's work, not the user's data",
    "disputes.decided_by": "staff's work, not the user's data",
    "idempotency_keys.user_id": "sealed answers, gone after a day",
    "order_versions.actor_id": "in orders",
    "otp_requests.user_id": "gone after two days, and holds only when a code was asked for",
    "email_requests.user_id": "gone after two days, and holds only when a code was asked for",
    "pending_sign_ins.user_id": "gone within minutes",
    "recovery_codes.user_id": "secrets",
    "account_views.user_id": "in looks",
    "position_views.viewer_id": "in the log of the driver who was looked at",
    "share_links.revoked_by": "in share_links",
    "otp_requests.phone": "gone after two days, and holds only when a code was asked for",
}
