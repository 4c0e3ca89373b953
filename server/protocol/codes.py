"""Every error code and every websocket close code, with what a client should do about it."""

from enum import IntEnum
from typing import NamedTuple

PROTOCOL_VERSION = 1
MIN_PROTOCOL_VERSION = 1
SUBPROTOCOL_MSGPACK = "desk.v1.msgpack"
SUBPROTOCOL_JSON = "desk.v1.json"


class ErrorCode(NamedTuple):
    """One refusal or fault as clients see it. `retry` means the same request may succeed later."""

    code: str
    status: int  # of the same error over HTTP
    retry: bool
    title: str


def _catalogue(*codes: ErrorCode) -> dict[str, ErrorCode]:
    return {code.code: code for code in codes}


ERRORS = _catalogue(
    # malformed input
    ErrorCode("bad_frame", 400, False, "The frame is not a message of this protocol."),
    ErrorCode("bad_request", 400, False, "The request does not have the documented form."),
    ErrorCode("too_large", 413, False, "The message is larger than 64 KiB."),
    ErrorCode("method_not_allowed", 405, False, "This path does not take this method."),
    ErrorCode("version_unsupported", 400, False, "This protocol version is too old: update the app."),
    # who you are
    ErrorCode("unauthenticated", 401, False, "Sign in first."),
    ErrorCode("token_expired", 401, True, "The access token has expired: refresh it."),
    ErrorCode("session_revoked", 401, False, "This session was ended: sign in again."),
    ErrorCode("code_wrong", 401, False, "The code is wrong or has been used: ask for a new one."),
    ErrorCode("account_blocked", 403, False, "This account is blocked: write to support."),
    ErrorCode("challenge_over", 401, False, "This sign-in has taken too long or has ended: begin again."),
    ErrorCode("step_up_required", 403, False, "Confirm it with a code of your authenticator app first."),
    ErrorCode("sign_in_again", 403, False, "This needs a fresh sign-in: sign in again first."),
    ErrorCode("sms_unavailable", 503, True, "The code could not be sent: try again in a few minutes."),
    ErrorCode("email_unavailable", 503, True, "The mail could not be sent: try again in a few minutes."),
    ErrorCode("email_unreachable", 422, False, "No mail can be brought to this address."),
    ErrorCode("phone_country", 422, False, "Codes are not sent to numbers of this country."),
    ErrorCode("phone_taken", 409, False, "This number belongs to another account."),
    ErrorCode("identity_taken", 409, False, "This Google or Apple account is linked already."),
    ErrorCode("provider_refused", 401, False, "Google or Apple did not confirm this sign-in: begin again."),
    ErrorCode(
        "provider_unavailable", 503, True, "Google or Apple is not answering: try again, or use your phone."
    ),
    ErrorCode("user_busy", 409, False, "This user has orders under way: they must end first."),
    ErrorCode("phone_invalid", 422, False, "This is not a phone number we can reach."),
    ErrorCode("device_required", 403, False, "Register this device before sending positions."),
    ErrorCode("forbidden", 403, False, "Your role does not allow this."),
    ErrorCode("not_found", 404, False, "There is no such thing, or it is not yours."),
    ErrorCode("subscription_expired", 402, False, "Your subscription is not active: renew it to take loads."),
    ErrorCode("trial_used", 409, False, "The free days have been used already."),
    ErrorCode("currency_unknown", 422, False, "This plan is not sold in that currency where you are."),
    ErrorCode(
        "plan_cheaper", 409, False, "What you have paid is worth more: choose this plan for the next renewal."
    ),
    ErrorCode("pause_refused", 409, False, "The subscription cannot be paused now or for so long."),
    ErrorCode("vehicle_required", 409, False, "Add your vehicle before taking loads."),
    # accounts, companies, vehicles
    ErrorCode("bin_invalid", 422, False, "This is not a business number of that country."),
    ErrorCode("company_required", 409, False, "Create or join a company first."),
    ErrorCode("company_member", 409, False, "You already belong to a company."),
    ErrorCode("company_taken", 409, False, "Another company with this number has been verified."),
    ErrorCode("owner_needed", 409, False, "A company keeps at least one owner."),
    ErrorCode("fleet_member", 409, False, "You already drive for a fleet: leave it first."),
    ErrorCode("plate_taken", 409, False, "Another vehicle has this number plate."),
    ErrorCode("vehicle_archived", 409, False, "This vehicle is out of use."),
    ErrorCode("limit_reached", 409, False, "There are as many of these as there may be: remove one first."),
    ErrorCode("trip_on", 409, False, "Finish or cancel your loads and bids first."),
    # files
    ErrorCode("file_type", 415, False, "This kind of file is not accepted."),
    ErrorCode("file_unsafe", 422, False, "The file holds more than a picture or pages, and is refused."),
    ErrorCode("file_broken", 422, False, "The file cannot be read."),
    ErrorCode("file_too_large", 413, False, "The file is larger than allowed."),
    ErrorCode("file_held", 409, False, "This file is in use already: upload it again."),
    ErrorCode("quota_exceeded", 409, False, "Your storage is full: delete files first."),
    ErrorCode("not_ready", 409, True, "This is still being prepared."),
    # orders and offers
    ErrorCode("offer_taken", 409, False, "Another driver has taken this load."),
    ErrorCode("offer_expired", 409, False, "The offer has expired."),
    ErrorCode("offer_closed", 409, False, "The offer is no longer open."),
    ErrorCode("order_closed", 409, False, "The order is no longer open."),
    ErrorCode("driver_busy", 409, False, "Finish your current load first."),
    ErrorCode("vehicle_unfit", 409, False, "Your vehicle does not fit this load."),
    ErrorCode("bids_only", 409, False, "This load takes bids only: name your price."),
    ErrorCode("bids_refused", 409, False, "This load goes at its price: it takes no bids."),
    ErrorCode("bids_too_many", 409, False, "You have too many bids."),
    ErrorCode("bid_out_of_range", 422, False, "This price is far from what such a haul costs."),
    ErrorCode("bid_exists", 409, False, "You have a live bid on this load: change that one."),
    ErrorCode("bid_closed", 409, False, "The bid is no longer open."),
    ErrorCode("bid_expired", 409, False, "The bid has expired."),
    ErrorCode("bid_changed", 409, False, "The bid has changed meanwhile: look at it again."),
    ErrorCode("bid_turn", 409, False, "It is the other side's turn to answer."),
    ErrorCode("driver_unavailable", 409, False, "This driver cannot take the load now."),
    ErrorCode("blocks_too_many", 409, False, "Your block list is full."),
    ErrorCode("invitations_too_many", 429, True, "You have asked many drivers: wait for their answers."),
    ErrorCode("too_many_rows", 422, False, "This is too much for one file: choose a shorter period."),
    ErrorCode("proof_required", 409, False, "The shipper asks for proof of the delivery: bring it first."),
    ErrorCode(
        "proof_untimely", 409, False, "This cannot be asked for or brought in this state of the order."
    ),
    ErrorCode("proof_given", 409, False, "This proof was brought already."),
    ErrorCode("proof_code_wrong", 422, False, "The code is wrong: ask the consignee again."),
    ErrorCode("proof_code_spent", 409, False, "Too many wrong codes: the shipper must make a new one."),
    ErrorCode("signature_invalid", 422, False, "This is not a signature."),
    ErrorCode("transition_forbidden", 409, False, "The order cannot go from its state to that one."),
    ErrorCode("idempotency_conflict", 409, False, "This Idempotency-Key was used for a different request."),
    ErrorCode("precondition_required", 428, False, "Send If-Match with the ETag of what you are editing."),
    ErrorCode("version_stale", 412, False, "Somebody else has changed this meanwhile: read it again."),
    ErrorCode("place_unknown", 422, False, "There is no such city in the gazetteer."),
    # conversations
    ErrorCode("chat_closed", 409, False, "This conversation takes no messages."),
    # what shippers post
    ErrorCode("order_incomplete", 422, False, "Something is missing before this load can be posted."),
    ErrorCode("order_duplicate", 409, False, "An open load of yours looks the same."),
    ErrorCode("stops_invalid", 422, False, "The stops do not make a way from a pickup to a drop."),
    ErrorCode("address_far", 422, False, "The pin is far from the town that was named."),
    ErrorCode("window_invalid", 422, False, "The times do not fit together."),
    ErrorCode("window_past", 422, False, "This time is over already."),
    ErrorCode("load_too_large", 422, False, "No truck of these bodies carries so much."),
    ErrorCode("temperature_invalid", 422, False, "The temperatures do not fit the load."),
    ErrorCode("adr_required", 422, False, "Dangerous goods need their ADR class."),
    ErrorCode("payment_invalid", 422, False, "The payment terms contradict each other."),
    ErrorCode("edit_forbidden", 409, False, "A driver has taken the load: this cannot be changed any more."),
    ErrorCode("acknowledge_required", 409, False, "The times have changed: agree to them first."),
    ErrorCode("reason_invalid", 422, False, "This reason is not yours to give."),
    ErrorCode("appeal_used", 409, False, "This load was looked at a second time already."),
    ErrorCode("case_claimed", 409, True, "Somebody else is looking at this."),
    ErrorCode("case_closed", 409, False, "This was decided already."),
    ErrorCode("second_opinion", 409, False, "An appeal is decided by somebody else than the first time."),
    # after the haul
    ErrorCode("review_early", 409, False, "A haul is rated once it is delivered."),
    ErrorCode("review_late", 409, False, "The time to rate this haul is over."),
    ErrorCode("review_exists", 409, False, "This haul is rated already: change that rating."),
    ErrorCode("review_published", 409, False, "A rating that others have read cannot be changed."),
    ErrorCode("tags_invalid", 422, False, "These words are not said of this side."),
    ErrorCode("reply_used", 409, False, "This rating was answered already."),
    ErrorCode("report_used", 409, False, "Staff were asked to look at this already."),
    ErrorCode("text_contacts", 422, False, "Leave phones, links and messengers out of the text."),
    ErrorCode("dispute_answered", 409, False, "This dispute was answered already: write a message."),
    ErrorCode("dispute_closed", 409, False, "This dispute is over."),
    # payments between shipper and driver
    ErrorCode("payment_settled", 409, False, "This was paid, and both sides know it."),
    ErrorCode("payment_void", 409, False, "This haul was called off: nothing is to be paid for it."),
    ErrorCode("payment_waits", 409, False, "A payment is marked already: it waits for the driver's word."),
    ErrorCode(
        "payment_differs", 409, False, "The shipper has marked another amount: confirm or contest that."
    ),
    ErrorCode("payment_withdrawn", 409, False, "This payment was taken back, or another is in its place."),
    ErrorCode("payment_early", 409, False, "This payment is not due yet."),
    ErrorCode("payment_amount", 422, False, "This amount does not fit what was agreed."),
    ErrorCode("payment_date", 422, False, "Nothing was paid for this haul on such a day."),
    ErrorCode("payment_contested", 409, False, "The driver contests the payment: settle that first."),
    ErrorCode("word_hidden", 422, False, "This is not offered for new loads any more: choose another."),
    # what staff write
    ErrorCode("slug_taken", 409, False, "There is a page of this name."),
    ErrorCode("broadcast_sent", 409, False, "This message is on its way, or was cancelled."),
    # money
    ErrorCode(
        "payment_unavailable",
        503,
        True,
        "Payments are not possible right now. Nothing was charged: try again.",
    ),
    ErrorCode("payment_under_way", 409, True, "This is being paid right now: wait for the outcome."),
    ErrorCode("invoice_closed", 409, False, "This invoice takes no payment any more."),
    ErrorCode("currency_refused", 422, False, "This way of paying does not take this currency."),
    ErrorCode("refund_too_much", 422, False, "This is more than is left of the payment."),
    ErrorCode("refund_closed", 409, False, "This refund was decided already."),
    ErrorCode("entry_used", 409, False, "This entry of the bank stands for another payment already."),
    ErrorCode("notice_unreadable", 422, False, "This message still cannot be read."),
    ErrorCode("second_approver", 409, False, "Somebody else of the staff must approve this refund."),
    # the board
    ErrorCode("origin_unknown", 422, False, "We do not know where your truck is: say where to search from."),
    ErrorCode("area_invalid", 422, False, "This outline is no area that can be searched."),
    ErrorCode("search_exists", 409, False, "You have a saved search of this name."),
    ErrorCode("search_too_heavy", 503, True, "This search takes too long now: narrow it, or try again."),
    # streams
    ErrorCode("stream_required", 409, True, "Send stream.resume before positions."),
    ErrorCode("seq_gap", 409, True, "Points are missing before this one: resume and send them in order."),
    ErrorCode("credit_exceeded", 429, True, "More points are in flight than the granted credit."),
    # load and faults
    ErrorCode("cooling_down", 429, True, "That was faster or more than a person does: take a break."),
    ErrorCode("rate_limited", 429, True, "Too many requests: wait a little."),
    ErrorCode("busy", 409, True, "The order is being decided right now: try again."),
    ErrorCode("unavailable", 503, True, "The service is not available right now: try again."),
    ErrorCode("internal", 500, True, "Something broke on our side."),
)


