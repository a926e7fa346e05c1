"""A site as Icinga 2 is configured for it: files for a folder that is taken by `include_recursive`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.configuration.words import HEAD, KEPT, STALE, mark, title
from core.site.monitored import LATER, Host, Monitored, Service, node_host

EARLY = 5  # seconds before the time is over at which what was told counts as stale: the scheduler is not exact
SLASHES = HEAD.replace("# ", "// ")
SCRIPT = (
    "last=$${LAST%%.*}; "
    "if [ $$last -le 0 ]; then echo 'Nothing was told yet'; exit $$FIRST; fi; "
    "if [ $$(( $$(date +%s) - last )) -lt $$AFTER ]; then printf '%s' \\\"$$OUTPUT\\\"; exit $$STATE; fi; "
    "printf '%s' \\\"$$TEXT\\\"; exit $$EXIT"
)
COMMON = f"""{SLASHES}
// What all hosts and services of all sites have in common. Nothing here asks a unit: all results come in by the API.

// Runs when nothing was told in time: UNKNOWN, which pages nobody. When Icinga 2 starts it runs all checks once, and
// then it says what is known; of a service "node" that is new a WARNING, since its UNKNOWN would wake somebody.
object CheckCommand "overlapse-stale" {{
  command = [ "/bin/sh", "-c", "{SCRIPT}" ]
  env = {{
    LAST = "$service.last_check$"
    STATE = "$service.state_id$"
    OUTPUT = "$service.output$"
    AFTER = "$overlapse_stale$"
    FIRST = "$overlapse_first$"
    EXIT = "$overlapse_exit$"
    TEXT = "$overlapse_text$"
  }}
  vars.overlapse_first = "3"
  vars.overlapse_exit = "3"
  vars.overlapse_text = "UNKNOWN: {STALE}"
}}

// The hub itself tells nothing: one page, of the service "node" on the hub's own host.
object CheckCommand "overlapse-hub-stale" {{
  import "overlapse-stale"
  vars.overlapse_exit = "2"
  vars.overlapse_text = "CRITICAL: {STALE} - act before all else"
}}

// A host is never asked: its state comes with the results.
object CheckCommand "overlapse-passive" {{
  command = [ "/bin/true" ]
}}

object TimePeriod "overlapse-office-hours" {{
  display_name = "Office hours"
  ranges = {{
    monday = "08:00-18:00"
    tuesday = "08:00-18:00"
    wednesday = "08:00-18:00"
    thursday = "08:00-18:00"
    friday = "08:00-18:00"
  }}
}}

template Host "overlapse-host" {{
  check_command = "overlapse-passive"
  enable_active_checks = false
  enable_flapping = false
  max_check_attempts = 1
  volatile = false
  vars.overlapse = true
}}

// Each result brings a ttl; the active check runs only when that is over, and says that the service is stale.
template Service "overlapse-service" {{
  check_command = "overlapse-stale"
  enable_active_checks = true
  enable_flapping = false
  max_check_attempts = 1
  check_interval = 5m
  retry_interval = 5m
  vars.overlapse = true
}}
"""

NOTIFICATIONS = f"""{KEPT.replace("# ", "// ")}
// Who is told what. Put your people here.

object User "overlapse-oncall" {{
  display_name = "On call"
  email = "oncall@localhost"
  states = [ Critical, Unknown, OK, Down, Up ]
  types = [ Problem, Recovery ]
}}

object User "overlapse-office" {{
  display_name = "The office"
  email = "office@localhost"
  states = [ Warning, OK ]
  types = [ Problem, Recovery ]
}}

object NotificationCommand "overlapse-mail-host" {{
  command = [ "/bin/sh", "-c", "printf '%s\\n' \\"$$OUTPUT\\" | /usr/bin/mail -s \\"$$SUBJECT\\" \\"$$TO\\"" ]
  env = {{
    OUTPUT = "$host.output$"
    SUBJECT = "$notification.type$: $host.name$ $host.state$"
    TO = "$user.email$"
  }}
}}

object NotificationCommand "overlapse-mail-service" {{
  command = [ "/bin/sh", "-c", "printf '%s\\n' \\"$$OUTPUT\\" | /usr/bin/mail -s \\"$$SUBJECT\\" \\"$$TO\\"" ]
  env = {{
    OUTPUT = "$service.output$"
    SUBJECT = "$notification.type$: $host.name$ $service.name$ $service.state$"
    TO = "$user.email$"
  }}
}}

