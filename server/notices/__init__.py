"""Telling users what happened: announced to their inbox and sockets, brought to phones, and shown again."""
