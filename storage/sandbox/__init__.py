"""The books of the sandbox acquirer and its notifications to us."""