// CRITICAL and a host that is DOWN wake whoever is on call; UNKNOWN does only of the service "node".
apply Notification "overlapse-oncall" to Host {{
  command = "overlapse-mail-host"
  users = [ "overlapse-oncall" ]
  interval = 0
  assign where host.vars.overlapse
}}

apply Notification "overlapse-oncall" to Service {{
  command = "overlapse-mail-service"
  users = [ "overlapse-oncall" ]
  interval = 0
  states = [ Critical, OK ]
  if (service.vars.overlapse_unknown_pages) {{
    states += [ Unknown ]
  }}
  assign where service.vars.overlapse
}}

// WARNING can wait for the office.
apply Notification "overlapse-office" to Service {{
  command = "overlapse-mail-service"
  users = [ "overlapse-office" ]
  period = "overlapse-office-hours"
  interval = 0
  assign where service.vars.overlapse
}}
"""


def files(sites: Sequence[Monitored]) -> dict[str, str]:
    """Return the files of a folder for these sites, by name."""
    return {"overlapse.conf": COMMON} | {f"site-{one.site}.conf": _site(one) for one in sites}


def kept() -> dict[str, str]:
    """Return the files that are written once and then belong to whoever edits them."""
    return {"overlapse-notifications.conf": NOTIFICATIONS}


def _site(made: Monitored) -> str:
    about = f"\n# Site {made.site}, told of by the Overlapse of node {made.hub}.{mark(made)}\n".replace("# ", "// ")
    parts = [SLASHES + about, _hostgroup(made), _template(made)]
    for host in made.hosts:
        parts.append(_host(made, host))
        parts += [_service(made, one) for one in made.services if one.host == host.name]
    parts += [text for host in made.hosts for text in _parents(host)]
    parts.append(_hub(made))
    return "\n".join(parts)


def _hostgroup(made: Monitored) -> str:
    return (
        f'object HostGroup "overlapse_{made.site}" {{\n  display_name = "Overlapse {made.site}"\n'
        f'  assign where host.vars.overlapse_site == "{made.site}"\n}}\n'
    )


def _template(made: Monitored) -> str:
    return (
        f'template Service "{made.site}_service" {{\n  import "overlapse-service"\n'
        f'  check_interval = {made.stale + LATER:.0f}s\n  vars.overlapse_stale = "{made.stale + LATER - EARLY:.0f}"\n'
        f'  vars.overlapse_site = "{made.site}"\n}}\n'
    )


def _host(made: Monitored, host: Host) -> str:
    return (
        f'object Host "{host.name}" {{\n  import "overlapse-host"\n  display_name = "{title(made, host)}"\n'
        f'  vars.overlapse_site = "{made.site}"\n}}\n'
    )


def _service(made: Monitored, service: Service) -> str:
    lines = [
        f'object Service "{service.name}" {{',
        f'  import "{made.site}_service"',
        f'  host_name = "{service.host}"',
    ]
    if service.check == "node":
        lines += ["  vars.overlapse_unknown_pages = true", '  vars.overlapse_first = "1"']
        if service.node == made.hub:
            stale = made.stale_after(service.node, service.check)
            lines += ['  check_command = "overlapse-hub-stale"', f"  check_interval = {stale:.0f}s"]
            lines.append(f'  vars.overlapse_stale = "{stale - EARLY:.0f}"')
    return "\n".join([*lines, "}", ""])


def _parents(host: Host) -> Iterator[str]:
    """Yield that a host is unreachable while its parents are DOWN: of several all."""
    for parent in host.parents:
        group = '\n  redundancy_group = "ways"' if len(host.parents) > 1 else ""
        yield (
            f'object Dependency "{parent}" {{\n  parent_host_name = "{parent}"\n  child_host_name = "{host.name}"\n'
            f"  disable_checks = false\n  disable_notifications = true{group}\n}}\n"
        )


def _hub(made: Monitored) -> str:
    """Return that nothing is notified of while the hub itself is not heard: its own service pages."""
    hub = node_host(made.site, made.hub)
    return (
        f'apply Dependency "overlapse-hub-{made.site}" to Service {{\n  parent_host_name = "{hub}"\n'
        '  parent_service_name = "node"\n  states = [ OK, Warning, Unknown ]\n  disable_checks = false\n'
        "  disable_notifications = true\n"
        f'  assign where service.vars.overlapse_site == "{made.site}"\n'
        f'  ignore where host.name == "{hub}" && service.name == "node"\n}}\n'
    )
