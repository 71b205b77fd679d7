"""Photos and their labels: read, counted, checked for look-alikes, split by group, encoded as targets."""
