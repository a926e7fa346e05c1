"""The lease protocol as pure functions: (state, event, moment) -> (state, actions); rules R1 to R12."""
