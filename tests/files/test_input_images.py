"""PIL images and arrays in an input: the original file, or a lossless one with the EXIF data."""

import asyncio
import io
import threading
from pathlib import Path

import numpy
import pytest
from PIL import Image

from conftest import Harness
from replicate_ext import FileInput
from replicate_ext._files import images, local_file
from sent_inputs import multipart_contents, parse_data_uri, run_with_input

ORIENTATION = 0x0112
EXIF = Image.Exif()
EXIF[ORIENTATION] = 6


def encode(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def photo() -> Image.Image:
    return Image.fromarray(numpy.arange(48, dtype=numpy.uint8).reshape(4, 4, 3))


def animation(format: str) -> bytes:
    first, *others = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    return encode(first, format, save_all=True, append_images=others, duration=[50, 60, 70], loop=0, **options)


def send(harness: Harness, image: object) -> tuple[str, bytes]:
    return parse_data_uri(run_with_input(harness, {"image": image})["image"])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("is_loaded", [True, False])
@pytest.mark.parametrize("from_path", [True, False])
def test_image_that_was_not_modified_goes_as_its_file(
    harness: Harness, tmp_path: Path, format: str, is_loaded: bool, from_path: bool
) -> None:
    content = encode(photo(), format, exif=EXIF)
    path = tmp_path / f"photo.{format.lower()}"
    path.write_bytes(content)
    image = Image.open(path if from_path else io.BytesIO(content))
    if is_loaded:
        image.load()
    media_type, sent = send(harness, image)
    if is_loaded and not from_path and format != "PNG":  # Pillow has dropped the file
        assert media_type == "image/png"
        assert Image.open(io.BytesIO(sent)).tobytes() == image.convert("RGB").tobytes()
    else:
        assert media_type == f"image/{format.lower()}"
        assert sent == content
    assert Image.open(io.BytesIO(sent)).getexif()[ORIENTATION] == 6
    image.close()


def test_image_from_a_file_is_uploaded_under_its_name(harness: Harness, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(encode(photo(), "JPEG"))
    with Image.open(path) as image:
        run_with_input(harness, {"image": FileInput(image, inline=False)})
    assert multipart_contents(harness.server.requests[0]) == [("holiday.jpg", "image/jpeg", path.read_bytes())]
    run_with_input(harness, {"image": FileInput(photo(), inline=False)})
    assert multipart_contents(harness.server.requests[2])[0][:2] == ("image.png", "image/png")


@pytest.mark.parametrize(
    "modify",
    [
        lambda image: image.paste("white", (0, 0, 2, 2)),
        lambda image: image.putpixel((1, 1), (9, 9, 9)),
        lambda image: image.thumbnail((2, 2)),
        lambda image: image.putalpha(7),
    ],
)
def test_modified_image_is_lossless_and_keeps_its_exif_data(harness: Harness, tmp_path: Path, modify) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(photo(), "JPEG", exif=EXIF))
    with Image.open(path) as image:
        modify(image)
        media_type, sent = send(harness, image)
        received = Image.open(io.BytesIO(sent))
        assert media_type == "image/png"
        assert (received.mode, received.tobytes()) == (image.mode, image.tobytes())
        assert received.getexif()[ORIENTATION] == 6


def test_changed_exif_data_is_sent(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(photo(), "JPEG", exif=EXIF))
    with Image.open(path) as image:
        image.getexif()[ORIENTATION] = 1
        assert Image.open(io.BytesIO(send(harness, image)[1])).getexif()[ORIENTATION] == 1


def test_image_whose_file_has_changed_is_sent_as_it_was_opened(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(photo(), "PNG"))
    with Image.open(path) as image:
        image.load()
        for content in (encode(Image.new("RGB", (4, 4)), "PNG"), b"no image"):
            path.write_bytes(content)
            assert Image.open(io.BytesIO(send(harness, image)[1])).tobytes() == photo().tobytes()


@pytest.mark.parametrize(
    ("mode", "sent_mode"),
    [
        *[(mode, mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
        *[(mode, "RGB") for mode in ("CMYK", "YCbCr", "HSV", "LAB", "RGBX")],
        *[("PA", "RGBA"), ("RGBa", "RGBA"), ("La", "LA")],
    ],
)
def test_modes_that_png_does_not_have_are_converted(harness: Harness, mode: str, sent_mode: str) -> None:
    media_type, sent = send(harness, Image.new(mode, (2, 2)))
    assert media_type == "image/png"
    assert Image.open(io.BytesIO(sent)).mode == sent_mode


@pytest.mark.parametrize("mode", ["F", "I"])
def test_mode_without_lossless_format_is_named(harness: Harness, mode: str) -> None:
    with pytest.raises(ValueError, match=rf"input\.image .* mode {mode}.*convert\('L'\)"):
        harness.call(harness.client.run("acme/filter", {"image": Image.new(mode, (2, 2)), "other": bytes(300_000)}))
    assert harness.server.requests == []


def test_truncated_image_is_named(harness: Harness) -> None:
    image = Image.open(io.BytesIO(encode(photo().resize((99, 99)), "PNG")[:200]))
    with pytest.raises(OSError, match=r"input\.image cannot be sent: .*truncated"):
        harness.call(harness.client.run("acme/filter", {"image": image}))
    assert harness.server.requests == []


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("is_loaded", [True, False])
def test_animation_keeps_its_frames(harness: Harness, format: str, is_loaded: bool) -> None:
    image = Image.open(io.BytesIO(animation(format)))
    image.seek(1)
    if is_loaded:
        image.load()
    media_type, sent = send(harness, image)
    assert media_type == f"image/{format.lower()}"
    received = Image.open(io.BytesIO(sent))
    assert (received.n_frames, image.tell()) == (3, 1)
    for frame, color in enumerate([(255, 0, 0), (0, 128, 0), (0, 0, 255)]):
        received.seek(frame)
        assert received.convert("RGB").getpixel((0, 0)) == color
        assert received.info["duration"] == 50 + 10 * frame


@pytest.mark.parametrize(("shape", "mode"), [((4, 6), "L"), ((4, 6, 1), "L"), ((4, 6, 3), "RGB"), ((4, 6, 4), "RGBA")])
def test_array_with_the_shape_of_an_image_is_one(harness: Harness, shape: tuple, mode: str) -> None:
    array = numpy.arange(numpy.prod(shape), dtype=numpy.uint8).reshape(shape)
    media_type, sent = send(harness, array)
    received = Image.open(io.BytesIO(sent))
    assert (media_type, received.mode, received.size) == ("image/png", mode, (6, 4))
    assert numpy.array_equal(numpy.asarray(received), array.squeeze())
    assert send(harness, array[::-1, ::-1])[1] == send(harness, array[::-1, ::-1].copy())[1]


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2), (2, 2, 3, 1), (0, 4, 3), ()])
def test_other_arrays_are_lists(harness: Harness, shape: tuple) -> None:
    array = numpy.zeros(shape, numpy.uint8)
    assert run_with_input(harness, {"x": array}) == {"x": array.tolist()}
    assert run_with_input(harness, {"x": numpy.zeros((2, 2, 3))}) == {"x": [[[0.0] * 3] * 2] * 2}


