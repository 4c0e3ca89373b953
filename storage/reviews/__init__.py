"""What the two sides of a haul say of each other: written, shown, moderated, counted."""
