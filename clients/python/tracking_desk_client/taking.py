"""The part of the REST API that is about taking a load: bids, invitations, block lists, next loads."""

from collections.abc import Sequence

from .calls import Calls
from .messages import (
    BidAcceptForm,
    BidDeclineForm,
    BidDeclineReason,
    BidDetail,
    BiddingForm,
    BidForm,
    BidSeenForm,
    BidsQuery,
    BidState,
    BlockForm,
    Blocks,
    BlockView,
    Candidates,
    CandidatesQuery,
    CodeView,
    CounterForm,
    Invitations,
    InvitationView,
    InviteContactForm,
    InviteForm,
    OrderBids,
    OrderState,
    OwnBids,
    PageQuery,
    Reloads,
    ReloadsQuery,
)


class TakingCalls(Calls):
    """One method a route. `version` is that of the bid on the screen: name what you agree to."""

    # -- drivers --------------------------------------------------------------------------------------------

    async def bid(self, order: int, form: BidForm) -> BidState:
        """Name a price for a load; `bid_exists` when a bid of yours is live."""
        return BidState.from_wire(await self._call("POST", f"/api/v1/orders/{order}/bids", form.to_wire()))

    async def change_bid(self, bid: int, version: int, form: BidForm) -> BidState:
        """Name another price, also as the answer to a counter-offer."""
        wire = await self._call("PUT", f"/api/v1/bids/{bid}", form.to_wire(), headers=_saw(version))
        return BidState.from_wire(wire)

    async def withdraw_bid(self, bid: int) -> BidState:
        """Take a bid back."""
        return BidState.from_wire(await self._call("POST", f"/api/v1/bids/{bid}/withdraw"))

    async def accept_counter(self, bid: int, version: int, accept_id: str) -> OrderState:
        """Take the counter-offer; the same `accept_id` gets the same answer."""
        body = BidAcceptForm(accept_id).to_wire()
        return OrderState.from_wire(
            await self._call("POST", f"/api/v1/bids/{bid}/accept", body, headers=_saw(version))
        )

    async def my_bids(self, before: int | None = None, limit: int = 20) -> OwnBids:
        """Own bids with their loads, newest first."""
        query = PageQuery(before, limit).to_wire()
        return OwnBids.from_wire(await self._call("GET", "/api/v1/bids", query=query))

    async def reloads(self, query: ReloadsQuery | None = None) -> Reloads:
        """Next loads near the drop and along the way home."""
        wire = (query or ReloadsQuery()).to_wire()
        return Reloads.from_wire(await self._call("GET", "/api/v1/me/reloads", query=wire))

    async def code(self, renew: bool = False) -> str:
        """The code by which shippers ask for you."""
        wire = await self._call("POST" if renew else "GET", "/api/v1/me/code")
        return CodeView.from_wire(wire).code

    # -- shippers -------------------------------------------------------------------------------------------

    async def bids(self, order: int, query: BidsQuery | None = None) -> OrderBids:
        """The bids on an own load, sorted to compare."""
        wire = (query or BidsQuery()).to_wire()
        return OrderBids.from_wire(await self._call("GET", f"/api/v1/orders/{order}/bids", query=wire))

    async def open_bidding(self, order: int, open: bool) -> None:
        """Whether bidders are told that a lower bid is live."""
        await self._call("PUT", f"/api/v1/orders/{order}/bidding", BiddingForm(open).to_wire())

    async def counter_bid(self, bid: int, version: int, form: CounterForm) -> BidState:
        """Answer a bid with another price."""
        wire = await self._call("POST", f"/api/v1/bids/{bid}/counter", form.to_wire(), headers=_saw(version))
        return BidState.from_wire(wire)

    async def decline_bid(self, bid: int, reason: BidDeclineReason = "other") -> BidState:
        """Turn a bid down."""
        body = BidDeclineForm(reason).to_wire()
        return BidState.from_wire(await self._call("POST", f"/api/v1/bids/{bid}/decline", body))

    async def pick_bid(self, bid: int, version: int, accept_id: str) -> OrderState:
        """Give the load to a bid; the same `accept_id` gets the same answer."""
        body = BidAcceptForm(accept_id).to_wire()
        return OrderState.from_wire(
            await self._call("POST", f"/api/v1/bids/{bid}/pick", body, headers=_saw(version))
        )

    async def candidates(self, order: int, limit: int = 20) -> Candidates:
        """Drivers near the pickup who could take the load, best first."""
        query = CandidatesQuery(limit).to_wire()
        return Candidates.from_wire(
            await self._call("GET", f"/api/v1/orders/{order}/candidates", query=query)
        )

    async def invite(
        self, order: int, drivers: Sequence[int], *, valid_s: int = 7200, note: str = ""
    ) -> Invitations:
        """Ask these drivers; who cannot take the load is left out of the answer."""
        body = InviteForm(list(drivers), valid_s, note).to_wire()
        return Invitations.from_wire(await self._call("POST", f"/api/v1/orders/{order}/invitations", body))

    async def invite_contact(self, order: int, form: InviteContactForm) -> InvitationView:
        """Ask a known driver by phone or code; the answer does not say whether there is one."""
        path = f"/api/v1/orders/{order}/invitations/by-contact"
        return InvitationView.from_wire(await self._call("POST", path, form.to_wire()))

    async def invitations(self, order: int) -> Invitations:
        """Everybody who was asked, newest first."""
        return Invitations.from_wire(await self._call("GET", f"/api/v1/orders/{order}/invitations"))

    async def withdraw_invitation(self, order: int, invitation: int) -> None:
        """Take an invitation back."""
        await self._call("DELETE", f"/api/v1/orders/{order}/invitations/{invitation}")

    # -- both -----------------------------------------------------------------------------------------------

    async def bid_detail(self, bid: int) -> BidDetail:
        """A bid with all its changes."""
        return BidDetail.from_wire(await self._call("GET", f"/api/v1/bids/{bid}"))

    async def bid_seen(self, bid: int, version: int) -> None:
        """This version is on the screen of whoever must answer."""
        await self._call("POST", f"/api/v1/bids/{bid}/seen", BidSeenForm(version).to_wire())

    async def blocks(self) -> Blocks:
        """Whom you keep away."""
        return Blocks.from_wire(await self._call("GET", "/api/v1/me/blocks"))

    async def block(self, form: BlockForm) -> BlockView:
        """Keep somebody away from your loads, or their loads from you."""
        return BlockView.from_wire(await self._call("POST", "/api/v1/me/blocks", form.to_wire()))

    async def unblock(self, block: int) -> None:
        """Let them come near again."""
        await self._call("DELETE", f"/api/v1/me/blocks/{block}")


def _saw(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}
