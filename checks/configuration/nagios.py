"""A site as Nagios Core 4 is configured for it: files for a folder that is a `cfg_dir`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.configuration.words import HEAD, KEPT, STALE, mark, title
from core.site.monitored import LATER, Host, Monitored, Service, node_host

Pairs = Sequence[tuple[str, str]]

COMMANDS = f"""{HEAD}
# How stale results are told, and how people are (a semicolon would begin a comment). Nothing here asks a unit: all results come in by the command file.

# What was not told of for too long: UNKNOWN, which pages nobody.
define command {{
    command_name  overlapse_stale
    command_line  /bin/sh -c 'echo "UNKNOWN: {STALE}" && exit 3'
}}

# The hub itself tells nothing: one page, of the service "node" on the hub's own host.
define command {{
    command_name  overlapse_hub_stale
    command_line  /bin/sh -c 'echo "CRITICAL: {STALE} - act before all else" && exit 2'
}}

# A host is never asked: its state comes with the results.
define command {{
    command_name  overlapse_passive
    command_line  /bin/true
}}

define command {{
    command_name  overlapse_mail_host
    command_line  /usr/bin/printf "%b" "$HOSTNAME$ is $HOSTSTATE$\\n\\n$HOSTOUTPUT$\\n$LONGHOSTOUTPUT$\\n" | /usr/bin/mail -s "$NOTIFICATIONTYPE$: $HOSTNAME$ $HOSTSTATE$" $CONTACTEMAIL$
}}

define command {{
    command_name  overlapse_mail_service
    command_line  /usr/bin/printf "%b" "$SERVICEOUTPUT$\\n\\n$LONGSERVICEOUTPUT$\\n" | /usr/bin/mail -s "$NOTIFICATIONTYPE$: $HOSTNAME$ $SERVICEDESC$ $SERVICESTATE$" $CONTACTEMAIL$
}}
"""  # noqa: E501 - a command line of Nagios is one line

TEMPLATES = f"""{HEAD}
# What all hosts and services of all sites have in common.

define timeperiod {{
    timeperiod_name  overlapse_always
    alias            Always
    monday           00:00-24:00
    tuesday          00:00-24:00
    wednesday        00:00-24:00
    thursday         00:00-24:00
    friday           00:00-24:00
    saturday         00:00-24:00
    sunday           00:00-24:00
}}

define timeperiod {{
    timeperiod_name  overlapse_office_hours
    alias            Office hours
    monday           08:00-18:00
    tuesday          08:00-18:00
    wednesday        08:00-18:00
    thursday         08:00-18:00
    friday           08:00-18:00
}}

# Hosts are told by passive results: the hub knows whether a node or the link to it is silent. What stands behind a
# dead link is told as UNREACHABLE, and nobody is notified of that.
define host {{
    name                          overlapse_host
    check_command                 overlapse_passive
    active_checks_enabled         0
    passive_checks_enabled        1
    check_freshness               0
    max_check_attempts            1
    check_period                  overlapse_always
    notification_period           overlapse_always
    notification_interval         0
    notification_options          d,r
    contact_groups                overlapse_oncall,overlapse_office
    register                      0
}}

# CRITICAL wakes whoever is on call, WARNING can wait for the office. UNKNOWN is told to nobody but of the service
# "node" of each host, which pages for silence, too. What is not told of in time is stale, and never stays OK.
define service {{
    name                          overlapse_service
    check_command                 overlapse_stale
    active_checks_enabled         0
    passive_checks_enabled        1
    check_freshness               1
    max_check_attempts            1
    check_interval                5
    retry_interval                5
    check_period                  overlapse_always
    notification_period           overlapse_always
    notification_interval         0
    notification_options          w,c,r
    contact_groups                overlapse_oncall,overlapse_office
    register                      0
}}
"""

CONTACTS = f"""{KEPT}
# Who is told what. Put your people here.

