"""Between nodes of ours: what is handed on, taken in, and told back."""
