"""What an app of PlayCanvas is built for. Source: https://developer.playcanvas.com/user-manual/api/app-download/"""

from typing import Final

from exports.providers.contract import Preset

SCRIPTS: Final = {"scripts_concatenate": True, "scripts_minify": True, "scripts_sourcemaps": False}
PRESETS: Final = (
    Preset(
        "hosting",
        "Build for hosting",
        "A static site for any web server: scripts in one file and minified.",
        {"app_format": "static", **SCRIPTS},
    ),
    Preset(
        "debugging",
        "Build for debugging",
        "The same with source maps, so that browsers show your own code.",
        {"app_format": "static", **SCRIPTS, "scripts_sourcemaps": True},
    ),
    Preset(
        "npm",
        "npm project",
        "A Vite project that you build and host yourself; scripts stay as they are.",
        # As PlayCanvas' editor sends it (playcanvas/editor, src/editor/driver/build.ts).
        {"app_format": "npm", **dict.fromkeys((*SCRIPTS, "optimize_scene_format"), False)},
    ),
)
