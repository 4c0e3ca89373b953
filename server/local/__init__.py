"""What `./desk` does for one checkout: private PostgreSQL and Redis, the web build, the gate, the demo."""
