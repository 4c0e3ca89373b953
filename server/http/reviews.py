"""Reviews and reputations over HTTP, and the moderators' list of them."""

from dispatch.model import Party
from dispatch.reviews import HaulSide, Words, closes_at
from dispatch.rights import Right, grades
from server.payment_views import record_view
from server.protocol.rest.common import PageQuery
from server.protocol.rest.reviews import (
    HideForm,
    JudgedReview,
    JudgedReviews,
    OrderReviews,
    RatingView,
    ReliabilityView,
    ReplyForm,
    ReportForm,
    ReputationView,
    RestoreForm,
    ReviewForm,
    ReviewPage,
    ReviewQuery,
    ReviewView,
)
from storage.reviews.rows import Review

from .orders import ANYBODY
from .parties import party_of, party_to
from .route import Call, Route, Versioned

# -- the two sides ------------------------------------------------------------------------------------------


async def post(call: Call[ReviewForm, None]) -> Versioned:
    """One word a side and haul."""
    order = call.path_id("order")
    review = await call.services.reviews.post(await party_to(call, order), order, _words(call.body))
    return Versioned(_view(review, own=True), review.version)


async def edit(call: Call[ReviewForm, None]) -> Versioned:
    """Other words, while nobody has read the first ones."""
    review = call.path_id("review")
    version = call.expected_version
    changed = await call.services.reviews.edit(await _party(call), review, version, _words(call.body))
    return Versioned(_view(changed, own=True), changed.version)


async def of_order(call: Call[None, None]) -> OrderReviews:
    """Own words always, the other side's once they are shown."""
    order = call.path_id("order")
    found = await call.services.reviews.of_order(await party_to(call, order), order)
    return OrderReviews(
        order=order,
        side=None if found.side is None else found.side.value,
        may_post=found.may_post,
        until=closes_at(found.order),
        shipper_posted=HaulSide.SHIPPER in found.posted,
        driver_posted=HaulSide.DRIVER in found.posted,
        reviews=[_view(each, own=each.side is found.side) for each in found.reviews],
    )


async def reply(call: Call[ReplyForm, None]) -> ReviewView:
    """The answer of who is spoken of, once."""
    review = call.path_id("review")
    return _view(await call.services.reviews.reply(await _party(call), review, call.body.text))


async def report(call: Call[ReportForm, None]) -> None:
    """Staff should look at this."""
    form = call.body
    await call.services.reviews.report(await _party(call), call.path_id("review"), form.reason, form.note)


# -- what somebody is known by ------------------------------------------------------------------------------


async def reputation(call: Call[None, None]) -> ReputationView:
    """Stars, their count, and a record of reliability."""
    found = await call.services.reputations.of(await party_of(call), call.path_id("user"))
    rating = found.rating
    return ReputationView(
        user=found.user,
        part=found.part.value,
        name=found.name,
        since=found.since,
        rating=RatingView(
            None if rating.mean is None else round(rating.mean, 2), rating.count, list(rating.stars)
        ),
        reliability=[
            ReliabilityView(
                each.component.value,
                each.number,
                each.of,
                None if each.share is None else round(each.share, 3),
            )
            for each in found.record
        ],
        payments=None if found.payments is None else record_view(found.payments),
    )


async def of_user(call: Call[None, PageQuery]) -> ReviewPage:
    """What is said about somebody."""
    user, query = call.path_id("user"), call.query
    await call.services.reputations.met(await party_of(call), user)
    found = await call.services.reviews.of_user(user, query.before, query.limit)
    return ReviewPage([_public(each) for each in found], found[-1].id if len(found) == query.limit else None)


# -- staff --------------------------------------------------------------------------------------------------


async def queue(call: Call[None, ReviewQuery]) -> JudgedReviews:
    """Reviews to look at, oldest first; or those that were hidden, or are shown."""
    query = call.query
    found = await call.services.judged_reviews.page(query.state, query.after or 0, query.limit)
    return JudgedReviews(
        [_judged(each) for each in found], found[-1].id if len(found) == query.limit else None
    )


async def hide(call: Call[HideForm, None]) -> JudgedReview:
    """Nobody reads it any more."""
    form = call.body
    return _judged(
        await call.services.judged_reviews.hide(
            call.caller.user, call.path_id("review"), form.reason, form.note, reply=form.reply
        )
    )


async def restore(call: Call[RestoreForm, None]) -> JudgedReview:
    """It may be read."""
    return _judged(
        await call.services.judged_reviews.restore(call.caller.user, call.path_id("review"), call.body.note)
    )


