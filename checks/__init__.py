"""Checks for Nagios and Icinga: what a node recorded, or a probe found, judged by the time until pictures are lost."""
