"""GStreamer's RTSP server on this computer; run by the Python that has ``gi``: it prints its port and serves.

``/scan`` shows a moving ball, ``/locked`` the same behind the name "doctor" and the password "echo".
"""

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PICTURES = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
auth = GstRtspServer.RTSPAuth()
person, anyone = GstRtspServer.RTSPToken(), GstRtspServer.RTSPToken()
for token, role in ((person, "doctor"), (anyone, "anyone")):
    token.set_string("media.factory.role", role)
auth.add_basic(GstRtspServer.RTSPAuth.make_basic("doctor", "echo"), person)
auth.set_default_token(anyone)
server.set_auth(auth)
for name, allowed in (("scan", ("doctor", "anyone")), ("locked", ("doctor",))):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PICTURES)
    factory.set_shared(True)
    for role in ("doctor", "anyone"):
        permissions = Gst.Structure.new_empty(role)
        # Who may see that it is there but not watch it is asked for a password.
        permissions.set_value("media.factory.access", True)
        permissions.set_value("media.factory.construct", role in allowed)
        factory.add_role_from_structure(permissions)
    server.get_mount_points().add_factory(f"/{name}", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