define contact {{
    contact_name                   overlapse_oncall
    alias                          On call: what loses pictures, at any time
    email                          oncall@localhost
    host_notifications_enabled     1
    service_notifications_enabled  1
    host_notification_period       overlapse_always
    service_notification_period    overlapse_always
    host_notification_options      d,r
    service_notification_options   c,u,r
    host_notification_commands     overlapse_mail_host
    service_notification_commands  overlapse_mail_service
}}

define contact {{
    contact_name                   overlapse_office
    alias                          The office: what can wait
    email                          office@localhost
    host_notifications_enabled     0
    service_notifications_enabled  1
    host_notification_period       overlapse_office_hours
    service_notification_period    overlapse_office_hours
    host_notification_options      n
    service_notification_options   w,r
    host_notification_commands     overlapse_mail_host
    service_notification_commands  overlapse_mail_service
}}

define contactgroup {{
    contactgroup_name  overlapse_oncall
    alias              On call
    members            overlapse_oncall
}}

define contactgroup {{
    contactgroup_name  overlapse_office
    alias              The office
    members            overlapse_office
}}
"""


def files(sites: Sequence[Monitored]) -> dict[str, str]:
    """Return the files of a folder for these sites, by name."""
    common = {"overlapse-commands.cfg": COMMANDS, "overlapse-templates.cfg": TEMPLATES}
    return common | {f"site-{one.site}.cfg": _site(one) for one in sites}


def kept() -> dict[str, str]:
    """Return the files that are written once and then belong to whoever edits them."""
    return {"overlapse-contacts.cfg": CONTACTS}


def _site(made: Monitored) -> str:
    parts = [f"{HEAD}\n# Site {made.site}, told of by the Overlapse of node {made.hub}.{mark(made)}\n"]
    parts += [_hostgroup(made), *_templates(made)]
    for host in made.hosts:
        parts.append(_host(made, host))
        parts += [_service(made, one) for one in made.services if one.host == host.name]
    parts += [*_dependencies(made)]
    return "\n".join(parts)


def _hostgroup(made: Monitored) -> str:
    return _define(
        "hostgroup",
        [
            ("hostgroup_name", f"overlapse_{made.site}"),
            ("alias", f"Overlapse {made.site}"),
            ("members", ",".join(host.name for host in made.hosts)),
        ],
    )


def _templates(made: Monitored) -> Iterator[str]:
    yield _define(
        "service",
        [
            ("name", f"{made.site}_service"),
            ("use", "overlapse_service"),
            ("freshness_threshold", f"{made.stale + LATER:.0f}"),
            ("register", "0"),
        ],
    )


def _host(made: Monitored, host: Host) -> str:
    pairs = [("use", "overlapse_host"), ("host_name", host.name), ("alias", title(made, host))]
    return _define("host", pairs + ([("parents", ",".join(host.parents))] if host.parents else []))


def _service(made: Monitored, service: Service) -> str:
    pairs = [
        ("use", f"{made.site}_service"),
        ("host_name", service.host),
        ("service_description", service.name),
    ]
    if service.check == "node":
        pairs.append(("notification_options", "w,c,u,r"))
        if service.node == made.hub:
            stale = made.stale_after(service.node, service.check)
            pairs += [("check_command", "overlapse_hub_stale"), ("freshness_threshold", f"{stale:.0f}")]
    return _define("service", pairs)


def _dependencies(made: Monitored) -> Iterator[str]:
    """Yield that nothing is notified of while the hub itself is not heard: its own service pages."""
    hub = node_host(made.site, made.hub)
    others = [one for one in made.services if not (one.check == "node" and one.node == made.hub)]
    for one in others:
        yield _define(
            "servicedependency",
            [
                ("host_name", hub),
                ("service_description", "node"),
                ("dependent_host_name", one.host),
                ("dependent_service_description", one.name),
                ("notification_failure_criteria", "c"),
            ],
        )


def _define(kind: str, pairs: Pairs) -> str:
    widest = max(len(key) for key, _ in pairs)
    lines = [f"    {key:<{widest}}  {value}" for key, value in pairs]
    return "\n".join([f"define {kind} {{", *lines, "}", ""])
