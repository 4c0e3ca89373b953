"""Money in the database: invoices, attempts, what acquirers said, refunds, cards, and the books."""
