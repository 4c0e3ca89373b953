"""Who brought whom: codes, sign-ups by them, what speaks against one, and what staff say of it."""
