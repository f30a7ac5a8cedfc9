"""Compiles the translations, and packs beside the code what the product reads at run time."""

from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("templates", "static", "migrations", "translations")


class Build(BuildHookInterface[Any]):
    """Runs for wheels and for editable installations; only wheels carry copies of anything."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before anything is packed; `version` is "standard" or "editable"."""
        root = Path(self.root)
        compile_translations(root)
        if version == "standard" and self.target_name == "wheel":
            build_data["force_include"][str(root / "wsgi.py")] = "wsgi.py"
            for folder in DATA:
                build_data["force_include"][str(root / folder)] = f"breachclock_data/{folder}"


def compile_translations(root: Path) -> None:
    """Make messages.mo beside every messages.po under translations/.

    Raises: PoFileError when one is not well formed.
    """
    for source in root.glob("translations/*/LC_MESSAGES/*.po"):
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parts[-3], abort_invalid=True)
        compiled = BytesIO()
        write_mo(compiled, catalog)
        source.with_suffix(".mo").write_bytes(compiled.getvalue())


if __name__ == "__main__":
    compile_translations(Path(__file__).parent)
