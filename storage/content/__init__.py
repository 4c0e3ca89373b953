"""What staff write for everybody, and what they say of the words of a load."""
