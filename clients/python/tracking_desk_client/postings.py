"""What is done with loads over REST beside posting them: drafts, templates, edits, and the moderators' queue."""

from collections.abc import Sequence

from .calls import Calls, made_from
from .messages import (
    AcknowledgeForm,
    AppealForm,
    ApproveForm,
    AttachmentForm,
    Attachments,
    AttachmentView,
    CasePage,
    CaseQuery,
    CaseView,
    CloseForm,
    CopyForm,
    DecisionForm,
    Decisions,
    DecisionsForm,
    DisputeForm,
    DisputeReason,
    DraftPage,
    DraftView,
    OrderEdit,
    OrderState,
    OrderVersions,
    PageQuery,
    PublishForm,
    RejectForm,
    RejectReason,
    TemplateEdit,
    TemplateForm,
    TemplatePage,
    TemplateView,
    WindowForm,
)

_ORDERS = "/api/v1/orders"
_DRAFTS = f"{_ORDERS}/drafts"
_TEMPLATES = f"{_ORDERS}/templates"
_CASES = "/api/v1/admin/moderation"


class PostingCalls(Calls):
    """Part of Api."""

    # -- posted loads ---------------------------------------------------------------------------------------

    async def edit(self, order: int, version: int, edit: OrderEdit) -> OrderState:
        """Change a posted load; `version` is that of the order that was read. The next version comes back."""
        wire = await self._call("PATCH", f"{_ORDERS}/{order}", edit.to_wire(), headers=made_from(version))
        return OrderState.from_wire(wire)

    async def versions(self, order: int) -> OrderVersions:
        """What an order was from one edit to the next."""
        return OrderVersions.from_wire(await self._call("GET", f"{_ORDERS}/{order}/versions"))

    async def confirm(self, order: int) -> OrderState:
        """The load still stands: it stays on the board, or comes back to it."""
        return OrderState.from_wire(await self._call("POST", f"{_ORDERS}/{order}/confirm"))

    async def acknowledge(self, order: int, version: int) -> OrderState:
        """The assigned driver agrees to the times of this version."""
        body = AcknowledgeForm(version).to_wire()
        return OrderState.from_wire(await self._call("POST", f"{_ORDERS}/{order}/acknowledge", body))

    async def dispute(
        self, order: int, code: DisputeReason, note: str = "", amount: int | None = None
    ) -> OrderState:
        """Something is wrong with a haul on the road or just over: staff decide. `amount` is what is claimed."""
        body = DisputeForm(code, note, amount).to_wire()
        return OrderState.from_wire(await self._call("POST", f"{_ORDERS}/{order}/dispute", body))

    async def close_order(self, order: int, note: str = "") -> OrderState:
        """Nothing is left to settle."""
        body = CloseForm(note).to_wire()
        return OrderState.from_wire(await self._call("POST", f"{_ORDERS}/{order}/close", body))

    async def appeal(self, order: int, text: str) -> OrderState:
        """Ask for a second look at a load that was turned down; once."""
        body = AppealForm(text).to_wire()
        return OrderState.from_wire(await self._call("POST", f"{_ORDERS}/{order}/appeal", body))

    async def attach(self, order: int, form: AttachmentForm) -> AttachmentView:
        """Attach an upload to an order."""
        wire = await self._call("POST", f"{_ORDERS}/{order}/attachments", form.to_wire())
        return AttachmentView.from_wire(wire)

    async def attachments(self, order: int) -> Attachments:
        """Photos and papers of an order, as far as they are for the caller."""
        return Attachments.from_wire(await self._call("GET", f"{_ORDERS}/{order}/attachments"))

    async def detach(self, order: int, attachment: int) -> None:
        """Take back what was attached."""
        await self._call("DELETE", f"{_ORDERS}/{order}/attachments/{attachment}")

    # -- drafts ---------------------------------------------------------------------------------------------

    async def begin_draft(self, form: OrderEdit) -> DraftView:
        """Begin a load without posting it, with whatever is known."""
        return DraftView.from_wire(await self._call("POST", _DRAFTS, form.to_wire()))

    async def drafts(self, before: int | None = None, limit: int = 20) -> DraftPage:
        """Drafts, newest first."""
        query = PageQuery(before, limit).to_wire()
        return DraftPage.from_wire(await self._call("GET", _DRAFTS, query=query))

    async def draft(self, order: int) -> DraftView:
        """A draft, and what it lacks."""
        return DraftView.from_wire(await self._call("GET", f"{_DRAFTS}/{order}"))

    async def save_draft(self, order: int, version: int, edit: OrderEdit) -> DraftView:
        """Save the fields that are said; `version` is that of the draft that was read."""
        wire = await self._call("PATCH", f"{_DRAFTS}/{order}", edit.to_wire(), headers=made_from(version))
        return DraftView.from_wire(wire)

    async def discard_draft(self, order: int) -> None:
        """It will not be posted."""
        await self._call("DELETE", f"{_DRAFTS}/{order}")

    async def publish(self, order: int, version: int, *, allow_duplicate: bool = False) -> OrderState:
        """Post the draft under its own number."""
        body = PublishForm(allow_duplicate).to_wire()
        path = f"{_DRAFTS}/{order}/publish"
        return OrderState.from_wire(await self._call("POST", path, body, headers=made_from(version)))

    async def copy(self, order: int, windows: Sequence[WindowForm] = ()) -> DraftView:
        """A draft like an order of before, at other times: one window a stop, when the order had any."""
        body = CopyForm(list(windows)).to_wire()
        return DraftView.from_wire(await self._call("POST", f"{_ORDERS}/{order}/copy", body))

    # -- templates ------------------------------------------------------------------------------------------

    async def add_template(self, form: TemplateForm) -> TemplateView:
        """Save a load under a name, without its times."""
        return TemplateView.from_wire(await self._call("POST", _TEMPLATES, form.to_wire()))

    async def templates(self, before: int | None = None, limit: int = 20) -> TemplatePage:
        """Templates, newest first."""
        query = PageQuery(before, limit).to_wire()
        return TemplatePage.from_wire(await self._call("GET", _TEMPLATES, query=query))

    async def template(self, template: int) -> TemplateView:
        """One template."""
        return TemplateView.from_wire(await self._call("GET", f"{_TEMPLATES}/{template}"))

    async def edit_template(self, template: int, version: int, edit: TemplateEdit) -> TemplateView:
        """Another name, or another form."""
        path = f"{_TEMPLATES}/{template}"
        wire = await self._call("PATCH", path, edit.to_wire(), headers=made_from(version))
        return TemplateView.from_wire(wire)

    async def drop_template(self, template: int) -> None:
        """Forget it."""
        await self._call("DELETE", f"{_TEMPLATES}/{template}")

    async def draft_from(self, template: int) -> DraftView:
        """A draft with what the template says."""
        return DraftView.from_wire(await self._call("POST", f"{_TEMPLATES}/{template}/draft"))

    # -- moderators -----------------------------------------------------------------------------------------

    async def cases(self, query: CaseQuery | None = None) -> CasePage:
        """Loads that somebody should look at, oldest first."""
        wire = (query or CaseQuery()).to_wire()
        return CasePage.from_wire(await self._call("GET", _CASES, query=wire))

    async def claim_case(self, case: int) -> CaseView:
        """Others leave the case alone for a while."""
        return CaseView.from_wire(await self._call("POST", f"{_CASES}/{case}/claim"))

    async def unclaim_case(self, case: int) -> None:
        """Somebody else may have it."""
        await self._call("DELETE", f"{_CASES}/{case}/claim")

    async def approve(self, case: int, note: str = "") -> None:
        """Let the load out."""
        await self._call("POST", f"{_CASES}/{case}/approve", ApproveForm(note).to_wire())

    async def reject(self, case: int, reasons: Sequence[RejectReason], note: str = "") -> None:
        """Turn the load down; its shipper reads why."""
        await self._call("POST", f"{_CASES}/{case}/reject", RejectForm(list(reasons), note).to_wire())

    async def decide(self, decisions: Sequence[DecisionForm]) -> Decisions:
        """Many cases at once, each by itself."""
        body = DecisionsForm(list(decisions)).to_wire()
        return Decisions.from_wire(await self._call("POST", f"{_CASES}/decisions", body))
