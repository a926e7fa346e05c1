"""The fleet as this node lives in it: its leases at the shared engine, what it may shoot, what it tells others."""
