"""The texts of the site files that `init` writes: `$` marks what it fills in."""

from __future__ import annotations

HEAD = """\
# A site of Overlapse: $title
#
# This file is the whole configuration. It runs as it is, on a virtual camera, without hardware:
#
#   overlapse validate --site $file
#       tells every mistake, with its line
#   overlapse capture north --site $file
#       takes one shot now, through the whole path
#   overlapse run --site $file
#       runs the node, until Ctrl-C
#
# Lines that begin with # are notes, or examples of what else could be written. Unknown keys are refused.
# Times: "30s", "10m", "1h30m", "7d". Sizes: "500MB", "8GB". Rates: "120kB/s". Names: a-z, 0-9 and '-'.
# Paths are relative to the folder of this file. After a change: `overlapse validate`, then send the node SIGHUP.

version = 1

# name: goes before everything that this site makes or sends.
# zone: the local time of schedules and legends. data: where pictures wait until they are home, on the largest disk.
# clock: "check" asks the kernel whether the clock is set; "host" takes it on trust, as a container must.
# latitude, longitude: for windows by the sun, such as from = "sunrise-30m".
[site]
name = "$site"
zone = "$zone"
data = "data"
clock = "check"
# latitude = 48.64
# longitude = -2.02

# Who may look, operate and administer: Unix groups of this machine. These are the defaults.
# [roles]
# view = "overlapse-view"
# operate = "overlapse-operate"
# admin = "overlapse-admin"

# ---------------------------------------------------------------------------------------------------------------------
# The machine beside the camera.
[[node]]
name = "$node"
kind = "unit"

# The node's own picture store, for the days when the link is down. Pictures that are proven at every destination that
# requires them leave first, when less than keep_free is left on the disk. Then:
#   when_full = "thin"   unproven pictures go too, announced 7 days before: RAW before JPEG, every other slot first,
#                        never the last 48 hours
#   when_full = "stop"   no unproven picture ever goes: the cameras stop
# keep: proven pictures older than this leave although there is room.
$capacity
[node.buffer]
keep_free = "2GB"
when_full = "thin"
# keep = "90d"

# The ways out of the node. A rate is what Overlapse may use of it; without one it takes what it gets. A budget is a
# limit of bytes a month. With a ladder the link sends less when rate or budget do not last, and more when they do.
# Outside of its windows only status and live pictures go.
[[node.link]]
name = "internet"
# interface = "wwan0"
# rate = "120kB/s"
# budget = { bytes = "12GB", month_starts = 1 }
# ladder = ["everything", "jpeg", "reduced", "status"]
# window = [{ from = "22:00", to = "06:00" }]
"""

NAS_LINK = """
[[node.link]]
name = "lan"
# interface = "eth0"
"""

CAMERA = """
# ---------------------------------------------------------------------------------------------------------------------
# The camera. This one is virtual: the folder `virtual` is its card, and each shot is a copy of the picture in it.
[[camera]]
name = "north"
primary = "$node"
source = { kind = "gphoto2", virtual = "virtual" }
shoots = "jpeg"

# Your own camera: put one of these in the place of the line `source` above.
#   on USB, the only one there:     source = { kind = "gphoto2" }
#   on USB, one of several:         source = { kind = "gphoto2", serial = "063021002222" }
#   by network (PTP/IP):            source = { kind = "gphoto2", address = "192.168.1.5" }
#   a snapshot over HTTP:           source = { kind = "http", url = "http://10.20.0.11/snap.jpg", user = "view",
#                                              password_file = "secrets/gate" }     (one line; chmod 600 secrets/gate)
#   a stream over RTSP:             source = { kind = "rtsp", url = "rtsp://10.20.0.11/stream1", user = "view",
#                                              password_file = "secrets/gate" }     (one line)
#   one that pushes by FTP:         source = { kind = "ftp", user = "gate", password_file = "secrets/gate" }
#       and below name = "$node" of [[node]], the server that it pushes to: ftp = { listen = "0.0.0.0:2121" }
#   files that something leaves:    source = { kind = "folder", path = "/srv/drop/gate", settle = "5s" }
# Of a folder each slot takes the newest whole file, once: one that nobody has written to for `settle` (5s unless it is
# written), and that is no older than one and a half intervals. So `every` must be longer than settle. The others are
# not taken; they stay where they are, also with remove = true, which removes only what was taken and is safe here.
$shoots

# When it shoots: `every` is counted from local midnight; days and a window are optional. Examples:
#   every = "10m", days = "mon-sat", from = "07:00", to = "19:00"
#   every = "5m", from = "sunrise-30m", to = "sunset+30m"           (needs latitude and longitude)
#   at = ["12:00"]
[[camera.schedule]]
every = "10m"

# For a while another rhythm, which ends by itself:
# [[camera.event]]
# every = "30s"
# from = "2027-03-01T07:00"
# to = "2027-03-01T19:00"

# Settings of a real camera, from its own choices, written each time that it is opened:
# [camera.settings]
# iso = "100"
# focus = "manual"

# When a camera hangs, the node opens it anew, resets its USB port, and at last calls this, at most so often a day:
# [camera.recovery]
# hook = ["/usr/sbin/uhubctl", "-a", "cycle", "-l", "1-1", "-p", "2"]
# hooks_a_day = 12
"""

SHOOTS_BOTH = """\
# Then also the line `shoots`, for this way sends both (the virtual camera has no RAW):
#   shoots = "raw+jpeg\""""
SHOOTS_JPEG = """\
# The line `shoots` stays: this way takes JPEG only. What else a camera may shoot: "raw+jpeg", "raw"."""
SHOOTS_ANY = """\
# Originals do not go over the link, so the line `shoots` may well keep the RAW of a real camera too:
#   shoots = "raw+jpeg\""""

