"""What becomes of every row that names a user when the user goes: statements, which storage.erasure runs in order.

A test compares this list with the schema: a column that points at a user, or is called as if it did, and is
neither erased nor kept with a reason breaks the build, so that nobody's data is forgotten when they go.
"""

SLICE = 5000

# The primary key of every partition begins with the device: a slice of it is one range.
FORGET_POSITIONS = """
DELETE FROM positions p USING (
    SELECT device_id, recorded_at, stream_id, seq FROM positions
    WHERE device_id IN (SELECT id FROM devices WHERE user_id = $1) LIMIT $2) s
WHERE p.device_id = s.device_id AND p.recorded_at = s.recorded_at AND p.stream_id = s.stream_id AND p.seq = s.seq
"""
FILES_GONE = """
DELETE FROM files f WHERE f.owner_id = $1 AND (f.purpose IS NULL
    OR f.purpose = 'document' AND NOT EXISTS (SELECT FROM documents d WHERE d.file_id = f.id)
    OR f.purpose = 'slip'
    OR f.purpose = 'chat' AND NOT EXISTS (SELECT FROM chat_files c WHERE c.file_id = f.id)) RETURNING name
"""
EXPORTS_GONE = "DELETE FROM data_exports WHERE user_id = $1 RETURNING name"

