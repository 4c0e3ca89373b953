"""The chain over what staff did: sealing it, keeping its heads, checking it."""
