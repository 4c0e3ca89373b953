"""What people call the words of the contract: one English label a word, by vocabulary."""

LABELS: dict[str, dict[str, str]] = {}
