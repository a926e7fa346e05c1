"""Configuration for Nagios Core 4 and Icinga 2, made of a site."""
