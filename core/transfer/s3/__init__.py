"""A bucket of an S3 server as a destination: the only room that knows boto3.

From the wire up: `line` is one HTTP connection with every wait bounded, `session` has boto3 write, sign and read what
goes over lines, `stream` sends a body piece by piece, `upload` makes objects of it, `destination` keeps them; `faults`
translates.
"""
