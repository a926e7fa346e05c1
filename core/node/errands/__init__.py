"""Long work that an operator orders: an import, a restore."""
