"""What tells that the picture of a stream changed its form."""

from __future__ import annotations

import av

from fetalnet.live.decoding import headers

SIZE, MORE, PICTURE = b"\0\0\0\1\x67size", b"\0\0\0\1\x68more", b"\0\0\1\x65picture"


def key_frame(content: bytes) -> av.Packet:
    packet = av.Packet(content)
    packet.is_keyframe = True
    return packet


def test_that_headers_sent_twice_are_no_other_picture() -> None:
    once = headers(key_frame(SIZE + MORE + PICTURE), "h264")
    assert once == SIZE + MORE
    assert headers(key_frame(SIZE + MORE + SIZE + MORE + PICTURE), "h264") == once


def test_that_other_headers_are_another_picture() -> None:
    assert headers(key_frame(b"\0\0\0\1\x67wide" + MORE + PICTURE), "h264") != SIZE + MORE


def test_that_a_frame_without_headers_says_nothing() -> None:
    assert headers(key_frame(PICTURE), "h264") == b""
    assert headers(av.Packet(SIZE + MORE + PICTURE), "h264") == b""
