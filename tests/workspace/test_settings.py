"""Settings: file, environment, flags, and words for what does not fit."""

from pathlib import Path

import pytest

from processes import run_product, settings_as_environment
from workspace.errors import InvalidInput
from workspace.settings import load_settings


def test_load_when_set_in_several_places_then_flag_beats_environment_beats_file(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('port = 1\nhost = "10.0.0.1"\ncompany_name = "甲"\n', "utf-8")
    settings = load_settings({"MAINLINE_CONFIG": str(file), "MAINLINE_PORT": "2", "MAINLINE_HOST": "::1"}, port=3)
    assert (settings.port, settings.host, settings.company_name) == (3, "::1", "甲")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"MAINLINE_PORT": "many"}, "port"),
        ({"MAINLINE_SECURE_COOKIES": "perhaps"}, "secure_cookies"),
        ({"MAINLINE_PROT": "1"}, "prot"),
    ],
    ids=["number", "boolean", "unknown name"],
)
def test_load_when_value_does_not_fit_then_names_it(environ: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        load_settings(environ)


def test_children_when_started_then_under_our_settings_whatever_the_environment_says() -> None:
    outside = {"MAINLINE_PORT": "9000", "MAINLINE_SECURE_COOKIES": "true"}
    ours = load_settings(outside, port=8800)
    assert load_settings({**outside, **settings_as_environment(ours)}) == ours


def test_load_when_file_is_missing_or_broken_then_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_settings({"MAINLINE_CONFIG": str(tmp_path / "none.toml")})
    broken = tmp_path / "broken.toml"
    broken.write_text("port = = 1")
    with pytest.raises(InvalidInput, match="not valid TOML"):
        load_settings({"MAINLINE_CONFIG": str(broken)})


def test_data_folder_when_its_path_is_too_long_for_sockets_then_says_so_at_once(tmp_path: Path) -> None:
    settings = load_settings({}, data_dir=tmp_path / ("深" * 30))
    with pytest.raises(InvalidInput, match="too long"):
        run_product(settings, tell=print, on_ready=lambda: None, prepare=lambda: None)
    assert not settings.data_dir.exists()
