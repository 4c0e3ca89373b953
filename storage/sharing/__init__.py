"""What drivers share of where they are, public links, and who looked."""
