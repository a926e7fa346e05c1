"""What the console knows, and from whom: its nodes' answers, or else what they left behind."""