# -- forms and views ----------------------------------------------------------------------------------------


async def _party(call: Call[object, object]) -> Party:
    """The caller as a side of the haul that this review is of."""
    return await party_to(call, await call.services.reviews.order_of(call.path_id("review")))


def _words(form: ReviewForm) -> Words:
    return Words(form.stars, tuple(form.tags), form.text)


def _public(review: Review) -> ReviewView:
    """As everybody may read it: of no particular haul."""
    return ReviewView(
        review=review.id,
        side=review.side.value,
        author=review.author_name,
        stars=review.stars,
        tags=list(review.tags),
        text=review.text,
        written_at=review.written_at,
        published_at=review.published_at,
        version=review.version,
        reply="" if review.reply_hidden else review.reply,
        replied_at=None if review.reply_hidden else review.replied_at,
    )


def _view(review: Review, *, own: bool = False, whole: bool = False) -> ReviewView:
    """As its own haul's sides read it; `whole` for staff, who also read a hidden answer."""
    return ReviewView(
        review=review.id,
        side=review.side.value,
        author=review.author_name,
        stars=review.stars,
        tags=list(review.tags),
        text=review.text,
        written_at=review.written_at,
        published_at=review.published_at,
        version=review.version,
        reply=review.reply if whole or not review.reply_hidden else "",
        replied_at=review.replied_at if whole or not review.reply_hidden else None,
        order=review.order,
        own=own,
        standing=review.standing.value,
        hidden_reason=review.hidden_reason,
        due_at=review.due_at,
    )


def _judged(review: Review) -> JudgedReview:
    return JudgedReview(
        review=_view(review, whole=True),
        author_id=review.author,
        about_id=review.about,
        waiting=review.waiting,
        report_reason=review.report_reason,
        report_note=review.report_note,
        reported_at=review.reported_at,
        judged_by=review.judged_by,
        judged_at=review.judged_at,
        note=review.note,
        reply_hidden=review.reply_hidden,
    )


_SIDES = frozenset({"shipper", "driver", "logistician"})
_STAFF = frozenset({"admin"})
_MODERATORS = grades(Right.MODERATE_REVIEWS)

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/{order}/review",
        post,
        "Rate the other side of a haul",
        "reviews",
        request=ReviewForm,
        response=ReviewView,
        status=201,
        roles=_SIDES,
        errors=("not_found", "review_early", "review_late", "review_exists", "tags_invalid", "busy"),
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/reviews",
        of_order,
        "What the two sides of a haul say of each other",
        "reviews",
        response=OrderReviews,
        roles=ANYBODY,
        errors=("not_found",),
    ),
    Route(
        "PUT",
        "/api/v1/reviews/{review}",
        edit,
        "Say it in other words, while nobody has read it",
        "reviews",
        request=ReviewForm,
        response=ReviewView,
        roles=_SIDES,
        headers=("If-Match",),
        errors=("not_found", "review_published", "tags_invalid", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/reviews/{review}/reply",
        reply,
        "Answer to what is said about you",
        "reviews",
        request=ReplyForm,
        response=ReviewView,
        roles=_SIDES,
        errors=("not_found", "reply_used", "text_contacts", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/reviews/{review}/report",
        report,
        "Ask staff to look at what is said about you",
        "reviews",
        request=ReportForm,
        status=204,
        roles=_SIDES,
        errors=("not_found", "report_used", "busy"),
    ),
    Route(
        "GET",
        "/api/v1/users/{user}/reputation",
        reputation,
        "What somebody is known by",
        "reviews",
        response=ReputationView,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/users/{user}/reviews",
        of_user,
        "What is said about somebody",
        "reviews",
        query=PageQuery,
        response=ReviewPage,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/reviews",
        queue,
        "Reviews that somebody should look at",
        "moderation",
        query=ReviewQuery,
        response=JudgedReviews,
        roles=_STAFF,
        grades=_MODERATORS,
    ),
    Route(
        "POST",
        "/api/v1/admin/reviews/{review}/hide",
        hide,
        "Hide a review, or the answer to it",
        "moderation",
        request=HideForm,
        response=JudgedReview,
        roles=_STAFF,
        grades=_MODERATORS,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/admin/reviews/{review}/restore",
        restore,
        "Let a review be read",
        "moderation",
        request=RestoreForm,
        response=JudgedReview,
        roles=_STAFF,
        grades=_MODERATORS,
        errors=("not_found",),
    ),
)
