"""An FTP server as a destination, in clear or under TLS: the only room that knows ftplib.

From the wire up: `control` asks and is answered, `channel` carries the bytes of one file, `session` logs in and knows
the server, `upload` brings one object, `listing` reads folders, `destination` keeps objects; `faults` translates.
"""
