"""The e-mail channel: what a mail is, and what brings it: the log, or an SMTP server."""
