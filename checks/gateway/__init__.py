"""What tells Nagios and Icinga 2 of the nodes whose status documents have arrived."""
