"""Money and rights: plans, access, ledger, payments, loyalty. Pure: no IO, no clock."""
