"""The board of loads in PostgreSQL: what a search may filter and sort by, how its pages, counts and map are read,
and the projection that it reads."""
