"""What staff did, chained, kept, and checked."""
