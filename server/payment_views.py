"""What is known of how a shipper pays, as others see it."""

from dispatch.payment_terms import Discipline
from server.protocol.rest.remittance import PaymentRecord


def record_view(record: Discipline) -> PaymentRecord:
    """How a shipper, or a company's people, have paid."""
    return PaymentRecord(
        record.cases,
        None if record.share is None else round(record.share, 3),
        None if record.late_days is None else round(record.late_days, 1),
    )
