"""Money and rights in the database: plans, access, invoices, attempts, what acquirers said, and the books."""
