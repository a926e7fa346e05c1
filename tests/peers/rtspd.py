"""Run by the system's Python, which has GStreamer: an RTSP server that shows test pictures, with a login.

    python3 rtspd.py CODEC WIDTH HEIGHT USER PASSWORD

It prints its port once it listens on loopback; PASSWORD is empty for a camera that lets everybody in.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PIPES = {
    "h264": "x264enc tune=zerolatency key-int-max=10 pass=quant quantizer=18 ! rtph264pay name=pay0 pt=96",
    "h265": "x265enc tune=zerolatency key-int-max=10 option-string=crf=12 ! rtph265pay name=pay0 pt=96",
    "mjpeg": "jpegenc quality=90 ! rtpjpegpay name=pay0 pt=26",
}


def main() -> None:
    codec, width, height, user, password = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    picture = f"video/x-raw,format=I420,width={width},height={height},framerate=10/1"
    factory.set_launch(f"( videotestsrc is-live=true pattern=smpte ! {picture} ! {PIPES[codec]} )")
    factory.set_shared(True)
    if password:
        authentication = GstRtspServer.RTSPAuth()
        authentication.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        authentication.add_digest(user, password, token)
        server.set_auth(authentication)
        rights = Gst.Structure.new_empty("viewer")
        rights.set_value("media.factory.access", True)
        rights.set_value("media.factory.construct", True)
        factory.add_role_from_structure(rights)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)  # noqa: T201
    GLib.MainLoop().run()


main()
