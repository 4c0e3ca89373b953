"""The sandbox acquirer: another company, played in this process, with its own books, pages and signatures."""
