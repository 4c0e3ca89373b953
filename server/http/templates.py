"""Templates over HTTP: loads that a shipper posts again and again."""

from dispatch.asked import Content, content_of, without_times
from dispatch.errors import Refusal
from dispatch.model import Party
from server.forms import form_of, said_in
from server.protocol.rest.common import PageQuery
from server.protocol.rest.drafts import DraftView, TemplateEdit, TemplateForm, TemplatePage, TemplateView
from server.protocol.rest.orders import OrderEdit
from storage.order_reads import NO_LIMIT
from storage.templates import Template

from .drafts import draft_answer
from .orders import SHIPPER
from .parties import party_of
from .route import Call, Route, Versioned


async def add(call: Call[TemplateForm, None]) -> Versioned:
    """Saves a form, an order or a draft under a name, without its times."""
    form = call.body
    party = await party_of(call)
    if (form.form is None) == (form.order is None):
        raise Refusal("bad_request", "say a form or an order").at("form")
    content = (
        _content(form.form) if form.form is not None else await _content_of(call, party, form.order or 0)
    )
    company = min(party.companies, default=None)
    return _answer(await call.services.templates.add(party.user, company, form.name, without_times(content)))


async def page(call: Call[None, PageQuery]) -> TemplatePage:
    """The caller's templates and those of the company, newest first."""
    query = call.query
    before = NO_LIMIT if query.before is None else query.before
    found = await call.services.templates.page(await party_of(call), before, query.limit)
    return TemplatePage(
        templates=[_view(each) for each in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def read(call: Call[None, None]) -> Versioned:
    """One template."""
    return _answer(await call.services.templates.template(await party_of(call), call.path_id("template")))


async def edit(call: Call[TemplateEdit, None]) -> Versioned:
    """Another name, or another form."""
    form = call.body
    content = None if form.form is None else without_times(_content(form.form))
    template = await call.services.templates.edit(
        await party_of(call), call.path_id("template"), call.expected_version, form.name, content
    )
    return _answer(template)


async def drop(call: Call[None, None]) -> None:
    """Forgets the template."""
    await call.services.templates.drop(await party_of(call), call.path_id("template"))


async def use(call: Call[None, None]) -> Versioned:
    """A draft with what the template says."""
    party = await party_of(call)
    template = await call.services.templates.use(party, call.path_id("template"))
    company = min(party.companies, default=None)
    draft = await call.services.drafts.add(party.user, company, template.content, {"template": template.id})
    return await draft_answer(call, draft)


def _content(form: OrderEdit) -> Content:
    return {name: value for name, value in said_in(form).items() if value is not None}


async def _content_of(call: Call[TemplateForm, None], party: Party, order: int) -> Content:
    """Of a posted order or, under the same number, of a draft."""
    draft = await call.services.drafts.find(party, order)
    if draft is not None:
        return draft.content
    return content_of(await call.services.orders.visible_to(party, order))


def _view(template: Template) -> TemplateView:
    return TemplateView(
        template.id,
        template.name,
        template.version,
        template.uses,
        template.created_at,
        template.used_at,
        form_of(template.content),
    )


def _answer(template: Template) -> Versioned:
    return Versioned(_view(template), template.version)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/templates",
        add,
        "Save a load under a name",
        "drafts",
        request=TemplateForm,
        response=TemplateView,
        status=201,
        roles=SHIPPER,
        errors=("not_found", "limit_reached", "phone_invalid"),
        location="/api/v1/orders/templates/{template}",
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/orders/templates",
        page,
        "Templates, newest first",
        "drafts",
        query=PageQuery,
        response=TemplatePage,
        roles=SHIPPER,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/templates/{template}",
        read,
        "A template",
        "drafts",
        response=TemplateView,
        roles=SHIPPER,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "PATCH",
        "/api/v1/orders/templates/{template}",
        edit,
        "Change a template",
        "drafts",
        request=TemplateEdit,
        response=TemplateView,
        roles=SHIPPER,
        errors=("not_found", "phone_invalid"),
        headers=("If-Match",),
        scope="orders:write",
    ),
    Route(
        "DELETE",
        "/api/v1/orders/templates/{template}",
        drop,
        "Forget a template",
        "drafts",
        status=204,
        roles=SHIPPER,
        errors=("not_found",),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/templates/{template}/draft",
        use,
        "A draft from a template",
        "drafts",
        response=DraftView,
        status=201,
        roles=SHIPPER,
        errors=("not_found", "limit_reached"),
        location="/api/v1/orders/drafts/{order}",
        scope="orders:write",
    ),
)