KEPT = frozenset(
    {
        # business records that others have a right to; the name behind them is neutral
        "orders.shipper_id",
        "shipper_stats.shipper_id",
        "order_events.actor_id",
        "order_files.added_by",
        "moderation_cases.shipper_id",
        "order_versions.actor_id",
        "offers.driver_id",
        "accepts.driver_id",
        "accepts.actor_id",
        "assignments.driver_id",
        "trips.driver_id",
        "proof_demands.set_by",
        "proofs.given_by",
        "incidents.reported_by",
        # who was brought by whom: what was given for it rests on it. Hashes of a day say nothing the day after;
        # that of the number, under the pepper, keeps one number from being brought again and again.
        "referrals.invitee_id",
        "referrals.inviter_id",
        "referrals.decided_by",
        "referral_payments.invitee_id",
        "loyalty_terms.set_by",
        # who has said that money was sent, or has come: the other side's proof as well
        "remittance_marks.shipper_by",
        "remittance_marks.driver_by",
        "assignments.acted_by",
        "bids.driver_id",
        "bids.acted_by",
        "bid_versions.actor_id",
        "order_invitations.invited_by",
        "chats.shipper_id",
        "chats.driver_id",
        "chat_messages.author_id",
        # what was said of others stays with its stars, without the words; what was said in a dispute stays whole:
        # the other side's claim, and the decision, rest on it
        "reviews.author_id",
        "reviews.about_id",
        "reviews.replied_by",
        "reviews.reported_by",
        "user_ratings.user_id",
        "disputes.opened_by",
        "dispute_messages.author_id",
        "access_entries.user_id",
        "access_entries.actor_id",
        "loyalty_entries.user_id",
        "subscriptions.user_id",
        "plan_versions.set_by",
        # that something was shown for a transfer, and what finance said to it; the picture goes
        "transfer_slips.user_id",
        "transfer_slips.decided_by",
        "settled_alerts.settled_by",
        "money_checks.asked_by",
        "erasures.user_id",
        # who of the staff or of a company decided
        "companies.decided_by",
        "documents.reviewed_by",
        "invitations.invited_by",
        "blocks.actor_id",
        "staff_actions.user_id",
        "flags.cleared_by",
        "share_links.revoked_by",
        "reviews.judged_by",
        "disputes.claimed_by",
        "disputes.decided_by",
        "fuel_prices.set_by",
        # the log of the driver who was looked at; the name behind it is neutral
        "position_views.viewer_id",
        "tariffs.set_by",
        "tariff_lanes.set_by",
        "content_pages.updated_by",
        "announcements.created_by",
        "announcements.updated_by",
        "broadcasts.created_by",
        "broadcasts.updated_by",
        "broadcasts.queued_by",
        "broadcasts.cancelled_by",
        "dictionary_entries.updated_by",
        "refunds.requested_by",
        "refunds.approved_by",
        "payment_differences.settled_by",
        # what was paid and given back is bookkeeping, which the law keeps for years; the name behind it is neutral
        "invoices.user_id",
        "ledger_transactions.user_id",
        # rows that are emptied below, or go before them (FORGET_POSITIONS, oidc.release) or after (FILES_GONE ...)
        "sessions.user_id",
        "identities.user_id",
        "positions.driver_id",
        "saved_places.contact_phone",
        "files.owner_id",
        "data_exports.user_id",
        # of the company, not of a person: what is personal in it goes with its last member
        "companies.contact_phone",
    }
)
# Each with the user as $1.
ERASE: dict[str, str] = {
    "push_endpoints.user_id": "DELETE FROM push_endpoints WHERE user_id = $1",
    # The queue before the inbox: what is announced meanwhile waits for the one and is gone with the other.
    "outbox.user_id": "DELETE FROM outbox WHERE user_id = $1",
    "inbox_items.user_id": "DELETE FROM inbox_items WHERE user_id = $1",
    "notice_preferences.user_id": "DELETE FROM notice_preferences WHERE user_id = $1",
    "deliveries.user_id": "DELETE FROM deliveries WHERE user_id = $1",
    "sms_spent.user_id": "DELETE FROM sms_spent WHERE user_id = $1",
    "idempotency_keys.user_id": "DELETE FROM idempotency_keys WHERE user_id = $1",
    "otp_requests.user_id": "DELETE FROM otp_requests WHERE user_id = $1",
    "email_requests.user_id": "DELETE FROM email_requests WHERE user_id = $1",
    "pending_sign_ins.user_id": "DELETE FROM pending_sign_ins WHERE user_id = $1",
    "second_factors.user_id": "DELETE FROM second_factors WHERE user_id = $1",
    "recovery_codes.user_id": "DELETE FROM recovery_codes WHERE user_id = $1",
    "otp_requests.phone": "DELETE FROM otp_requests WHERE phone = (SELECT phone FROM users WHERE id = $1)",
    "invitations.phone": "DELETE FROM invitations WHERE phone = (SELECT phone FROM users WHERE id = $1)",
    "refresh_tokens.session_id": """
DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1)""",
    "sessions.ip": """
UPDATE sessions SET ip = '', user_agent = '', expires_at = least(expires_at, now()),
    revoked_at = coalesce(revoked_at, now()), revoke_reason = coalesce(revoke_reason, 'erased')
WHERE user_id = $1""",
    "poison_points.device_id": """
DELETE FROM poison_points WHERE device_id IN (SELECT id FROM devices WHERE user_id = $1)""",
    "streams.device_id": """
DELETE FROM streams WHERE device_id IN (SELECT id FROM devices WHERE user_id = $1)""",
    "devices.user_id": "DELETE FROM devices WHERE user_id = $1",
    # When the truck came and went stays with the order; where it drove and stood besides goes.
    "trip_tracks.line": """
DELETE FROM trip_tracks WHERE order_id IN (SELECT order_id FROM trips WHERE driver_id = $1)""",
    "trip_halts.point": """
DELETE FROM trip_halts WHERE order_id IN (SELECT order_id FROM trips WHERE driver_id = $1)""",
    "referral_codes.user_id": "DELETE FROM referral_codes WHERE user_id = $1",
    "incidents.note": "UPDATE incidents SET note = '', point = NULL WHERE reported_by = $1",
    "trips.trail": "UPDATE trips SET trail = '{}', eta = '{}' WHERE driver_id = $1",
    "last_positions.driver_id": "DELETE FROM last_positions WHERE driver_id = $1",
    "driver_states.driver_id": "UPDATE driver_states SET on_duty = false WHERE driver_id = $1",
    # The people to ask for at the stops of own loads, wherever a load keeps them.
    "orders.stops": r"""
UPDATE orders SET
    stops = regexp_replace(stops::text, p.person, p.nobody, 'g')::jsonb,
    draft = regexp_replace(draft::text, p.person, p.nobody, 'g')::jsonb
FROM (SELECT '"contact_(name|phone)": "([^"\\]|\\.)*"' AS person, '"contact_\1": ""' AS nobody) p
WHERE shipper_id = $1""",
    "order_versions.content": r"""
UPDATE order_versions SET content = regexp_replace(content::text, p.person, p.nobody, 'g')::jsonb
FROM (SELECT '"contact_(name|phone)": "([^"\\]|\\.)*"' AS person, '"contact_\1": ""' AS nobody) p
WHERE order_id IN (SELECT id FROM orders WHERE shipper_id = $1)""",
    # Own words to staff; templates of the company stay, without the people to ask for.
    "moderation_cases.appeal": "UPDATE moderation_cases SET appeal = '' WHERE shipper_id = $1",
    "order_templates.shipper_id": "DELETE FROM order_templates WHERE shipper_id = $1 AND company_id IS NULL",
    "order_templates.content": r"""
UPDATE order_templates SET content = regexp_replace(content::text, p.person, p.nobody, 'g')::jsonb
FROM (SELECT '"contact_(name|phone)": "([^"\\]|\\.)*"' AS person, '"contact_\1": ""' AS nobody) p
WHERE shipper_id = $1""",
    "search_alerts.driver_id": "DELETE FROM search_alerts WHERE driver_id = $1",
    "saved_searches.driver_id": "DELETE FROM saved_searches WHERE driver_id = $1",
    # Own words on bids, and the number by which a shipper has asked for this driver.
    "bids.message": "UPDATE bids SET message = '' WHERE driver_id = $1",
    "bid_versions.message": """
UPDATE bid_versions SET message = ''
WHERE actor_id = $1 AND bid_id IN (SELECT id FROM bids WHERE driver_id = $1)""",
    "order_invitations.phone": """
UPDATE order_invitations i SET phone = NULL, code = NULL, resolved_at = coalesce(resolved_at, now()),
    note = CASE WHEN invited_by = $1 THEN '' ELSE note END
WHERE invited_by = $1 OR phone = (SELECT phone FROM users WHERE id = $1)
    OR code = (SELECT code FROM driver_codes WHERE driver_id = $1)
    OR EXISTS (SELECT FROM offers f WHERE f.id = i.offer_id AND f.driver_id = $1)""",
    # Own words and pictures in conversations; that something was said, and when, is also the other side's.
    "chat_files.file_id": """
DELETE FROM chat_files c USING chat_messages m
WHERE m.author_id = $1 AND c.order_id = m.order_id AND c.seq = m.seq""",
    "chat_messages.text": "UPDATE chat_messages SET text = '', phrase = NULL WHERE author_id = $1",
    "chat_reads.user_id": "DELETE FROM chat_reads WHERE user_id = $1",
    # Own words about others, and own answers to theirs.
    "reviews.text": "UPDATE reviews SET text = '' WHERE author_id = $1",
    "reviews.reply": "UPDATE reviews SET reply = '', report_note = '' WHERE about_id = $1",
    "referrals.note": "UPDATE referrals SET note = '' WHERE invitee_id = $1",
    "remittances.unpaid_note": """
UPDATE remittances SET unpaid_note = ''
WHERE order_id IN (SELECT order_id FROM assignments WHERE driver_id = $1)""",
    "remittance_marks.note": "UPDATE remittance_marks SET note = '' WHERE driver_by = $1",
    "driver_codes.driver_id": "DELETE FROM driver_codes WHERE driver_id = $1",
    "blocks.driver_id": "DELETE FROM blocks WHERE driver_id = $1",
    "blocks.shipper_id": "DELETE FROM blocks WHERE shipper_id = $1",
    "blocks.note": "UPDATE blocks SET note = '' WHERE actor_id = $1",
    "habits.user_id": "DELETE FROM habits WHERE user_id = $1",
    "cooldowns.user_id": "DELETE FROM cooldowns WHERE user_id = $1",
    "saved_places.user_id": "DELETE FROM saved_places WHERE user_id = $1",
    "api_keys.user_id": """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()), name = '' WHERE user_id = $1""",
    "driver_sharing.driver_id": "DELETE FROM driver_sharing WHERE driver_id = $1",
    "position_views.driver_id": "DELETE FROM position_views WHERE driver_id = $1",
    "share_links.made_by": """
UPDATE share_links SET revoked_at = coalesce(revoked_at, now()), label = '' WHERE made_by = $1""",
    "transfer_slips.file_id": "UPDATE transfer_slips SET file_id = NULL, reason = '' WHERE user_id = $1",
    "announcement_dismissals.user_id": "DELETE FROM announcement_dismissals WHERE user_id = $1",
    # Cards cannot be charged any more; what acquirers wrote beside the amounts (names, addresses, tokens) goes.
    "payment_attempts.card_id": """
UPDATE payment_attempts SET card_id = NULL WHERE card_id IN (SELECT id FROM saved_cards WHERE user_id = $1)""",
    "saved_cards.user_id": "DELETE FROM saved_cards WHERE user_id = $1",
    "payment_inbox.raw": """
UPDATE payment_inbox SET raw = NULL, headers = '{}'
WHERE raw IS NOT NULL AND invoice_id IN (SELECT id FROM invoices WHERE user_id = $1)""",
    "refunds.reason": """
UPDATE refunds SET reason = '' WHERE invoice_id IN (SELECT id FROM invoices WHERE user_id = $1)""",
    "account_views.user_id": "DELETE FROM account_views WHERE user_id = $1",
    "flags.user_id": "DELETE FROM flags WHERE user_id = $1",
    # Papers of the company and of its trucks are the company's.
    "documents.user_id": """
DELETE FROM documents d WHERE d.user_id = $1 AND d.company_id IS NULL
    AND NOT EXISTS (SELECT FROM vehicles v WHERE v.id = d.vehicle_id AND v.company_id IS NOT NULL)""",
    "fleet_drivers.driver_id": """
UPDATE fleet_drivers SET left_at = coalesce(left_at, now()), shares_position = false WHERE driver_id = $1""",
    "vehicles.driver_id": "UPDATE vehicles SET driver_id = NULL, version = version + 1 WHERE driver_id = $1",
    "vehicles.keeper_id": """
UPDATE vehicles SET keeper_id = CASE WHEN company_id IS NULL THEN keeper_id END,
    archived_at = CASE WHEN company_id IS NULL THEN coalesce(archived_at, now()) ELSE archived_at END,
    plate = CASE WHEN company_id IS NULL THEN '' ELSE plate END,
    trailer_plate = CASE WHEN company_id IS NULL THEN '' ELSE trailer_plate END
WHERE keeper_id = $1""",
    # A company that loses its last owner gets its oldest manager as one; one that loses everybody keeps its name,
    # which is in a public register, and loses what is personal.
    "company_members.role": """
UPDATE company_members SET role = 'owner' WHERE user_id = (
    SELECT m.user_id FROM company_members m JOIN company_members gone ON gone.company_id = m.company_id
    WHERE gone.user_id = $1 AND gone.role = 'owner' AND m.user_id <> $1
        AND NOT EXISTS (SELECT FROM company_members o WHERE o.company_id = gone.company_id AND o.role = 'owner'
            AND o.user_id <> $1)
    ORDER BY m.joined_at, m.user_id LIMIT 1)""",
    "companies.contact_name": """
UPDATE companies SET contact_name = '', contact_phone = NULL, contact_email = NULL, version = version + 1
WHERE id = (SELECT company_id FROM company_members WHERE user_id = $1) AND NOT EXISTS (
    SELECT FROM company_members o WHERE o.company_id = companies.id AND o.user_id <> $1)""",
    "company_members.user_id": "DELETE FROM company_members WHERE user_id = $1",
    # Last, for others above read the number. What stands for it is no number and stays unique.
    "users.phone": """
UPDATE users SET phone = 'x' || id, name = '—', email = NULL, time_zone = DEFAULT, blocked = true,
    erased_at = now(), version = version + 1 WHERE id = $1""",
    # What staff wrote of the account; only now does the trigger let it go. The chain holds a salted hash of it.
    "staff_actions.reason": """
UPDATE staff_actions SET reason = '', salt = NULL WHERE user_id = $1 AND salt IS NOT NULL""",
}
