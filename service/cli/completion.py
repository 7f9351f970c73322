"""Completion of commands and options in a shell, by click's own machinery."""

import click
from click.shell_completion import get_completion_class

from service.cli import output, session

_SETUP = {
    "bash": 'eval "$(accessline completion bash)"    in ~/.bashrc',
    "zsh": 'eval "$(accessline completion zsh)"    in ~/.zshrc, behind compinit',
    "fish": "accessline completion fish > ~/.config/fish/completions/accessline.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(tuple(_SETUP)))
@session.as_json
@click.pass_context
def completion(context: click.Context, *, shell: str, as_json: bool) -> None:
    """Print a script that completes commands and options.

    bash: eval "$(accessline completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc,
    behind compinit; fish: redirect it to ~/.config/fish/completions/accessline.fish
    """
    machinery = get_completion_class(shell)
    assert machinery is not None, shell  # noqa: S101 -- click knows the three
    root = context.find_root().command
    script = machinery(root, {}, "accessline", "_ACCESSLINE_COMPLETE").source()
    if as_json:
        output.show_json({"shell": shell, "setup": _SETUP[shell], "script": script})
    else:
        click.echo(script)