RECIPE = """
# ---------------------------------------------------------------------------------------------------------------------
# What goes out instead of the original: a rendition, made in the order of its steps. The original is never touched.
# A step is one of crop, resize (mode "fit", "fill" or "exact"), rotate, watermark (a PNG) and legend:
#   { crop = { width = 3000, height = 2000, x = 100, y = 50 } }
#   { rotate = 90 }
#   { watermark = "logo.png", at = "bottom-right", opacity = 0.6 }
[[recipe]]
name = "web"
quality = 85
steps = [
    { resize = "1920x1280", mode = "fit" },
    { legend = "{camera} {time:%d.%m.%Y %H:%M}", at = "bottom-left", size = 28, bar = true },
]
"""

RECIPE_EXAMPLE = """
# ---------------------------------------------------------------------------------------------------------------------
# A recipe makes a smaller or labelled copy, a rendition; the original is never touched. A route sends it by its name.
# [[recipe]]
# name = "web"
# quality = 85
# steps = [
#     { resize = "1920x1280" },
#     { watermark = "logo.png", at = "bottom-right", opacity = 0.6 },
#     { legend = "{camera} {time:%d.%m.%Y %H:%M}", size = 28, bar = true },
# ]
"""

DESTINATIONS = """
# ---------------------------------------------------------------------------------------------------------------------
# Where pictures go. Each destination has its own queue: one that is slow, full or gone delays no other.
"""

REMOTE = """
# The far end. It is a folder here, so that this file runs at once. A server by SSH is written like this; host_key is
# what `ssh-keyscan fr.example | ssh-keygen -lf -` prints, compared on the server itself:
#   address = "sftp://unit1@fr.example/srv/overlapse"
#   key_file = "secrets/id_unit1"                          (chmod 600)
#   host_key = "SHA256:..."
#   protected = true                                       (set up against theft: docs/destinations/theft.md)
[[destination]]
name = "remote"
link = "internet"
address = $remote
"""

REMOTE_EXAMPLE = """
# Nothing goes out over the Internet link. A server by SSH would be written like this:
# [[destination]]
# name = "remote"
# link = "internet"
# address = "sftp://unit1@fr.example/srv/overlapse"
# key_file = "secrets/id_unit1"
# host_key = "SHA256:..."
"""

NAS = """
# The storage on site: a mounted NAS. Write its mount point, such as "folder:/mnt/nas/harbour".
[[destination]]
name = "nas"
link = "lan"
address = $nas
"""

NAS_EXAMPLE = """
# A storage on site keeps what the link cannot carry; this site has none yet. A mounted NAS:
# [[destination]]
# name = "nas"
# address = "folder:/mnt/nas/harbour"
"""

ROUTES = """
# ---------------------------------------------------------------------------------------------------------------------
# Which pictures go where. what: "raw", "jpeg" or names of recipes. cameras: all, unless some are named.
# required: a picture counts as proven, and may leave this node, once every route that requires it has its proof.
# level: how it is proven: "size", "hash" (the far end's own SHA-256), "read-back" (all of it is read again).
# With every_nth = 6 one slot in six is sent. For people rather than programs, docs/photographer.md:
#   name = "{time:%Y-%m-%d}/{camera}_{time}{ext}"      the names there; else those that every node of ours knows
#   sidecar = "xmp"                                    a file beside each shot that says what is known of it
"""

ROUTE_NAS = """
[[route]]                # every original to the NAS, proven by reading it back
what = ["raw", "jpeg"]
to = "nas"
level = "read-back"
required = true
"""

ROUTE_EVERYTHING = """
[[route]]                # every original over the link
what = ["raw", "jpeg"]
to = "remote"
level = "hash"
required = true
"""

ROUTE_JPEG = """
[[route]]                # every JPEG over the link
what = ["jpeg"]
to = "remote"
level = "hash"
required = true
"""

ROUTE_REDUCED = """
[[route]]                # the scaled-down picture over the link; the original stays $stays
what = ["web"]
to = "remote"
level = "hash"
required = false

# The newest one under a name that stays, and a web page beside it that shows it (docs/live-cam.md):
# [[page]]
# name = "public"
# title = "What the page is called"
# [[route]]
# what = ["web"]
# to = "remote"
# live = "cam/{camera}.jpg"
# page = "public"
# required = false
"""

ROUTE_NONE = """
# No route: this node has the only copy of every picture. If it is stolen they are gone. To send the JPEG pictures:
# [[route]]
# what = ["jpeg"]
# to = "nas"
"""

CAPACITY = {
    "everything": """\
# RAW and JPEG of 18 megapixels are about 30 MB: every 10 minutes that makes 4.3 GB a day and needs a link of 50 kB/s;
# 300 GB hold 70 days.""",
    "jpeg": """\
# A JPEG of 18 megapixels is about 6 MB: every 10 minutes that makes 0.9 GB a day and needs a link of 10 kB/s;
# 300 GB hold 350 days.""",
    "reduced": """\
# A JPEG of 18 megapixels is about 6 MB, its copy of 1920x1280 about 0.4 MB: every 10 minutes that makes 0.9 GB a day
# on this disk, 300 GB hold 350 days, and the link carries 60 MB a day: 1 kB/s.""",
    "monitoring": """\
# A JPEG of 18 megapixels is about 6 MB: every 10 minutes that makes 0.9 GB a day; 300 GB hold 350 days.""",
}

TITLES = {
    "everything": "every picture goes over the link, RAW and JPEG",
    "jpeg": "JPEG only, taken and sent",
    "reduced": "a scaled-down picture goes over the link, originals stay on site",
    "monitoring": "no picture goes over the link",
}