class Close(IntEnum):
    """Websocket close codes. 4000-4399: reconnect with full jitter. 4400-4499: do not."""

    SLOW = 4008  # the peer did not read; come back and take a snapshot
    DRAIN = 4012  # the server is going down or being replaced
    SILENT = 4013  # no frame and no pong within the silence limit
    RATE = 4029  # more than the granted credit, again and again
    BAD_FRAME = 4400  # frames that are not ours, again and again
    UNAUTHENTICATED = 4401  # no ticket, no hello within 5 s, or the session has ended
    FORBIDDEN = 4403  # blocked
    REPLACED = 4409  # the same device signed on elsewhere
    TOO_OLD = 4426  # protocol version below the minimum

    @property
    def reconnect(self) -> bool:
        """Whether a client should come back by itself."""
        return self < 4400


CLOSE_MEANING: dict[Close, str] = {
    Close.SLOW: "You did not read fast enough. Reconnect and take a snapshot.",
    Close.DRAIN: "The server is restarting. Reconnect.",
    Close.SILENT: "Nothing was heard from you. Reconnect.",
    Close.RATE: "You sent more than was granted. Reconnect and slow down.",
    Close.BAD_FRAME: "Your frames are not of this protocol. Do not reconnect.",
    Close.UNAUTHENTICATED: "Not signed in, or the session has ended. Sign in again.",
    Close.FORBIDDEN: "This account may not connect.",
    Close.REPLACED: "This device has connected elsewhere.",
    Close.TOO_OLD: "This app is too old. Update it.",
}
