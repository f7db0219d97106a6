"""Who is somebody at the broker, and what each may do there (docs/decisions/0030)."""
