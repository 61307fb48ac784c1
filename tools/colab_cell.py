# Google Colab opens a notebook without its repository: there, and only there, install raflib.
import sys

if "google.colab" in sys.modules:
    import json
    import os
    import re
    from urllib.parse import unquote
    from urllib.request import urlopen

    # Colab's server knows which repository and branch the notebook was opened from.
    server = "{COLAB_JUPYTER_IP}:{KMP_TARGET_PORT}".format_map(os.environ)
    with urlopen(f"http://{server}/api/sessions", timeout=30) as answer:
        opened = unquote(json.load(answer)[0]["path"])
    source = re.search(r"github\.com/([\w.-]+/[\w.-]+)/blob/([^/]+)/", opened)
    if source is None:
        raise RuntimeError("Open this notebook from its repository (File > Open notebook > GitHub)")
    %pip install --quiet "raflib @ git+https://github.com/{source[1]}@{source[2]}"