def test_array_of_an_image_without_pillow_is_rejected(harness: Harness, monkeypatch) -> None:
    monkeypatch.setattr("replicate_ext._files.file_input.has_pillow", lambda: False)
    with pytest.raises(TypeError, match=r"input\.x is an array .* install pillow"):
        harness.call(harness.client.run("acme/filter", {"x": numpy.zeros((4, 4, 3), numpy.uint8)}))


def test_async_client_encodes_images_in_threads(server, clock, monkeypatch) -> None:
    threads: set[int] = set()

    def write_image(image: object, file: io.BytesIO) -> str:
        threads.add(threading.get_ident())
        return images.write_image(image, file)

    monkeypatch.setattr(local_file, "write_image", write_image)
    harness = Harness(server, clock, is_async=True)
    run_with_input(harness, {"image": photo(), "array": numpy.zeros((9, 9, 3), numpy.uint8)})
    assert threads
    assert threading.get_ident() not in threads


def test_one_image_in_concurrent_calls_is_read_once_at_a_time(server, clock, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(photo().resize((400, 400)), "JPEG"))
    harness = Harness(server, clock, is_async=True)
    run_with_input(harness, {})

    async def main() -> None:
        with Image.open(path) as image:
            await asyncio.gather(*[harness.client.run("acme/filter", {"image": image}) for _ in range(20)])

    asyncio.run(main())
    uris = [server.request_json(index)["input"]["image"] for index in range(1, 21)]
    assert {parse_data_uri(uri)[1] for uri in uris} == {path.read_bytes()}
