"""An SFTP server as a destination: the only room that knows paramiko.

From the wire up: `session` speaks SFTP, `connection` logs in and ends what hangs, `destination` keeps objects;
`faults` translates.
"""
