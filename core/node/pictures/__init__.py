"""Pictures: taken in, placed in the ledger, looked at, shown on a page, tidied up."""
