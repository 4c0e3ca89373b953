"""Money and rights in the database: invoices, attempts, what acquirers said, the books; plans, agreements, access."""
