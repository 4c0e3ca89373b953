"""Acquirers: each speaks one company's wire and decides nothing (`billing.acquiring` is what they are for us)."""
