"""Reports for staff: one statement each, over a span of time."""
