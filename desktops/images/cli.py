"""`mainline image …`: building golden images from the command line."""

from pathlib import Path

import click

from desktops.images.build import build_image, list_images
from desktops.images.recipe import AgentSource, load_recipe
from workspace.settings import load_settings


@click.group("image")
def image_commands() -> None:
    """Golden images: the system disks that desktops are cloned from."""


@image_commands.command("build")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of images; default: image_dir of the settings.")
@click.option("--recipe", "recipe_name", default="desktop", show_default=True, help="Name below deploy/images/.")
@click.option("--wheels", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The agent's dependencies as wheels.")
@click.option("--force", is_flag=True, help="Build although nothing changed here, to take in Debian's updates.")
def build(output: Path | None, recipe_name: str, wheels: Path | None, force: bool) -> None:
    """Build an image, unless it is there already. The last line printed is its folder."""
    output = output or load_settings().effective_image_dir
    image = build_image(load_recipe(recipe_name), AgentSource(wheels=wheels), output, force=force, tell=click.echo)
    click.echo(str(image.folder))


@image_commands.command("list")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of images; default: image_dir of the settings.")
def list_(output: Path | None) -> None:
    """Print the images that are there, oldest first."""
    for image in list_images(output or load_settings().effective_image_dir):
        click.echo(f"{image.folder.name}  {image.built_at}  {image.size_bytes / 1e6:.0f} MB  {image.title}")
