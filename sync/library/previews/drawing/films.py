"""Films: a still for the grid, whether browsers play the file as it is, and else a small copy that they play."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from sync.library.previews.drawing.raster import Drawn, write_pictures
from sync.library.previews.drawing.refusal import DAMAGED, TOO_LONG_A_FILM, check_pixels, refuse

FRAME_PIXELS_MAX = 40_000_000  # 8K is 33 million.
COPY_EDGE = 854
COPY_MINUTES_MAX = 20
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
_PLAYED = {"mp4": ({"h264"}, {"aac", "mp3"}), "webm": ({"vp8", "vp9", "av1"}, {"opus", "vorbis"})}
"""Container -> codecs of pictures and of sound that Chromium, Firefox and Safari play."""
_STILL_AT_S = 3.0
_FRAMES_TRIED = 60


def draw_film(source: Path, out: Path) -> Drawn:
    with _opened(source) as container:
        stream = _pictures_of(container)
        duration_s = _duration_s(container)
        frame = _still(container, stream, at_s=min(_STILL_AT_S, duration_s / 10))
        image = frame.to_image()
        if frame.rotation:
            image = image.rotate(frame.rotation, expand=True)
        size = image.size
        write_pictures(image, out)
        plays = _plays(source, container, stream)
    return {"width": size[0], "height": size[1], "duration_ms": round(duration_s * 1000), "plays": plays}


def copy_film(source: Path, out: Path) -> Drawn:
    """``film.mp4``: H.264 and AAC at most COPY_EDGE pixels wide, ready to be played before all of it has come."""
    with _opened(source) as container:
        stream = _pictures_of(container)
        duration_s = _duration_s(container)
        if duration_s > COPY_MINUTES_MAX * 60:
            refuse(TOO_LONG_A_FILM, f"{duration_s:.0f} s are too long for a copy")
        with av.open(str(out / "film.mp4"), "w", options={"movflags": "+faststart"}) as copy:
            last_s = _transcode(container, stream, copy)
    if last_s < 0.9 * duration_s - 1:
        refuse(DAMAGED, f"ends after {last_s:.0f} of {duration_s:.0f} s")
    return {"duration_ms": round(duration_s * 1000)}


def check_copy(source: Path, out: Path) -> Drawn:
    """Look at a copy that was made: a whole film of the size and coding asked for."""
    with _opened(source) as container:
        stream = _pictures_of(container)
        if not _plays(source, container, stream) or max(stream.codec_context.width, stream.codec_context.height) > COPY_EDGE:
            refuse(DAMAGED, "the copy is not of the kind asked for")
        _still(container, stream, at_s=0)
        return {"duration_ms": round(_duration_s(container) * 1000)}


def _opened(source: Path) -> InputContainer:
    try:
        return av.open(str(source), options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        refuse(DAMAGED, str(error))


def _pictures_of(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        refuse(DAMAGED, "no pictures in the film")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None:
        refuse(DAMAGED, "in a coding that is not known")
    check_pixels(context.width, context.height, FRAME_PIXELS_MAX)
    context.options = {"max_pixels": str(FRAME_PIXELS_MAX)}  # A later header may state another size.
    context.thread_count = 2
    stream.thread_type = "SLICE"
    return stream


def _duration_s(container: InputContainer) -> float:
    return max(0.0, (container.duration or 0) / av.time_base)


def _still(container: InputContainer, stream: VideoStream, *, at_s: float) -> VideoFrame:
    """The first whole picture from ``at_s`` on; of a film that was cut off, the first of all."""
    for start_s in dict.fromkeys((at_s, 0.0)):
        try:
            container.seek(int(start_s * av.time_base))
            for frame, _number in zip(container.decode(stream), range(_FRAMES_TRIED), strict=False):
                if not frame.is_corrupt and (frame.time or 0) >= start_s - 0.5:
                    return frame
        except av.FFmpegError:
            continue
    refuse(DAMAGED, "no picture could be decoded")


def _plays(source: Path, container: InputContainer, stream: VideoStream) -> bool:
    """Whether common browsers play the file itself. QuickTime's own kind of container is served to none of them."""
    with source.open("rb") as file:
        head = file.read(64)
    family = "mp4" if head[4:8] == b"ftyp" and head[8:12] != b"qt  " else "webm" if b"\x42\x82\x84webm" in head else ""
    pictures, sounds = _PLAYED.get(family, (set(), set()))
    heard = {track.codec_context.name for track in container.streams.audio if track.codec_context is not None}
    context = stream.codec_context
    plain = context.pix_fmt in ("yuv420p", "yuvj420p")
    return context.codec.canonical_name in pictures and plain and heard <= sounds and len(heard) == len(container.streams.audio[:1])


def _transcode(container: InputContainer, stream: VideoStream, copy: Any) -> float:
    """Returns the time of the last picture, in seconds."""
    sound = next((track for track in container.streams.audio if track.codec_context is not None), None)
    rate = stream.average_rate or Fraction(25)
    pictures = copy.add_stream("libx264", rate=min(rate, Fraction(60)), options={"preset": "veryfast", "crf": "27"})
    pictures.pix_fmt = "yuv420p"
    pictures.codec_context.thread_count = 2
    heard = copy.add_stream("aac", rate=48000, layout="stereo") if sound is not None else None
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48000) if sound is not None else None
    tracks = [stream] if sound is None else [stream, sound]
    last_s, started, turn = 0.0, False, 0
    try:
        for packet in container.demux(tracks):
            for frame in packet.decode():
                if isinstance(frame, VideoFrame):
                    if not started:
                        started, turn = True, frame.rotation
                        pictures.width, pictures.height = _copy_size(frame, turn)
                        pictures.codec_context.time_base = stream.time_base or Fraction(1, 90000)
                    last_s = max(last_s, float(frame.time or 0))
                    copy.mux(pictures.encode(_small(frame, pictures, turn)))
                elif isinstance(frame, av.AudioFrame) and heard is not None and resampler is not None and started:
                    for piece in resampler.resample(frame):
                        copy.mux(heard.encode(piece))
    except av.FFmpegError as error:
        if not started:
            refuse(DAMAGED, str(error))
    if not started:
        refuse(DAMAGED, "no picture could be decoded")
    copy.mux(pictures.encode(None))
    if heard is not None:
        copy.mux(heard.encode(None))
    return last_s


def _copy_size(frame: VideoFrame, turn: int) -> tuple[int, int]:
    width, height = (frame.height, frame.width) if turn % 180 else (frame.width, frame.height)
    scale = min(1.0, COPY_EDGE / max(width, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _small(frame: VideoFrame, pictures: Any, turn: int) -> VideoFrame:
    size = (pictures.width, pictures.height)
    if turn % 360 == 0:
        small = frame.reformat(*size, format="yuv420p")
    else:
        lying = frame.reformat(*(size[::-1] if turn % 180 else size), format="rgb24").to_image()
        small = VideoFrame.from_image(lying.rotate(turn, expand=True)).reformat(*size, format="yuv420p")
    small.pts, small.time_base = frame.pts, frame.time_base
    return small
