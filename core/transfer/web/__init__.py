"""A web server as a destination: plain HTTP, or WebDAV.

From the wire up: `line` is one connection with every wait bounded, `session` logs in and judges answers, `listing`
reads what lies in a folder, `objects` is what both kinds have in common, `plain` and `dav` are the two kinds,
`destination` chooses one; `faults` translates.
"""
