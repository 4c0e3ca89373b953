"""What somebody looks back on: trips, offers, and what they brought or cost."""
