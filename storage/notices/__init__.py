"""What users are told of: written, announced to the inbox, wanted or not, and what came of each attempt."""
