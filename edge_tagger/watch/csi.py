"""The CSI camera of a Raspberry Pi, by picamera2."""

from __future__ import annotations

from typing import cast

from edge_tagger.errors import MissingExtraError, SourceError
from edge_tagger.images import Pixels

_SIZE = (640, 480)  # a model takes far fewer pixels; the sensor's full view is scaled by the camera itself


class CSICamera:
    """The camera with this number. Raises MissingExtraError without picamera2, SourceError without a camera."""

    def __init__(self, number: int) -> None:
        self._name = f"CSI camera {number}"
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise MissingExtraError(
                f"a CSI camera needs picamera2, which is not installed ({error}); on Raspberry Pi OS: sudo apt install "
                "python3-picamera2, and make the virtual environment with --system-site-packages"
            ) from error
        there = Picamera2.global_camera_info()
        if number >= len(there):
            raise SourceError(
                f"there is no {self._name}; picamera2 sees {len(there)} cameras; look at the ribbon cable, and at "
                "rpicam-hello --list-cameras"
            )
        try:
            self._camera = Picamera2(number)
            # "BGR888" is the name for arrays in the order R, G, B (Picamera2 Manual, appendix A).
            wanted = self._camera.create_video_configuration(main={"size": _SIZE, "format": "BGR888"})
            self._camera.configure(wanted)
            self._camera.start()
        except RuntimeError as error:
            raise SourceError(f"cannot open {self._name}: {error}; another program may use it") from error

    def read(self) -> Pixels:
        try:
            return cast(Pixels, self._camera.capture_array("main"))
        except (RuntimeError, OSError) as error:
            raise SourceError(f"{self._name} gives no more pictures: {error}") from error

    def close(self) -> None:
        self._camera.stop()
        self._camera.close()
