"""Money and rights in the database: invoices, attempts, the inbox, the books; plans, agreements, access."""
