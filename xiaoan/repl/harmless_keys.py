"""What terminals send that is no key: mouse reports, and pasted colour codes that look like them, do nothing."""

from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys


def harmless_keys() -> KeyBindings:
    """Return bindings for a prompt without a mouse.

    prompt_toolkit reads every `ESC [ … m` as a report of the mouse, and fails on one that is none.
    """
    bindings = KeyBindings()

    @bindings.add(Keys.Vt100MouseEvent)
    def ignore(event: KeyPressEvent) -> None:
        """Do nothing."""

    return bindings
